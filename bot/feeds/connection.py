"""One open WebSocket: messages in, text and pings out. Only the thread that reads it may use it.

Replies to server pings are sent by the reading thread too, so there is never a second sender: on
Python 3.11 and 3.12 a second thread that sends on a TLS connection with a timeout breaks it.
"""

import select
import ssl
import struct
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

import websocket

from bot.causes import LossCause
from bot.errors import ConnectionLost
from bot.feeds.frames import CLOSE, PING, PONG, TEXT, FrameReader
from bot.wording import worded

CHUNK = 1 << 16
READ_S = 0.2  # longest wait in one receive(), and so the pace of everything else its thread does


class Connection:
    """An open WebSocket, in the hands of one reading thread.

    heard_at: monotonic s of the last bytes of any kind. pongs: payloads of pong frames not yet
    taken by the owner.
    """

    def __init__(self, ws: websocket.WebSocket, mono: Callable[[], float] = monotonic) -> None:
        assert ws.sock is not None, "connected"
        self._ws = ws
        self._sock = ws.sock
        self._mono = mono
        self._frames = FrameReader()
        self._ended = ""
        self._ended_by: LossCause = "protocol"
        self.heard_at = mono()
        self.pongs: deque[bytes] = deque()
        self._sock.settimeout(READ_S)

    @property
    def pending(self) -> bool:
        """Whether there is something to receive that the operating system does not know of."""
        return bool(self._ended) or (
            isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0)

    def fileno(self) -> int:
        return self._sock.fileno()

    def receive(self, wait: bool = True) -> list[bytes]:
        """The messages that arrived, text or binary, in order; none after READ_S of silence.

        wait: False: take what is there and do not wait at all.
        Raises: ConnectionLost, with the peer's close code and reason if there were any, once every
        message before it has been returned.
        """
        if self._ended:
            raise ConnectionLost(self._ended, self._ended_by)
        try:
            data = self._sock.recv(CHUNK) if wait else self._recv_now()
        except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
            return []
        except OSError as error:
            raise ConnectionLost(worded(error)) from error
        if not data:
            raise ConnectionLost("connection ended without a close frame", "ended")
        self.heard_at = self._mono()
        messages = []
        for opcode, payload in self._frames.feed(data):
            if opcode < CLOSE:
                messages.append(payload)
            elif opcode == PING:
                self._send(payload, PONG)
            elif opcode == PONG:
                self.pongs.append(payload)
            else:
                self._ended, self._ended_by = _closing(payload), "closed"
                break
        self._ended = self._ended or self._frames.fault
        return messages

    def send(self, text: str) -> None:
        """Raises: ConnectionLost."""
        self._send(text.encode(), TEXT)

    def ping(self, payload: bytes) -> None:
        """Raises: ConnectionLost."""
        self._send(payload, PING)

    def close(self) -> None:
        """Say goodbye with code 1000 and close, without waiting for an answer."""
        try:
            self._ws.send_close(websocket.STATUS_NORMAL)
        except (OSError, websocket.WebSocketException):
            pass  # the peer is gone already
        self._ws.shutdown()  # type: ignore[no-untyped-call]

    def _recv_now(self) -> bytes:
        self._sock.settimeout(0.0)
        try:
            return self._sock.recv(CHUNK)
        finally:
            self._sock.settimeout(READ_S)  # sending waits a little for room

    def _send(self, payload: bytes, opcode: int) -> None:
        try:
            self._ws.send(payload, opcode)
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"cannot send: {worded(error)}") from error


def wait_for_any(connections: Sequence[Connection], seconds: float) -> None:
    """Return once one of them has something to receive, or after `seconds`."""
    if any(connection.pending for connection in connections):
        return
    poll = select.poll()
    for connection in connections:
        poll.register(connection.fileno(), select.POLLIN)
    poll.poll(seconds * 1000)


def _closing(payload: bytes) -> str:
    if len(payload) < 2:
        return "closed by the exchange"
    (code,) = struct.unpack("!H", payload[:2])
    reason = payload[2:].decode("utf-8", "replace")
    return f"closed by the exchange, code {code}" + (f" ({reason})" if reason else "")
