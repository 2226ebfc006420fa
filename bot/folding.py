"""One report for many faults of the same kind."""

REPORT_EVERY_S = 60.0
KINDS = 20
OTHERS = "others"


class Fold:
    """Says when a fault is worth a report: the first of its kind, then once a minute with a count.

    More than KINDS kinds within a minute are counted together as one, so that a peer which makes
    up its errors cannot flood the log. One thread only.
    """

    def __init__(self, every_s: float = REPORT_EVERY_S) -> None:
        self._every_s = every_s
        self._seen: dict[str, tuple[float, int]] = {}  # kind -> (last report, faults since)

    def count(self, kind: str, now: float) -> int:
        """How many faults of this kind to report now, this one included; 0: keep quiet."""
        if kind not in self._seen and len(self._seen) >= KINDS:
            self._forget(now)
            if len(self._seen) >= KINDS:
                kind = OTHERS
        reported, since = self._seen.get(kind, (float("-inf"), 0))
        if now - reported < self._every_s:
            self._seen[kind] = (reported, since + 1)
            return 0
        self._seen[kind] = (now, 0)
        return since + 1

    def _forget(self, now: float) -> None:
        """Make room: forget the kinds that were silent since their last report, long ago."""
        for kind, (reported, since) in list(self._seen.items()):
            if now - reported >= self._every_s and since == 0:
                del self._seen[kind]
