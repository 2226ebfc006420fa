"""How much of what an exchange allows an address over REST is used."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from bot.exchanges.base import Allowance


class Budget:
    """Our own requests of the last window, or what the exchange says when that is more: it knows
    of everybody behind our address. One thread writes, any may read.
    """

    def __init__(self, allowance: Allowance, mono: Callable[[], float] = monotonic) -> None:
        self._allowance = allowance
        self._mono = mono
        self._asked: deque[float] = deque(
            maxlen=allowance.limit // allowance.ticker)  # monotonic s of requests
        self._told = (0, float("-inf"))  # weight, and monotonic s of the answer that told it

    def asked(self) -> None:
        """A request for a ticker goes out."""
        self._asked.append(self._mono())

    def told(self, header: str) -> None:
        """What an answer's header says, if anything."""
        if header.isdecimal() and len(header) < 10:
            self._told = int(header), self._mono()

    @property
    def used(self) -> float:
        """As a share of what is allowed; above 1 it is overdrawn."""
        since = self._mono() - self._allowance.window_s
        own = sum(at > since for at in self._asked.copy()) * self._allowance.ticker
        weight, at = self._told
        return max(own, weight if at > since else 0) / self._allowance.limit
