"""A histogram that costs next to nothing where it is filled."""

from bisect import bisect_left
from itertools import accumulate


class Buckets:
    """How many values were at most each bound, and their sum. One thread observes, any may read.

    Without a lock: a reader may find a value counted whose share of the sum is not there yet.
    """

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """bounds: rising."""
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    @property
    def count(self) -> int:
        return sum(self._counts)

    @property
    def cumulative(self) -> list[tuple[str, float]]:
        """Each bound as Prometheus writes it, the last one infinite, and how many are below it."""
        names = [*(f"{float(bound):g}" if bound % 1 else f"{bound:.1f}" for bound in self.bounds),
                 "+Inf"]
        return list(zip(names, accumulate(self._counts.copy()), strict=True))
