"""One report for many faults of the same kind."""

import math
from collections.abc import Callable

REPORT_EVERY_S = 60.0
OLD_S = 5.0
KINDS = 20
OTHERS = "others"

Report = Callable[[str, int], None]


class Fold:
    """Reports a fault when it is worth it: the first of its kind, then once a minute how many.

    Of a burst the rest is reported when its minute is over, by the owner's next `remind`, with how
    long ago the newest was.
    More than KINDS kinds within a minute are counted together as one, so that a peer which makes
    up its errors cannot flood the log. One thread only.
    """

    def __init__(self, report: Report, every_s: float = REPORT_EVERY_S) -> None:
        """report: told the words of a fault, the newest of its kind, and how many there were since
        its last report.
        """
        self._report = report
        self._every_s = every_s
        self._told: dict[str, float] = {}  # kind -> monotonic s of its last report
        # kind -> the newest, how many since then, monotonic s of the newest
        self._held: dict[str, tuple[str, int, float]] = {}
        self.due = math.inf  # monotonic s of the next report, if nothing else happens

    def tell(self, kind: str, words: str, now: float, after: str = "") -> None:
        """Report a fault, or count it for later. after: what is worth saying only at once."""
        if kind not in self._told and len(self._told) >= KINDS:
            self._forget(now)
            if len(self._told) >= KINDS:
                kind = OTHERS
        self._held[kind] = words, self._held.get(kind, ("", 0, now))[1] + 1, now
        at = self._told.get(kind, -math.inf) + self._every_s
        if now >= at:
            self._say(kind, now, after)
        else:
            self.due = min(self.due, at)

    def remind(self, now: float) -> None:
        """Report what has waited its time. Costs next to nothing until then."""
        if now < self.due:
            return
        for kind in [kind for kind in self._held if now - self._told[kind] >= self._every_s]:
            self._say(kind, now)

    def _say(self, kind: str, now: float, after: str = "") -> None:
        words, count, at = self._held.pop(kind)
        if now - at >= OLD_S:  # it need not be so any more
            after = f" ({now - at:.0f} s ago)"
        self._told[kind] = now
        self.due = min((self._told[held] + self._every_s for held in self._held), default=math.inf)
        self._report(words + after, count)

    def _forget(self, now: float) -> None:
        """Make room: forget the kinds that were silent since their last report, long ago."""
        for kind, told in list(self._told.items()):
            if now - told >= self._every_s and kind not in self._held:
                del self._told[kind]
