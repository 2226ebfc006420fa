"""One report for many faults of the same kind."""

import re

REPORT_EVERY_S = 60.0
KINDS = 100

_PARTICULARS = re.compile(r"[\d'\"].*", re.DOTALL)


class Fold:
    """Says when a fault is worth a report: the first of its kind, then once a minute with a count.

    Two faults are of the same kind when their texts agree up to the first digit or quotation mark,
    where the particulars begin. One thread only.
    """

    def __init__(self, every_s: float = REPORT_EVERY_S) -> None:
        self._every_s = every_s
        self._seen: dict[str, tuple[float, int]] = {}  # kind -> (last report, faults since)

    def count(self, text: str, now: float) -> int:
        """How many faults of this kind to report now, this one included; 0: keep quiet."""
        kind = _PARTICULARS.sub("", text)
        if kind not in self._seen and len(self._seen) >= KINDS:
            self._seen.pop(next(iter(self._seen)))
        reported, since = self._seen.get(kind, (float("-inf"), 0))
        if now - reported < self._every_s:
            self._seen[kind] = (reported, since + 1)
            return 0
        self._seen[kind] = (now, 0)
        return since + 1
