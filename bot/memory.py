"""All that the judgement remembers, as bytes: from there a journal can be played again."""

from collections import deque
from collections.abc import Sequence
from typing import Any, get_args, get_origin
from uuid import uuid4

import msgspec

from bot import __version__
from bot.announcer import Announcer, Told
from bot.desk import Desk, Remembered
from bot.errors import RecordError
from bot.fitness import Policy
from bot.resolution import Resolution

STATE_EVERY_S = 600.0
# A journal with holes is of use again from the next state on; not to be written at every hole.
MEND_EVERY_S = 10.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By what was judged. sources: in the order in which they are preferred. run: the same in all
    states of one run of the bot.
    """

    version: str
    run: str
    policy: Policy
    resolution: Resolution
    max_age_s: float
    sources: tuple[str, ...]
    symbols: tuple[str, ...]


class Memory(msgspec.Struct):
    desk: Remembered
    told: Told


class Memoirs:
    """Notes a State in the desk's journal at the start, now and then, and after every hole in it.

    Thread: the one that judges, between two judgements.
    """

    def __init__(self, desk: Desk, announcer: Announcer, every_s: float = STATE_EVERY_S) -> None:
        self._desk, self._announcer, self._every_s = desk, announcer, every_s
        self._next_at = float("-inf")
        self._noted_at = float("-inf")
        self._lost = 0
        self._run = uuid4().hex

    def note_due(self, symbols: Sequence[str], now: float) -> None:
        journal = self._desk.journal
        torn = journal.lost() != self._lost and now - self._noted_at >= MEND_EVERY_S
        if not journal.kept or (now < self._next_at and not torn):
            return
        self._noted_at, self._next_at = now, now + self._every_s
        self._lost = journal.lost()
        settings = msgspec.json.encode(Settings(
            version=__version__, run=self._run, policy=self._desk.policy,
            resolution=self._desk.resolution, max_age_s=self._desk.max_age_s,
            sources=tuple(self._desk.intakes), symbols=tuple(symbols)))
        with journal.turn:
            memory = Memory(self._desk.remembered(), self._announcer.told)
            journal.state(now, settings.decode(), encoded(memory))


def encoded(memory: Memory) -> bytes:
    return msgspec.msgpack.encode(memory, enc_hook=_listed)


def decoded(data: bytes) -> Memory:
    """Raises: RecordError for the memory of another version."""
    try:
        return msgspec.msgpack.decode(data, type=Memory, dec_hook=_queued)
    except msgspec.DecodeError as error:
        raise RecordError(f"what was remembered has another shape here: {error}") from error


def _listed(value: Any) -> list[Any]:
    if isinstance(value, deque):
        return list(value)
    raise NotImplementedError(f"no form for {type(value)}")


def _queued(kind: Any, value: Any) -> Any:
    if get_origin(kind) is deque:
        return deque(msgspec.convert(value, list[get_args(kind)[0]]))  # type: ignore[misc]
    raise NotImplementedError(f"no form for {kind}")
