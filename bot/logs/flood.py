"""No place in the program may flood the log: beyond its share its lines are counted, not written.

Faults that are known to repeat are folded where they happen (bot.folding); this is for those that
nobody thought of, and for libraries. journald drops lines of every kind once there are too many.
"""

import logging

MINUTE_S = 60.0
# of one place in a minute; health, at the shortest interval that can be set, has 600
LINES, TRACEBACKS = 1000, 20


class Flood:
    """For the thread that writes."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], int] = {}  # (file, line) -> lines this minute
        self._held: dict[tuple[str, int], tuple[int, str]] = {}  # -> how many, and the last one
        self._until = 0.0

    @property
    def holds(self) -> bool:
        return bool(self._held)

    def admits(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        place = record.pathname, record.lineno
        count = self._counts[place] = self._counts.get(place, 0) + 1
        if count <= (TRACEBACKS if record.exc_text else LINES):
            return True
        self._held[place] = self._held.get(place, (0, ""))[0] + 1, record.getMessage()
        return False

    def turn(self, now: float) -> list[tuple[int, str]]:
        """Begin a new minute, if it is time. Returns: what was held back: how many, the last one.
        """
        if now < self._until:
            return []
        self._until = now + MINUTE_S
        held = list(self._held.values())
        self._counts.clear()
        self._held.clear()
        return held
