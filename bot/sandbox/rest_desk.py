"""Answers REST requests of one exchange, as far as its faults allow."""

import copy
import threading
from collections.abc import Callable

from bot.sandbox.faults import Switches
from bot.sandbox.side import Answer, Listings, Side, split_path


WEIGHT = 2  # of a request for one ticker; what others cost is not told apart
MINUTE_MS = 60_000


class RestDesk:
    """requests: how many were asked."""

    def __init__(self, side: Side, switches: Switches, listings: Listings) -> None:
        self.requests = 0
        self._side = side
        self._switches = switches
        self._listings = listings
        self._minute, self._used = 0, 0  # weight used within it
        self._stale: tuple[Listings, int] = (listings, 0)  # as they were, and epoch ms then

    def begins(self, fault: str, now_ms: int) -> None:
        """Under the venue's lock."""
        if fault == "rest_stale":
            held = {name: copy.copy(listing) for name, listing in self._listings.items()}
            self._stale = held, now_ms

    def answer(self, path: str, gone: threading.Event, clock: Callable[[], int]) -> Answer:
        """On the thread of the connection; gone: set once the client has left."""
        self.requests += 1
        while self._switches.on("rest_hang") and not gone.wait(0.05):
            pass
        gone.wait(self._switches.number("rest_slow") / 1000)
        refused = self._refused()
        if refused is not None:
            return refused
        listings, now_ms = self._listings, clock()
        if self._switches.on("rest_stale"):
            listings, now_ms = self._stale
        wrong = self._switches.number("rest_wrong")
        if wrong:
            listings = {name: one.scaled(1 + wrong / 100) for name, one in listings.items()}
        halted = self._switches.text("halt")
        if halted is not None:
            listings = {**listings, halted: copy.copy(listings[halted])}
            listings[halted].halted = True
        answer = self._side.rest(*split_path(path), listings, now_ms)
        return answer._replace(headers=self._weight(clock()))

    def _weight(self, now_ms: int) -> dict[str, str]:
        minute = now_ms // MINUTE_MS
        self._used = (self._used if minute == self._minute else 0) + WEIGHT
        self._minute = minute
        header = self._side.WEIGHT_HEADER
        return {header: str(self._used)} if header else {}

    def _refused(self) -> Answer | None:
        for status in (429, 503):
            if self._switches.on(f"rest{status}"):
                return self._side.rest_fault(status, int(self._switches.number("rest429")))
        if not self._switches.on("rest_reject"):
            return None
        status = int(self._switches.number("rest_reject"))
        return Answer(b"{}", status, 5 if status in (418, 429) else None)
