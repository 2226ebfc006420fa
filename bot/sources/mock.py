"""Tier 4: made-up prices for simulation, and never without saying so."""

import random
import threading
from collections.abc import Callable, Sequence
from time import monotonic, time

from bot.errors import NoQuote
from bot.model import Quote
from bot.symbols import Symbol

STEP_S = 1.0
STEP_SIZE = 0.0005  # standard deviation of one step, as a part of the price
LONGEST_GAP = 60  # steps made up at most for a time in which nobody asked
# Only so that a simulation without any network begins in a familiar place.
BEGIN = {"BTC": 50_000.0, "ETH": 3_000.0}
BEGIN_ELSEWHERE = 100.0


class MockSource:
    """A seeded random walk, one step a second, that continues from the last real price."""

    tier = "mock"
    synthetic = True

    def __init__(
        self,
        symbols: Sequence[Symbol],
        seed: int = 1,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self._random = random.Random(seed)
        self._mono, self._wall = mono, wall
        self._lock = threading.Lock()  # guards _walks and the random numbers
        self._walks = {symbol.name: (BEGIN.get(symbol.base, BEGIN_ELSEWHERE), mono())
                       for symbol in symbols}

    def anchor(self, symbol: str, price: float) -> None:
        """Continue from this real price. Thread: any."""
        with self._lock:
            self._walks[symbol] = (price, self._mono())

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote for a symbol that is not configured. Thread: any."""
        with self._lock:
            if symbol not in self._walks:
                raise NoQuote(f"{symbol} is not configured")
            price, since = self._walks[symbol]
            steps = int((self._mono() - since) / STEP_S)
            for _ in range(min(steps, LONGEST_GAP)):
                price *= 1.0 + self._random.gauss(0.0, STEP_SIZE)
            since += steps * STEP_S
            self._walks[symbol] = (price, since)
            now_ms = int(self._wall() * 1000)
        return Quote(
            symbol=symbol, price=float(f"{price:.8g}"), source=self.tier, timestamp=now_ms,
            received_at=now_ms, age_s=0.0, synthetic=True, trusted=False,
            reason="made up: no real source has a price", status="synthetic",
        )
