"""Whose clock is wrong: the exchanges' and ours compared with one another. Pure.

An offset is how far our clock is ahead of a source's stamps, the usual way of its messages
included. Ours alone being off shows the same offset with every source; a source that is off, or
that tells old things as new, stands against all the others.
"""

from collections.abc import Mapping
from statistics import median, median_high

SAME_S = 1.0  # offsets this near are the same: lags differ by tenths of a second
NOTABLE_S = 1.0


def behind_s(source: str, offsets: Mapping[str, float | None]) -> float:
    """How far a source's stamps are behind every other clock, ours included; never negative.

    offsets: by source, of those connected; None where unknown. With no other source to compare with
    there are two clocks, of which nobody can tell which is wrong: 0.
    """
    own = offsets.get(source)
    others = [offset for name, offset in offsets.items() if name != source and offset is not None]
    if own is None or not others:
        return 0.0
    # ours is the clock that all offsets are measured against; of two the one that excuses
    return max(0.0, own - median_high([*others, 0.0]))


def our_offset_s(offsets: Mapping[str, float | None]) -> float | None:
    """How far our own clock is ahead of all sources, if it is they all agree on that; else None."""
    known = [offset for offset in offsets.values() if offset is not None]
    if len(known) < 2 or max(known) - min(known) > SAME_S:
        return None
    ours = median(known)
    return ours if abs(ours) > NOTABLE_S else None
