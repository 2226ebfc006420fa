"""One WebSocket of a dashboard: its protocol state, and what it has still to be sent."""

import logging
import math
import socket
from collections import deque
from http import HTTPStatus

import msgspec
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from bot.web.board import EVENTS, Key
from bot.web.problems import PROBLEM, problem

MAX_MESSAGE = 4096  # bytes a client may send at once; it has nothing to say but pongs
SEND_BUFFER = 16 * 1024  # small, or the kernel hides for long that a client does not read
READ_SIZE = 16 * 1024
LINGER_S = 1.0  # for a refused or failed client to read why; closing at once would send a reset

_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.WARNING)  # the library tells every connection at INFO


def text_frame(payload: bytes) -> bytes:
    """Frames of a server are not masked, so one serves every client."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


class Client:
    """Used by the hub's thread only. Times are monotonic, in s.

    behind: keys whose newest value it has not been sent yet. events: frames that it has not been
    sent yet. leave_by: when it is closed whatever it does.
    """

    def __init__(self, sock: socket.socket, now: float) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.sock = sock
        self.behind: set[Key] = set()
        self.events: deque[bytes] = deque(maxlen=EVENTS)
        self.pinged_at = now
        self.leave_by = math.inf
        self._heard_at = now
        self._stuck_since: float | None = None  # since when the kernel takes no more bytes for it
        self._protocol = ServerProtocol(max_size=MAX_MESSAGE, logger=_quiet)
        self._unsent: deque[memoryview] = deque()
        self._ends = False

    @property
    def open(self) -> bool:
        return self._protocol.state is State.OPEN

    @property
    def drained(self) -> bool:
        """Whether all it was given is with the kernel. Until then it is not read from either, so
        that one that only asks cannot pile up pongs."""
        return not self._unsent

    @property
    def done(self) -> bool:
        """Whether both sides have said goodbye, so that nothing is lost by closing."""
        return self.drained and self._protocol.close_rcvd is not None

    def accept(self, request: Request) -> None:
        """Answer the handshake, well or with a refusal."""
        self._protocol.receive_data(request.serialize())  # it reads frames only after a request
        for handshake in self._protocol.events_received():
            assert isinstance(handshake, Request)
            response = self._protocol.accept(handshake)
            if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
                _explain(response, bytes(response.body).decode().strip())
            self._protocol.send_response(response)

    def refuse(self, status: HTTPStatus, detail: str, retry_after_s: int) -> None:
        response = self._protocol.reject(status, detail)
        response.headers["Retry-After"] = str(retry_after_s)
        _explain(response, detail)
        self._protocol.send_response(response)

    def say_goodbye(self) -> None:
        if self.open:
            self._protocol.send_close(CloseCode.GOING_AWAY, "the bot is stopping")

    def ping(self, now: float) -> None:
        self.pinged_at = now
        self._protocol.send_ping(b"")

    def queue(self, frames: bytes) -> None:
        """Add whole frames; only when drained, so that what waits is bounded by one tick."""
        self._unsent.append(memoryview(frames))

    def note(self, event: bytes) -> bool:
        """Keep an event for later. Returns: whether the oldest had to give way."""
        full = len(self.events) == EVENTS
        self.events.append(event)
        return full

    def receive(self, now: float) -> bool:
        """Read once. Returns: whether the other side is still there. Raises: OSError."""
        try:
            data = self.sock.recv(READ_SIZE)
        except BlockingIOError:
            return True
        if not data:
            return False
        self._heard_at = now
        self._protocol.receive_data(data)
        self._protocol.events_received()  # what a client says means nothing here
        return True

    def flush(self, now: float) -> None:
        """Send what the kernel takes. Raises: OSError when the connection is broken."""
        self._take_control(now)
        try:
            while self._unsent:
                sent = self.sock.send(self._unsent[0])
                self._stuck_since = now
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                else:
                    self._unsent.popleft()
        except BlockingIOError:
            if self._stuck_since is None:
                self._stuck_since = now
            return
        self._stuck_since = None
        if self._ends:
            self._ends = False
            self.sock.shutdown(socket.SHUT_WR)

    def overdue(self, now: float, stall_s: float, silent_s: float) -> str | None:
        """Why it has to go, None while it need not."""
        if self._stuck_since is not None and now - self._stuck_since > stall_s:
            return f"it read nothing for {now - self._stuck_since:.1f} s"
        if self.open and now - self._heard_at > silent_s:
            return f"it was silent for {now - self._heard_at:.1f} s"
        return None

    def _take_control(self, now: float) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._unsent.append(memoryview(data))
            else:  # the protocol's sign that nothing follows
                self._ends = True
                self.leave_by = now + LINGER_S


def _explain(response: Response, detail: str) -> None:
    """Make a refused handshake an answer like those of the API."""
    response.body = msgspec.json.encode(problem(response.status_code, detail))
    for name, value in (("Content-Type", PROBLEM), ("Content-Length", str(len(response.body))),
                        ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"),
                        ("Sec-WebSocket-Version", "13")):
        if name in response.headers:
            del response.headers[name]  # assignment adds to this mapping
        response.headers[name] = value
