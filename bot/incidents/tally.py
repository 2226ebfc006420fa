"""How long one subject was good: sums that stay exact however many incidents there were."""

import math
from collections.abc import Sequence

from bot.incidents.incident import Figures, Span

TOUCHING_S = 1e-3  # wall times of a file are kept to the microsecond, and floats round


class Tally:
    """Good until told otherwise. Times are monotonic s of this process, which began at `began`."""

    def __init__(self, began: float) -> None:
        self.failures = 0
        self._began = began
        self._bad_s = 0.0
        self._worst_s = 0.0
        self._failed_at: float | None = None
        # An outage that went on across a restart is one gap, of which this process saw the end.
        self._before_s = 0.0
        self._first_s = 0.0

    def failed(self, at: float) -> None:
        self.failures += 1
        self._failed_at = at

    def recovered(self, at: float) -> None:
        if self._failed_at is not None:
            self._gap(self._failed_at, at)
            self._failed_at = None

    def missed(self, since: float, to: float) -> None:
        """Nobody could be served meanwhile, however good it was."""
        if self._failed_at is None:
            self.failures += 1
            self._gap(since, to)

    def adopt(self, failures: int, spans: Sequence[Span], end: float) -> None:
        """Add what was before this process. spans: not overlapping, in order. end: of that time."""
        self.failures += failures
        lengths = [to - since for since, to in spans]
        self._bad_s += math.fsum(lengths)
        self._worst_s = max(self._worst_s, *lengths, 0.0)
        if spans and end - spans[-1][1] < TOUCHING_S:
            self._before_s = lengths[-1]

    def figures(self, source: str | None, symbol: str, observed_s: float, now: float) -> Figures:
        going_on_s = 0.0 if self._failed_at is None else max(0.0, now - self._failed_at)
        first_s = going_on_s if self._failed_at == self._began else self._first_s
        good_s = max(0.0, observed_s - self._bad_s - going_on_s)
        share = good_s / observed_s if observed_s > 0 else 1.0
        return Figures(
            source, symbol, math.floor(share * 1e6) / 1e6, good_s * 1000,
            max(self._worst_s, going_on_s, self._before_s + first_s) * 1000, self.failures,
            good_s * 1000 / self.failures if self.failures else None)

    def _gap(self, since: float, to: float) -> None:
        length = max(0.0, to - since)
        self._bad_s += length
        self._worst_s = max(self._worst_s, length)
        if since == self._began:
            self._first_s = length
