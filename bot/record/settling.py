"""Whether the clock may say what is old: a false one would have everything deleted as too old."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from bot.logs.facts import facts

log = logging.getLogger(__name__)

# A clock that leaps by more than the first was set; it must have stayed so for the second.
JUMP_S, SETTLE_S = 3600.0, 3600.0
FAR_S = 86_400.0  # a start that is so far from the last sign of life may have a false clock


class Settling:
    """now: naive, UTC. settle_s: for so long the clock is not believed after it was set, or after a
    start far from the last sign of life.
    """

    def __init__(self, now: Callable[[], datetime], mono: Callable[[], float],
                 settle_s: float) -> None:
        self._now, self._mono = now, mono
        self._settle_s = settle_s
        self._ahead_s: float | None = None  # of the wall clock before the monotonic one
        self._settled_at = float("-inf")
        self._why = ""

    def look(self, alive_at: float | None) -> bool:
        """Whether the clock is believed. alive_at: of the last sign of life before this start,
        epoch s; None if there was none."""
        at = self._now().replace(tzinfo=UTC).timestamp()
        ahead_s, before_s = at - self._mono(), self._ahead_s
        self._ahead_s = ahead_s
        if before_s is None:
            if alive_at is not None and not 0 <= at - alive_at <= FAR_S:
                self._doubt(f"by this clock the record ends {_long(at - alive_at)} this start")
        elif abs(ahead_s - before_s) > JUMP_S:
            self._doubt("the clock was set")
        return self._mono() >= self._settled_at

    @property
    def state(self) -> str:
        """Why nothing may be done, and for how long; empty when it may. Thread: any."""
        left_s = self._settled_at - self._mono()
        return f"{self._why}: nothing is archived or deleted for {left_s:.0f} s" * (left_s > 0)

    def _doubt(self, why: str) -> None:
        self._settled_at, self._why = self._mono() + self._settle_s, why
        if self.state:
            log.warning("🗄️ [DUCKDB] %s", self.state[:1].upper() + self.state[1:],
                        extra=facts("archive_paused", reason=why,
                                    duration_ms=self._settle_s * 1000))


def _long(seconds: float) -> str:
    hours = abs(seconds) / 3600
    size = f"{hours / 24:.0f} days" if hours > 48 else f"{hours:.1f} h"
    return f"{size} {'before' if seconds > 0 else 'after'}"
