"""Accepted sockets with the faults of a network: late, swallowed and reset bytes."""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from bot.sandbox.faults import Switches
from bot.worker import Worker

BACKLOG_LIMIT = 64 * 1024 * 1024  # an exchange drops a client that reads so far behind
RETRY_S = 0.005
LONGEST_WAIT_S = 0.05


class Wire(socket.socket):
    """An accepted connection. Sending never blocks: what cannot leave now is left to the Post."""

    def __init__(
        self,
        accepted: socket.socket,
        switches: Switches,
        post: "Post",
        on_close: Callable[["Wire"], None],
    ) -> None:
        super().__init__(fileno=accepted.detach())
        self.gone = threading.Event()  # closed or cut: nothing more is read or sent
        self.dropped = False
        self._switches = switches
        self._post = post
        self._on_close = on_close
        self._lock = threading.Lock()  # keeps the bytes in order
        self._backlog: deque[tuple[float, memoryview]] = deque()
        self._backlog_size = 0
        self._half_closed = self._closed_by_us = False

    def settimeout(self, value: float | None, /) -> None:
        """Nothing: writes never wait here, and reads follow a select."""

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        data = super().recv(bufsize, flags)
        while self._switches.on("mute") and not self.gone.is_set():
            self.gone.wait(0.05)
        return b"" if self.dropped else data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        if self.dropped or self._switches.on("mute"):
            return
        late_s = self._switches.number("delay") / 1000
        with self._lock:
            rest = memoryview(data)
            if not late_s and not self._backlog:
                rest = rest[self._send_now(rest):]
            if rest:
                self._backlog.append((time.monotonic() + late_s, rest))
                self._backlog_size += len(rest)
                self._post.wake(self)
        if self._backlog_size > BACKLOG_LIMIT:
            self.drop()

    def shutdown(self, how: int, /) -> None:
        """The writing half ends after the bytes that wait; the reading half at once."""
        if self.dropped:
            return
        if not self.held:
            super().shutdown(how)
            return
        self._half_closed = True
        if how == socket.SHUT_RDWR:
            super().shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self.gone.set()
        if self.held and not self.dropped:
            self._closed_by_us = True
            self._post.wake(self)
            return
        super().close()
        self._on_close(self)

    def drop(self) -> None:
        """End without a word: the peer gets a reset, the reader here an end of file."""
        self.dropped = True
        self.gone.set()
        with self._lock:
            self._backlog.clear()
        with contextlib.suppress(OSError):  # closed already
            self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            super().shutdown(socket.SHUT_RD)
        if self._closed_by_us:
            self.close()

    @property
    def held(self) -> bool:
        """Whether an end of the connection has to wait, for bytes or for the end of a fault."""
        return bool(self._backlog) or self._switches.on("mute")

    def flush(self, now: float) -> float | None:
        """Send what is due, finish what has ended. Returns: when to come again; None: no need."""
        in_time = not self._switches.on("delay")
        with self._lock:
            while self._backlog and (in_time or self._backlog[0][0] <= now):
                _, data = self._backlog[0]
                sent = len(data) if self._switches.on("mute") else self._send_now(data)
                self._backlog_size -= sent
                if sent < len(data):  # the peer does not read
                    self._backlog[0] = (now, data[sent:])
                    return now + RETRY_S
                self._backlog.popleft()
            if self._backlog:
                return self._backlog[0][0]
        if not (self._half_closed or self._closed_by_us):
            return None
        if self.held:
            return now + 0.05
        self._finish()
        return None

    def _finish(self) -> None:
        if self._closed_by_us:
            self.close()
        else:
            self._half_closed = False
            with contextlib.suppress(OSError):
                self.shutdown(socket.SHUT_WR)

    def _send_now(self, data: memoryview) -> int:
        try:
            return self.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0


class Post(Worker):
    """Delivers, for all wires, what could not leave at once."""

    def __init__(self) -> None:
        super().__init__("sandbox-post")
        self._changed = threading.Condition()  # guards _waiting
        self._waiting: set[Wire] = set()

    def wake(self, wire: Wire) -> None:
        with self._changed:
            self._waiting.add(wire)
            self._changed.notify()

    def stop(self) -> None:
        super().stop()
        with self._changed:
            self._changed.notify()

    def step(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.stopping.is_set(), 0.5)
            wires, self._waiting = self._waiting, set()
        now = time.monotonic()
        again = {wire: due for wire in wires if (due := self._flushed(wire, now)) is not None}
        with self._changed:
            self._waiting |= again.keys()
        if again:  # a switch may be thrown meanwhile, so the wait is short
            self.stopping.wait(min(LONGEST_WAIT_S, max(0.0, min(again.values()) - now)))

    def _flushed(self, wire: Wire, now: float) -> float | None:
        try:
            return wire.flush(now)
        except OSError:  # the peer has gone
            wire.drop()
            return None
