"""Where the other threads leave what the hub shall send; they never wait for a client."""

import os
import socket
import threading
from collections import deque

from websockets.http11 import Request

from bot.model import MarketDataUpdate

Key = tuple[str, str, str]  # exchange, symbol, type
Arrival = tuple[socket.socket, Request]
Changes = dict[Key, MarketDataUpdate]

EVENTS = 64  # that wait for a client at most


class Board:
    """Any thread may write; the hub reads, and `rings` on a descriptor of its own when there is
    news. One ring covers all that is left until the hub has taken it.

    While nobody listens, only the newest value of each key is kept.
    """

    def __init__(self) -> None:
        self.pending = False  # something waits for `take`, and the hub was told
        self.lost_events = 0
        self._lock = threading.Lock()  # guards every field here but _latest
        self._latest: Changes = {}
        self._changed: Changes = {}
        self._events: deque[bytes] = deque(maxlen=EVENTS)
        self._arrivals: list[Arrival] = []
        self._listened = False
        self._closed = False
        self._bell: int | None = None

    def update(self, update: MarketDataUpdate) -> None:
        key = (update.exchange, update.symbol, update.type)
        # Without the lock: this runs for every message, and mostly nobody listens. `listen` first
        # says so and then copies, so it finds here what does not find it below.
        self._latest[key] = update
        if self._listened:
            with self._lock:
                self._changed[key] = update
                if not self.pending:
                    self.pending = True
                    self._ring()

    def event(self, frame: bytes) -> None:
        with self._lock:
            if self._listened:
                self.lost_events += len(self._events) == EVENTS
                self._events.append(frame)
                self.pending = True
                self._ring()

    def arrive(self, arrival: Arrival, most: int) -> bool:
        """Returns: whether it was taken; not when closed, or when `most` wait already."""
        with self._lock:
            taken = not self._closed and len(self._arrivals) < most
            if taken:
                self._arrivals.append(arrival)
                self._ring()
            return taken

    def ring(self) -> None:
        with self._lock:
            self._ring()

    def open_bell(self) -> int:
        """Returns: a descriptor that can be read after every ring."""
        with self._lock:
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            return self._bell

    def take(self) -> tuple[Changes, list[bytes]]:
        """The newest value of each key that changed since the last time, and the events."""
        with self._lock:
            changed, self._changed = self._changed, {}
            events = list(self._events)
            self._events.clear()
            self.pending = False
            return changed, events

    @property
    def waiting(self) -> int:
        with self._lock:
            return len(self._changed) + len(self._events)

    def take_arrivals(self) -> list[Arrival]:
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            return arrivals

    def listen(self) -> set[Key]:
        """From now on keep what changes, which at first is everything. Returns: all keys."""
        with self._lock:
            if not self._listened:
                self._listened = True
                self._changed = self._latest.copy()  # at once, whatever is written meanwhile
            return set(self._latest.copy())

    def unlisten(self) -> None:
        with self._lock:
            self._listened = self.pending = False
            self._changed = {}
            self._events.clear()

    def count_lost(self, events: int) -> None:
        with self._lock:
            self.lost_events += events

    def close(self) -> None:
        """Take no more arrivals; those that wait are left to `take_arrivals`."""
        with self._lock:
            self._closed = True

    def close_bell(self) -> None:
        with self._lock:
            bell, self._bell = self._bell, None
        if bell is not None:
            os.close(bell)

    def _ring(self) -> None:
        # Never waits. Under the lock, because after a close the number may be another file's.
        if self._bell is not None:
            os.eventfd_write(self._bell, 1)
