"""What the judgement is told, in the order in which it was, for whoever plays it again.

Everything that changes what a desk knows happens in one `turn` after another, and is noted within
it. So the notes in their order, beginning with a State, lead another desk to the same standings.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, time
from typing import NamedTuple

import msgspec

from bot.model import FeedHealth, MarketDataUpdate


GIVE_WAY_S = 0.001  # longest


class Input(NamedTuple):
    """kind: one word, of those in docs/data.md. mono: monotonic s; at_ms: epoch ms, the same
    moment. detail: what JSON can hold.
    """

    kind: str
    mono: float
    at_ms: int
    source: str | None = None
    symbol: str | None = None
    detail: Mapping[str, object] | None = None


class State(NamedTuple):
    """All that is remembered at a moment. settings: JSON; memory: msgpack, see memory.py."""

    mono: float
    at_ms: int
    instance: str
    settings: str
    memory: bytes


Note = MarketDataUpdate | Input | State


class Turn:
    """A lock that whoever has many turns one after another can let others in between.

    Within it nothing waits: there is no listener, no log and no file. What is called within are
    clocks, the healths of feeds, what the other sources say, and `put` of the journal.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[None] = []  # as many as wait: appending and popping are atomic
        self._entered = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._waiting.append(None)
            self._lock.acquire()
            self._waiting.pop()
            self._entered.set()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def give_way(self) -> None:
        """Let somebody who waits go first. Without it he may not get a turn for many of ours."""
        if self._waiting:
            self._entered.clear()
            self._entered.wait(GIVE_WAY_S)


class Journal:
    """turn: had by whoever tells the desk something, or asks it on record, while he does.

    put: keeps a note, without waiting and without raising; None: nobody keeps them. lost: how many
    times something was lost of what it was given.
    """

    def __init__(
        self, put: Callable[[Note], None] | None = None, lost: Callable[[], int] = lambda: 0,
        instance: str = "", wall: Callable[[], float] = time,
    ) -> None:
        """Notes that a run begins. instance: INSTANCE_ID of the bot."""
        self.turn = Turn()
        self.lost = lost
        self._instance = instance
        self._put = put
        self._wall = wall
        self._seen: dict[str, tuple[object, ...]] = {}
        self.note("begun", monotonic())

    @property
    def kept(self) -> bool:
        """Whether anybody keeps what is noted."""
        return self._put is not None

    def update(self, update: MarketDataUpdate) -> None:
        if self._put is not None:
            self._put(update)

    def refused(self, update: MarketDataUpdate) -> None:
        """A message that is no update, for its stamp; but of that the lag meter took note."""
        if self._put is not None:
            self.note("refused", update.received_mono, update.exchange, update.symbol,
                      msgspec.to_builtins(update))

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
            self._put(State(mono, int(self._wall() * 1000), self._instance, settings, memory))
