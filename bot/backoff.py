"""How long to wait before the next attempt."""

import random
from collections.abc import Callable

BASE_S = 1.0
CAP_S = 60.0


class Backoff:
    """Exponential with full jitter: uniform between 0 and base·2ⁿ, never above the cap.

    Full jitter spreads the clients of an exchange that comes back (AWS architecture blog,
    "Exponential Backoff And Jitter"). There is no last attempt. Not thread-safe.
    """

    def __init__(
        self,
        base_s: float = BASE_S,
        cap_s: float = CAP_S,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._uniform = uniform
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait before the next attempt; each call counts as one more failure."""
        ceiling = min(self._cap_s, self._base_s * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._uniform(0.0, ceiling)

    def reset(self) -> None:
        self._failures = 0
