"""How old a message of another machine is, by every clock that stamped it: the oldest counts.

Nothing here measures; stamps are compared with this machine's clock. A clock that runs ahead of it
is allowed for, once three samples have shown it, a second apart; until then a message of it seems
younger by as much. One that is behind, or a delay on the way, makes a message older, never younger:
which of the two it is cannot be told from here.
"""

from collections.abc import Callable, Iterable
from time import monotonic, time

from bot.errors import ImplausibleStamp
from bot.feeds.lag import WINDOW_S, LagMeter

MOST_AHEAD_S = 60.0
MOST_CLOCKS = 100  # whose they are comes from outside

Whose = tuple[str, str]  # the kind of clock, and its owner


class Stamps:
    """One thread. usual_s: messages later than this teach nothing of a clock."""

    def __init__(
        self, usual_s: float, mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self._usual_s = usual_s
        self._mono, self._wall = mono, wall
        self._clocks: dict[Whose, LagMeter] = {}
        self._heard_at: dict[Whose, float] = {}  # monotonic s

    def late_s(self, stamps: Iterable[tuple[Whose, int]], now: float, wall: float) -> float:
        """Age of a message in s. stamps: epoch ms, each with the clock that it is of; at least one.

        Raises: ImplausibleStamp.
        """
        return max(self._late_s(whose, stamp, now, wall) for whose, stamp in stamps)

    def _late_s(self, whose: Whose, stamp_ms: int, now: float, wall: float) -> float:
        by_ours = wall - stamp_ms / 1000.0
        if by_ours < -MOST_AHEAD_S:
            raise ImplausibleStamp(f"stamped {-by_ours:.0f} s ahead of this machine's clock by "
                                   f"{' '.join(whose)}; check NTP on both machines")
        meter = self._clocks.get(whose)
        if meter is None:
            meter = self._clocks[whose] = self._new(now)
        self._heard_at[whose] = now
        # a backlog must not teach that being late is usual
        return max(by_ours, meter.excess_s(stamp_ms, now, sample=by_ours < self._usual_s))

    def _new(self, now: float) -> LagMeter:
        """Raises: ImplausibleStamp where there are too many already."""
        if len(self._clocks) >= MOST_CLOCKS:
            # of these a meter would have forgotten all by itself, too
            for whose, at in list(self._heard_at.items()):
                if now - at > WINDOW_S:
                    del self._clocks[whose], self._heard_at[whose]
        if len(self._clocks) >= MOST_CLOCKS:
            raise ImplausibleStamp(f"more than {MOST_CLOCKS} clocks stamp here")
        return LagMeter(self._wall() - self._mono())
