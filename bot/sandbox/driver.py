"""The practice exchanges' clock: moves the walk, sends tickers, ends faults that were timed."""

import threading
import time
from collections.abc import Mapping, Set

from bot.sandbox.market import Move, Walk
from bot.sandbox.venue import Venue, now_ms
from bot.worker import Worker

LONGEST_PAUSE_S = 0.05
SHORTEST_PAUSE_S = 0.002


class Driver(Worker):
    """Lets a market trade on the exchanges that follow it.

    rate: trades per second on each exchange; 0: a quiet market, where tickers go on as an exchange
    sends them without trades; None: no market, only what is pushed.
    """

    def __init__(
        self, venues: Mapping[str, Venue], walk: Walk, rate: float | None, walking: Set[str]
    ) -> None:
        super().__init__("sandbox-driver")
        self._venues = venues
        self._walk = walk
        self._walking = walking
        self._rate = rate
        self._trading = threading.Lock()  # one trade at a time, so that none undoes a jump
        self._owed = 0.0  # trades that should have happened by now
        self._turn_mono = 0.0
        self._changed: set[tuple[str, str]] = set()
        self._ticker_due: dict[tuple[str, str], float] = {}

    def open(self) -> None:
        self._turn_mono = time.monotonic()

    def step(self) -> None:
        for venue in self._venues.values():
            if venue.switches.expire():
                venue.settle()
        rate, now = self._rate, time.monotonic()
        passed_s, self._turn_mono = now - self._turn_mono, now
        if rate is not None:
            self._move(rate, passed_s)
            self._show_tickers(now)
        self.stopping.wait(min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, 1 / (rate or 1))))

    def trade_at(self, rate: float) -> None:
        """From now on the market has that rate. Any thread."""
        with self._trading:
            self._rate = rate

    def jump(self, symbol: str, percent: float) -> None:
        """The market moves, and is traded at the new price on every exchange. Any thread."""
        with self._trading:
            self._trade(symbol, self._walk.jump(symbol, percent))

    def _move(self, rate: float, passed_s: float) -> None:
        # What a busy machine could not send in a second is left out rather than sent late.
        self._owed = min(self._owed + passed_s * rate, rate + 1) if rate else 0.0
        while self._owed >= 1 and not self.stopping.is_set():
            self._owed -= 1
            with self._trading:
                if self._rate != rate:
                    return
                self._trade(*self._walk.step(rate))

    def _trade(self, symbol: str, moves: Mapping[str, Move]) -> None:
        for name in self._walking:
            venue = self._venues[name]
            with venue.lock:
                listing = venue.listings[symbol]
                listing.trade(moves[name], now_ms())
                listing.quote_around(listing.price, listing.seller)
                self._changed.add((name, symbol))
                venue.show("trade", symbol)
                venue.show("book", symbol)

    def _show_tickers(self, now: float) -> None:
        for name in self._walking:
            venue = self._venues[name]
            for symbol, listing in venue.listings.items():
                key = (name, symbol)
                if now < self._ticker_due.get(key, 0.0):
                    continue
                with venue.lock:
                    if venue.side.TICKS_UNCHANGED:
                        listing.event_ms = now_ms()
                    elif key not in self._changed:
                        continue
                    self._changed.discard(key)
                    self._ticker_due[key] = now + venue.side.TICKER_PERIOD_S
                    venue.show("ticker", symbol)
