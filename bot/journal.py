"""What the judgement is told, in the order in which it was, for whoever plays it again.

Everything that changes what a desk knows happens in one `turn` after another, and is noted within
it. So the notes in their order, beginning with a State, lead another desk to the same standings.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import NamedTuple

from bot.model import FeedHealth, MarketDataUpdate


class Input(NamedTuple):
    """kind: one word, of those in docs/data.md. mono: monotonic s; at_ms: epoch ms, the same
    moment. detail: what JSON can hold.
    """

    kind: str
    mono: float
    at_ms: int
    source: str | None
    symbol: str | None
    detail: Mapping[str, object] | None


class State(NamedTuple):
    """All that is remembered at a moment. settings: JSON; memory: msgpack, see bot.memory."""

    mono: float
    at_ms: int
    instance: str
    settings: str
    memory: bytes


Note = MarketDataUpdate | Input | State


class Journal:
    """turn: held by whoever tells the desk something, or asks it on record, while he does.

    put: keeps a note, without waiting and without raising; None: nobody keeps them. lost: how many
    it had to refuse so far.
    """

    def __init__(
        self, put: Callable[[Note], None] | None = None, lost: Callable[[], int] = lambda: 0,
        instance: str = "", wall: Callable[[], float] = time,
    ) -> None:
        """instance: INSTANCE_ID of the bot."""
        self.turn = threading.Lock()
        self.lost = lost
        self._instance = instance
        self._put = put
        self._wall = wall
        self._seen: dict[str, tuple[object, ...]] = {}

    @property
    def kept(self) -> bool:
        """Whether anybody keeps what is noted."""
        return self._put is not None

    def update(self, update: MarketDataUpdate) -> None:
        if self._put is not None:
            self._put(update)

    def note(self, kind: str, mono: float, source: str | None = None, symbol: str | None = None,
             detail: Mapping[str, object] | None = None) -> None:
        if self._put is not None:
            self._put(Input(kind, mono, int(self._wall() * 1000), source, symbol, detail))

    def look(
        self, healths: Sequence[FeedHealth], mono: float, asked: str | None = None
    ) -> None:
        """Note how the sources are, where that has changed since the last look, and that somebody
        looked: who judges, or who asked for the price of a symbol."""
        if self._put is None:
            return
        for health in healths:
            seen = health.connected_since, health.latency_s, health.detail
            if self._seen.get(health.source) != seen:
                self._seen[health.source] = seen
                self.note("source", mono, health.source, None, dict(zip(
                    ("connectedSince", "latencyS", "detail"), seen)))
        self.note("asked" if asked else "look", mono, None, asked)

    def state(self, mono: float, settings: str, memory: bytes) -> None:
        """Note all there is to know; what comes next needs nothing from before."""
        if self._put is not None:
            self._seen.clear()
            self._put(State(mono, int(self._wall() * 1000), self._instance, settings,
                            memory))
