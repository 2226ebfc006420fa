"""Plays a journal again: the same desk, told the same things in the same order at the same times.

What comes out must be what came out then. Where it is not, either the journal has a hole, or the
program is another one, or the judgement rests on something that is not in the journal, which would
be a defect.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec

from bot.errors import ImplausibleStamp, RecordError, SourceError
from bot.events import Publisher
from bot.feeds.intake import Intake
from bot.judging.announcer import Announcer
from bot.judging.decisions import DECISIONS, Decision
from bot.judging.desk import Desk
from bot.judging.journal import Input, Note, State
from bot.judging.judge import Standing
from bot.judging.memory import Memory, decoded, settings_of
from bot.judging.resolution import Case
from bot.model import FeedHealth, MarketDataUpdate, Opinion, Quote, UpdateType


class Seen(msgspec.Struct, rename="camel"):
    """How a source was at the last look."""

    connected_since: float | None = None
    latency_s: float | None = None
    detail: str = ""


class Taken(NamedTuple):
    """at_ms: epoch ms of the judgement, as it was then."""

    at_ms: int
    decision: Decision


class Expected(msgspec.Struct):
    streams: list[tuple[str, UpdateType]]


class Player:
    """Begins with a State, and is then told the notes that came after it, one by one.

    settings: by what is judged. Thread: one.
    """

    def __init__(self, state: State) -> None:
        """Raises: RecordError for a state that this version cannot go on from."""
        memory = decoded(state)
        self.settings = settings_of(state)
        self._decisions: list[Taken] = []
        self._now, self._at_ms = state.mono, state.at_ms
        publisher = Publisher((*DECISIONS, "market_data", "source_activated"))
        for event, as_decision in DECISIONS.items():
            publisher.on(event, self._taker(as_decision))
        self.desk = Desk(self.settings.policy, self.settings.resolution, self.settings.max_age_s)
        # what they say of the wall clock's time is not compared
        self._announcer = Announcer(publisher, self._mono, self._mono)
        for source in self.settings.sources:
            self.desk.intakes[source] = Intake(
                source, self.desk.store, publisher, self.desk.reference, self._mono, self._mono)
        self._seen: dict[str, Seen] = {}
        self._looked: list[FeedHealth] = []
        self._pending: tuple[Standing, Case, int] | None = None  # judged, and not told yet
        self.desk.recall(memory.desk)
        self._announcer.told = memory.told

    @property
    def memory(self) -> Memory:
        """All that is remembered now."""
        return Memory(self.desk.remembered(), self._announcer.told)

    def play(self, note: Note) -> Quote | SourceError | None:
        """Returns: where a price was asked for, that price, or why there was none.

        Raises: RecordError for a note that is none of a journal's.
        """
        if isinstance(note, MarketDataUpdate):
            self._intake(note.exchange).take([note], note.received_mono)
        elif isinstance(note, Input):
            self._now = note.mono
            handler = HANDLERS.get(note.kind)
            if handler is None:
                raise RecordError(f"{note.kind!r} is no kind of input that is known here")
            return handler(self, note)
        return None

    def finish(self) -> None:
        """Tell what was judged last, now that nothing follows that could hold it back."""
        pending, self._pending = self._pending, None
        if pending is not None:
            before, case, self._at_ms = pending
            self._announcer.judged(before, case, self.desk.outcome(case),
                                   self.settings.policy.max_latency_s)

    def taken(self) -> list[Taken]:
        """What was decided since this was asked last. That of a judgement comes when it is followed
        by another, or with `finish`.
        """
        taken, self._decisions[:] = list(self._decisions), []
        return taken

    def _mono(self) -> float:
        return self._now

    def _connected(self, note: Input) -> None:
        self._intake(note.source).connected(note.mono)

    def _disconnected(self, note: Input) -> None:
        self._intake(note.source).disconnected(note.mono)

    def _expected(self, note: Input) -> None:
        keys = msgspec.convert(note.detail, Expected).streams
        self._intake(note.source).expect_old(keys, note.mono)

    def _refused(self, note: Input) -> None:
        with suppress(ImplausibleStamp):  # another version may take it
            self.play(msgspec.convert(note.detail, MarketDataUpdate))

    def _opinion(self, note: Input) -> None:
        self.desk.opine(msgspec.convert(note.detail, Opinion))

    def _source(self, note: Input) -> None:
        self._seen[str(note.source)] = msgspec.convert(note.detail, Seen)

    def _look(self, note: Input) -> None:
        self.finish()
        self._looked = self._healths()

    def _judged(self, note: Input) -> None:
        self.finish()
        before, case, _ = self.desk.judge(str(note.symbol), self._looked, note.mono)
        self._pending = before, case, note.at_ms

    def _asked(self, note: Input) -> Quote | SourceError:
        return self.desk.outcome(self.desk.case(str(note.symbol), self._healths(), note.mono))

    def _cleared(self, note: Input) -> None:
        # by who judges, at the time of his judgement: he was stopped before he could tell of it
        if self._pending is not None and self._pending[1].now == note.mono:
            self._pending = None
        self.desk.clear(note.mono)

    def _taker(self, as_decision: Callable[[Any], Decision]) -> Callable[[object], None]:
        return lambda event: self._decisions.append(Taken(self._at_ms, as_decision(event)))

    def _healths(self) -> list[FeedHealth]:
        healths = []
        for source in self.settings.sources:
            seen = self._seen.get(source, Seen())
            intake = self.desk.intakes[source]
            healths.append(FeedHealth(
                source=source, connected_since=seen.connected_since, latency_s=seen.latency_s,
                detail=seen.detail, clock_offset_s=intake.clock_offset_s, event_lag_s=None,
                messages_received=0, errors=0, last_update=None))
        return healths

    def _intake(self, source: str | None) -> Intake:
        """Raises: RecordError."""
        intake = self.desk.intakes.get(str(source))
        if intake is None:
            raise RecordError(f"{source} is none of the sources "
                              f"{', '.join(self.settings.sources)} of this run")
        return intake


HANDLERS: Mapping[str, Callable[[Player, Input], Quote | SourceError | None]] = {
    "connected": Player._connected, "disconnected": Player._disconnected,
    "expected": Player._expected, "refused": Player._refused, "opinion": Player._opinion,
    "source": Player._source, "look": Player._look, "judged": Player._judged,
    "asked": Player._asked, "cleared": Player._cleared,
}
