"""What the feeds shall be subscribed to, whatever happens to their connections."""

import threading
from collections.abc import Sequence

from bot.model import UpdateType
from bot.symbols import Symbol

Row = tuple[Symbol, tuple[UpdateType, ...]]


class Subscriptions:
    """Desired subscriptions of all sources. Grows only; `rows` is an immutable snapshot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the replacement of rows; readers need none
        self.rows: tuple[Row, ...] = ()

    def add(self, symbol: Symbol, kinds: Sequence[UpdateType]) -> None:
        """Thread: any. A kind that is there already is not added twice."""
        with self._lock:
            held = {kind for known, kinds in self.rows if known == symbol for kind in kinds}
            new = tuple(kind for kind in dict.fromkeys(kinds) if kind not in held)
            if new:
                self.rows += ((symbol, new),)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        return tuple(dict.fromkeys(symbol for symbol, _ in self.rows))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(symbol.name for symbol in self.symbols)
