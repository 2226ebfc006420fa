"""One WebSocket connection of a practice exchange, as seen from the server."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.sync.server import ServerConnection

from bot.sandbox.side import Session
from bot.sandbox.transport import Wire

CONTROL_FRAMES = (Opcode.PING, Opcode.PONG)


class Client(ServerConnection):
    """Counts what it is sent, and closes from its own thread (a close waits for its answer)."""

    def __init__(self, limit: "Limit", *args: Any, **options: Any) -> None:
        self.session = Session("")
        self.limit = limit
        self.opened_mono = self.sent_mono = time.monotonic()
        self.deaf = False  # was opened while the fault of that name was on
        self.ending: tuple[int, str] | None = None  # close code and reason, once it shall end
        self.closing_mono = math.inf  # when it ends after a notice
        super().__init__(*args, **options)

    @property
    def wire(self) -> Wire:
        return cast(Wire, self.socket)

    def push(self, frame: bytes | str, *, text: bool = True) -> bool:
        """Send a message; never blocks. Returns: whether the connection was open."""
        if self.protocol.state is not OPEN:
            return False
        try:
            self.send(frame, text=text)
        except ConnectionClosed:
            return False
        self.sent_mono = time.monotonic()
        return True

    def messages(self, on_turn: Callable[[], None]) -> Iterator[str]:
        """Text messages until the connection ends; `on_turn` is called several times a second."""
        while True:
            on_turn()
            if time.monotonic() >= self.closing_mono:
                self.ending = self.ending or (1001, "service upgrade")
            if self.ending is not None:
                self.close(*self.ending)
                return
            try:
                message = self.recv(timeout=0.1)
            except TimeoutError:
                continue
            except ConnectionClosed:
                return
            yield message if isinstance(message, str) else message.decode("utf-8", "replace")

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and not self.limit.allows(event.opcode):
            self.ending = self.ending or (1008, "Too many requests")
        super().process_event(event)

    @property
    def close_code_received(self) -> int | None:
        """The code with which the client began to close; None when it did not."""
        received = self.protocol.close_rcvd
        return received.code if received and self.protocol.close_rcvd_then_sent else None


class Limit:
    """What one client may send in a second."""

    def __init__(
        self, per_s: int, count_control_frames: bool, violated: Callable[[], bool]
    ) -> None:
        self._count_control_frames = count_control_frames
        self._violated = violated
        self._lock = threading.Lock()  # guards _times
        self._times: deque[float] = deque(maxlen=per_s)

    def allows(self, opcode: Opcode) -> bool:
        """Count a frame. Returns: false when it is one too many and the client is to be dropped."""
        if opcode is Opcode.CLOSE or opcode in CONTROL_FRAMES and not self._count_control_frames:
            return True
        now = time.monotonic()
        with self._lock:
            full = len(self._times) == self._times.maxlen and now - self._times[0] < 1.0
            self._times.append(now)
        return not (full and self._violated())
