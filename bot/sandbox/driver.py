"""The practice exchanges' clock: moves the walk, sends tickers, ends faults that were timed."""

import time
from collections.abc import Mapping, Set

from bot.sandbox.market import Walk
from bot.sandbox.venue import Venue, now_ms
from bot.worker import Worker

LONGEST_PAUSE_S = 0.05
SHORTEST_PAUSE_S = 0.002


class Driver(Worker):
    """rate: trades per second on each exchange, 0 for none. walking: exchanges that follow it."""

    def __init__(
        self, venues: Mapping[str, Venue], walk: Walk, rate: float, walking: Set[str]
    ) -> None:
        super().__init__("sandbox-driver")
        self._venues = venues
        self._walk = walk
        self._rate = rate
        self._walking = walking if rate else frozenset()
        self._pause_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, 1 / (rate or 1)))
        self._moved = 0
        self._changed: set[tuple[str, str]] = set()
        self._ticker_due: dict[tuple[str, str], float] = {}

    def open(self) -> None:
        self._began = time.monotonic()

    def step(self) -> None:
        for venue in self._venues.values():
            if venue.switches.expire():
                venue.settle()
        if self._walking:
            self._move()
            self._show_tickers()
        self.stopping.wait(self._pause_s)

    def _move(self) -> None:
        due = int((time.monotonic() - self._began) * self._rate)
        # What a busy machine could not send in a second is left out rather than sent late.
        self._moved = max(self._moved, due - int(self._rate) - 1)
        while self._moved < due and not self.stopping.is_set():
            self._moved += 1
            symbol, moves = self._walk.step()
            for name in self._walking:
                listing = self._venues[name].listings[symbol]
                listing.trade(moves[name], now_ms())
                listing.quote_around(listing.price, listing.seller)
                self._changed.add((name, symbol))
                self._venues[name].show("trade", symbol)
                self._venues[name].show("book", symbol)

    def _show_tickers(self) -> None:
        now = time.monotonic()
        for name in self._walking:
            venue = self._venues[name]
            for symbol, listing in venue.listings.items():
                key = (name, symbol)
                if now < self._ticker_due.get(key, 0.0):
                    continue
                if venue.side.TICKS_UNCHANGED:
                    listing.event_ms = now_ms()
                elif key not in self._changed:
                    continue
                self._changed.discard(key)
                self._ticker_due[key] = now + venue.side.TICKER_PERIOD_S
                venue.show("ticker", symbol)
