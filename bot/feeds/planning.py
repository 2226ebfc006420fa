"""When a connection is to be replaced by a new one, and why. Pure: the time is always told."""

import math
import random
from collections.abc import Callable

from bot.backoff import Backoff

MAX_AGE_S = 82_800.0  # Binance ends every connection after 24 h
SPREAD = 0.05  # of the age by which a connection is replaced early, so that sources take turns
BETTER_EVERY_S = 300.0
BETTER = "a preferred host answers again"


class Plan:
    """The wishes for a replacement of one source's connection. One thread only.

    next_at: monotonic s before which nothing is due.
    """

    def __init__(
        self, max_age_s: float = MAX_AGE_S, retry: Backoff | None = None,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._max_age_s = max_age_s
        self._retry = retry or Backoff()
        self._uniform = uniform
        self._opened_at = self._not_before = self._retire_at = self._look_at = 0.0
        self._wish: str | None = None
        self.next_at = math.inf  # until there is a connection

    def opened(self, now: float) -> None:
        """A new connection is the current one: all wishes concerned the one before."""
        self._retry.reset()
        self._opened_at = self._not_before = now
        self._retire_at = now + self._max_age_s * (1.0 - self._uniform(0.0, SPREAD))
        self._look_at = now + BETTER_EVERY_S
        self._wish = None
        self._remind()

    def wish(self, reason: str) -> None:
        """Have it replaced as soon as possible."""
        self._wish = self._wish or reason
        self.next_at = self._not_before

    def due(self, now: float, better: bool) -> str | None:
        """Why an attempt is due now; None: it is not. better: there is a host to be preferred."""
        if now >= self._not_before:
            if self._wish is not None:
                return self._wish
            if now >= self._retire_at:
                return f"it was {(now - self._opened_at) / 3600:.1f} h old"
        if now >= self._look_at:
            if better:
                return BETTER
            self._look_at = now + BETTER_EVERY_S
        self._remind()
        return None

    def failed(self, reason: str, now: float) -> float:
        """The attempt came to nothing. Returns: s until the next one for that reason."""
        if reason == BETTER:
            pause = BETTER_EVERY_S
            self._look_at = now + pause
        else:
            pause = self._retry.next_s()
            self._not_before = now + pause
        self._remind()
        return pause

    def _remind(self) -> None:
        replace_at = self._retire_at if self._wish is None else self._not_before
        self.next_at = min(self._look_at, max(replace_at, self._not_before))
