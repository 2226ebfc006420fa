"""All that the judgement remembers, as bytes: from there a journal can be played again."""

import hashlib
import platform
from collections import deque
from collections.abc import Sequence
from typing import Any, get_args, get_origin, get_type_hints
from uuid import uuid4

import msgspec

from bot import __version__
from bot.errors import RecordError
from bot.judging.announcer import Announcer, Told
from bot.judging.desk import Desk, Remembered
from bot.judging.fitness import Policy
from bot.judging.journal import State
from bot.judging.resolution import Resolution

STATE_EVERY_S = 600.0
# A journal with holes is of use again from the next state on; not to be written at every hole.
MEND_EVERY_S = 10.0


class Memory(msgspec.Struct):
    desk: Remembered
    told: Told


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """By what was judged. sources: in the order in which they are preferred. run: the same in all
    states of one run of the bot. shape: of the memory. made_on: by whose mathematics.
    """

    version: str
    shape: str
    made_on: str
    run: str
    policy: Policy
    resolution: Resolution
    max_age_s: float
    sources: tuple[str, ...]
    symbols: tuple[str, ...]


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
            version=__version__, shape=SHAPE, made_on=HERE, run=self._run,
            policy=self._desk.policy, resolution=self._desk.resolution,
            max_age_s=self._desk.max_age_s, sources=tuple(self._desk.intakes),
            symbols=tuple(symbols)))
        with journal.turn:
            memory = Memory(self._desk.remembered(), self._announcer.told)
            journal.state(now, settings.decode(), encoded(memory))


def settings_of(state: State) -> Settings:
    """Raises: RecordError for those of a version that does not fit."""
    try:
        return msgspec.json.decode(state.settings, type=Settings)
    except msgspec.MsgspecError as error:
        raise RecordError(f"the settings of a state are not as this version writes them: {error}"
                          ) from error


def encoded(memory: Memory) -> bytes:
    return msgspec.msgpack.encode(memory, enc_hook=_listed)


def decoded(state: State) -> Memory:
    """Raises: RecordError for the memory of a version that remembers other things."""
    settings = settings_of(state)
    if settings.shape != SHAPE:
        raise RecordError(f"version {settings.version} recorded it, which remembered other things; "
                          f"it takes that version to play it")
    try:
        memory = msgspec.msgpack.decode(state.memory, type=Memory, dec_hook=_queued)
    except msgspec.MsgspecError as error:
        raise RecordError(f"the memory of a state is damaged: {error}") from error
    if set(memory.desk.sources) != set(settings.sources):
        raise RecordError("the memory of a state is damaged: it is of other sources than the "
                          "settings beside it")
    return memory


def _listed(value: Any) -> list[Any]:
    if isinstance(value, deque):
        return list(value)
    raise NotImplementedError(f"no form for {type(value)}")


def _queued(kind: Any, value: Any) -> Any:
    if get_origin(kind) is deque:
        return deque(msgspec.convert(value, list[get_args(kind)[0]]))  # type: ignore[misc]
    raise NotImplementedError(f"no form for {kind}")


def _shape(kind: Any, seen: set[Any]) -> str:
    """The names and types of all fields, so that a memory of other fields is known as one."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind in seen:
            return kind.__name__
        seen.add(kind)
        fields = (f"{name}:{_shape(hint, seen)}" for name, hint in get_type_hints(kind).items())
        return f"{kind.__name__}({','.join(fields)})"
    inner = ",".join(_shape(argument, seen) for argument in get_args(kind))
    return f"{getattr(kind, '__name__', kind)}[{inner}]"


SHAPE = hashlib.sha256(_shape(Memory, set()).encode()).hexdigest()[:16]
HERE = " ".join((platform.machine(), *platform.libc_ver(), "Python", platform.python_version()))
