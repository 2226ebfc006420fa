"""What changed for one symbol within the last hour, and how it stood before that."""

from collections import deque
from collections.abc import Iterator
from typing import Literal

import msgspec

Kind = Literal["state", "active", "served", "connection"]
State = Literal["fit", "down", "unfit", "away"]

MOST_WORDS = 240


class Change(msgspec.Struct, frozen=True, gc=False):
    """serial: its place among all that happened since the start. mono: monotonic s.

    By kind, what `source` and `word` are:
    state: a source, and its State; rule: that found it, as in SourceJudged.
    active: who is active now, None for nobody; word: who was before, or ``.
    served: the tier, None for none; word: the status of its price, or `none`.
    connection: a source; word: connected, lost, replaced.
    """

    serial: int
    mono: float
    kind: Kind
    source: str | None
    word: str
    rule: str
    why: str


class Course:
    """Not for several threads at once.

    most: changes that are kept; the oldest give way to new ones, and then `whole_since` says from
    when on nothing is missing. Of each lane its last change before that is kept as well.
    """

    def __init__(self, most: int) -> None:
        self.whole_since = float("-inf")  # monotonic s
        self._most = most
        self._before: dict[tuple[str, str | None], Change] = {}
        self._changes: deque[Change] = deque()

    def add(self, change: Change) -> None:
        if len(self._changes) == self._most:
            self.whole_since = self._changes[0].mono
            self._fold()
        self._changes.append(change)

    def forget(self, mono: float) -> None:
        """Keep of what was before `mono` only how it stood then."""
        while self._changes and self._changes[0].mono < mono:
            self._fold()

    def after(self, serial: int) -> Iterator[Change]:
        """In the order in which they happened; with 0 all that is known."""
        known = sorted(self._before.values(), key=lambda change: change.serial)
        return (change for change in (*known, *self._changes) if change.serial > serial)

    def newest(self, kind: Kind) -> Change | None:
        return next((change for change in (*reversed(self._changes), *self._before.values())
                     if change.kind == kind), None)

    def _fold(self) -> None:
        change = self._changes.popleft()
        if change.kind != "connection":  # which is a moment, and no state
            lane = change.source if change.kind == "state" else None
            self._before[change.kind, lane] = change
