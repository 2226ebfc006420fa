"""What is put down to a drill, and for how long."""

import math
from collections.abc import Set

import msgspec

AFTER_S = 10.0  # so long after the fault a source may take until it is fit again


class Rehearsed(msgspec.Struct):
    """The last drill, if there was one. words: how the causes of its incidents begin, `drill: ...`.
    until: monotonic s at which it explains nothing any more. is_on: whether what begins now may be
    its work.
    """

    source: str = ""
    words: str = ""
    until: float = -math.inf
    is_on: bool = False

    def end(self, mono: float) -> None:
        self.is_on = False
        self.until = min(self.until, mono + AFTER_S)

    def explains(self, source: str | None, unfit: Set[str], mono: float) -> bool:
        """Whether that `source` is not fit, or with None a price not trusted, may be its work:
        not of a price once another source is not fit. unfit: all such sources of its symbol.
        """
        return mono < self.until and (
            source == self.source if source else not unfit - {self.source})


def labelled(cause: str, words: str) -> str:
    return words if words in cause else f"{words} ({cause})"


def outlived(cause: str, words: str) -> str:
    """The cause of what was not over with the drill."""
    return cause.replace(words, f"{words.partition(': ')[2]} in a drill that is over")
