"""A record played through the judgement again, and compared with what was decided then."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from difflib import SequenceMatcher
from typing import NamedTuple

import msgspec

from bot.errors import RecordError, SourceError
from bot.judging.journal import Input, State
from bot.judging.memory import Settings, decoded, settings_of
from bot.judging.player import Player, Taken
from bot.judging.resolution import TIER
from bot.model import MarketDataUpdate, Quote
from bot.moments import EPOCH, in_iso
from bot.record.rows import Happened, Row, Served, as_row
from bot.record.tape import EVENT, SERVED, Decided, Entry, Hole, WasServed

MOST_DIFFERENCES = 1_000
# What a damaged record may lead to, wherever it is damaged.
UNPLAYABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
              msgspec.MsgspecError)


class Run(NamedTuple):
    """A run of the bot begins, or goes on after a hole. at_ms: epoch ms of the state."""

    at_ms: int
    instance: str
    settings: Settings


class Tally(msgspec.Struct):
    """What was played. mono_s: of the record, without its holes. prices: that were compared.
    states: at which what is remembered was compared. missing: rows; skipped: rows behind a hole and
    before the next state.
    """

    updates: int = 0
    judgements: int = 0
    decisions: int = 0
    prices: int = 0
    states: int = 0
    missing: int = 0
    skipped: int = 0
    mono_s: float = 0.0


class Made(NamedTuple):
    """A decision of then or now. round: place of the judgement, or of the row."""

    row: Row
    at_ms: int
    place: int


class Replay:
    """Takes the entries of a tape in their order.

    tally, differences: so far; each difference is a line of words.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.differences: list[str] = []
        self._player: Player | None = None
        self._torn = False  # by a hole, behind which there was no state yet
        self._last_mono: float | None = None
        self._then: list[Made] = []
        self._now: list[Made] = []
        self._judged_at = self._looked_at = 0  # places
        self._asked: dict[str, Quote | SourceError] = {}
        self._known: set[str] = set()  # symbols whose price was asked for in this run

    def play(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Taken | Run]:
        """Play everything. Yields: each run, and each decision as it is made now.

        Raises: RecordError, for what is no record of this version.
        """
        place = 0
        try:
            for place, entry in entries:
                yield from self._play(place, entry)
            yield from self._end()
        except UNPLAYABLE as error:
            raise RecordError(f"what is at place {place} cannot be played: {error!r}") from error

    def _play(self, place: int, entry: Entry) -> Iterator[Taken | Run]:
        if isinstance(entry, State):
            yield from self._state(entry)
        elif isinstance(entry, Hole):
            self.tally.missing += entry.rows
            yield from self._end()
            self._torn = True
        elif isinstance(entry, Input) and entry.kind == "begun":
            yield from self._end()
            self._torn = False
        elif self._player is None:
            self.tally.skipped += self._torn
        elif isinstance(entry, Decided):
            self._then.append(Made(entry.row, entry.at_ms, place))
        elif isinstance(entry, WasServed):
            self._served(entry)
        else:
            yield from self._note(place, self._player, entry)

    def _note(
        self, place: int, player: Player, note: MarketDataUpdate | Input
    ) -> Iterator[Taken]:
        mono = note.received_mono if isinstance(note, MarketDataUpdate) else note.mono
        if self._last_mono is not None and mono > self._last_mono:
            self.tally.mono_s += mono - self._last_mono
        self._last_mono = max(mono, self._last_mono or mono)
        outcome = player.play(note)
        if isinstance(note, MarketDataUpdate):
            self.tally.updates += 1
        elif note.kind in ("look", "judged"):
            yield from self._take(player)
            self._judged_at = place
            if note.kind == "look":
                self._looked_at = place
            else:
                self.tally.judgements += 1
        elif outcome is not None:
            self._ask(note, outcome)

    def _state(self, state: State) -> Iterator[Taken | Run]:
        """What is remembered there must be what is remembered now, within one run of the bot."""
        settings, player = settings_of(state), self._player
        if player is not None and settings.run == player.settings.run:
            player.finish()
            yield from self._take(player)
            self._compare(torn=False)
            self.tally.states += 1
            found = list(_differing("", decoded(state), player.memory))
            if not found:
                return
            self._differ(state.at_ms, f"what is remembered differs: {', '.join(found[:5])}")
        yield from self._end()
        self._player, self._torn = Player(state), False
        yield Run(state.at_ms, state.instance, settings)

    def _take(self, player: Player) -> Iterator[Taken]:
        for taken in player.taken():
            self._now.append(Made(_row(taken), taken.at_ms, self._judged_at))
            self.tally.decisions += 1
            yield taken

    def _end(self) -> Iterator[Taken]:
        """Nothing follows on what was played."""
        if self._player is not None:
            self._player.finish()
            yield from self._take(self._player)
            self._compare(torn=True)
        self._player, self._last_mono = None, None
        self._asked.clear()
        self._known.clear()

    def _compare(self, torn: bool) -> None:
        """torn: the bot may have been ended before it could record the last that it decided, which
        is what it judged after its last look."""
        then, now = self._then, self._now
        self._then, self._now = [], []
        if torn:
            while len(now) > len(then) and now[-1].place > self._looked_at:
                now.pop()
        matcher = SequenceMatcher(None, [one.row for one in then], [one.row for one in now], False)
        for tag, a, b, c, d in matcher.get_opcodes():
            if tag != "equal":
                for which, part in (("then", then[a:b]), ("now", now[c:d])):
                    for one in part:
                        self._differ(one.at_ms, f"decided {which}: {_named(EVENT, one.row)}")

    def _ask(self, note: Input, outcome: Quote | SourceError) -> None:
        """If nothing was recorded of the price asked for before this, there was none."""
        symbol = str(note.symbol)
        before, self._asked[symbol] = self._asked.get(symbol), outcome
        self._known.add(symbol)
        if before is not None:
            self.tally.prices += 1
        if isinstance(before, Quote):
            self._differ(note.at_ms, f"before this nothing was served of {symbol} then, and now "
                                     f"{before.price}")

    def _served(self, served: WasServed) -> None:
        """That of a lower tier was served because the streams had none."""
        outcome = self._asked.pop(served.symbol, None)
        if outcome is None:  # it was asked for before the state, or there is something missing
            if served.symbol in self._known:
                self._differ(served.at_ms, f"{served.symbol} was served then without being asked "
                                           "for on record")
            self._known.add(served.symbol)
            return
        self.tally.prices += 1
        if isinstance(outcome, Quote):
            row = as_row(Served(outcome, 0))[1][1:]
            changed = [f"{name} {_short(old)} then, {_short(new)} now"
                       for name, old, new in zip(SERVED, served.row, row, strict=True)
                       if old != new]
            if changed:
                self._differ(served.at_ms, f"{served.symbol} served: {'; '.join(changed)}")
        elif served.source == TIER:
            self._differ(served.at_ms, f"{served.symbol} was served then, and now not: {outcome}")

    def _differ(self, at_ms: int, words: str) -> None:
        if len(self.differences) < MOST_DIFFERENCES:
            self.differences.append(f"{in_iso(EPOCH + timedelta(milliseconds=at_ms))} {words}")


def _row(taken: Taken) -> Row:
    one = taken.decision
    return as_row(Happened(one.kind, one.source, one.symbol, one.reason, 0,
                           None if one.detail is None else dict(one.detail)))[1][1:]


def _named(names: Iterable[str], row: Row) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in zip(names, row, strict=True)
                     if value is not None)


def _short(value: object) -> str:
    return "none" if value is None else str(value)


def _differing(path: str, then: object, now: object) -> Iterator[str]:
    """The paths to what differs."""
    if then == now:
        return
    if isinstance(then, msgspec.Struct) and type(then) is type(now):
        for name in then.__struct_fields__:
            yield from _differing(f"{path}.{name}", getattr(then, name), getattr(now, name))
    elif isinstance(then, Mapping) and isinstance(now, Mapping) and set(then) == set(now):
        for key in then:
            yield from _differing(f"{path}[{key!r}]", then[key], now[key])
    else:
        yield path.removeprefix(".")
