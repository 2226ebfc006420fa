"""A record played through the judgement again, and compared with what was decided then."""

from collections.abc import Iterable, Iterator
from difflib import unified_diff

import msgspec

from bot.errors import SourceError
from bot.journal import Input, State
from bot.memory import decoded
from bot.model import MarketDataUpdate, Quote
from bot.player import Player, Taken
from bot.record.rows import Happened, Row, Served, as_row
from bot.record.tape import Decided, Entry, Hole, WasServed
from bot.resolution import TIER


class Tally(msgspec.Struct):
    """What was played. mono_s: of the record, without its holes. prices: that were compared.
    states: at which what is remembered was compared. refused: rows that are missing.
    """

    updates: int = 0
    judgements: int = 0
    decisions: int = 0
    prices: int = 0
    states: int = 0
    runs: int = 0
    refused: int = 0
    skipped: int = 0
    mono_s: float = 0.0


class Replay:
    """Takes the entries of a tape in their order.

    tally, differences: so far; each difference is a line of words or of a diff.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.differences: list[str] = []
        self._player: Player | None = None
        self._last_mono: float | None = None
        self._then: list[Row] = []
        self._now: list[Row] = []
        self._asked: dict[str, Quote | SourceError] = {}

    def play(self, entries: Iterable[tuple[int, Entry]]) -> Iterator[Taken]:
        """Play everything. Yields: each decision, as it is made now. Raises: RecordError."""
        for place, entry in entries:
            if isinstance(entry, State):
                yield from self._state(place, entry)
            elif isinstance(entry, Hole):
                self.tally.refused += entry.rows
                yield from self._end(torn=True)
            elif self._player is None:
                self.tally.skipped += 1
            elif isinstance(entry, Decided):
                self._then.append(entry.row)
            elif isinstance(entry, WasServed):
                self._served(place, entry)
            else:
                yield from self._note(place, self._player, entry)
        yield from self._end(torn=False)

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
        elif note.kind == "judged":
            self.tally.judgements += 1
            yield from self._take(player)
        elif outcome is not None:
            symbol = str(note.symbol)
            self._unanswered(place, symbol)
            self._asked[symbol] = outcome

    def _state(self, place: int, state: State) -> Iterator[Taken]:
        """What is remembered there must be what is remembered now, within one run of the bot."""
        before = self._player
        if before is not None and Player(state).settings.run == before.settings.run:
            same = before.memory == decoded(state.memory)
            self.tally.states += 1
            yield from self._take(before)
            self._compare(torn=False)
            if same:
                return
            self.differences.append(f"place {place}: what is remembered is not what was then")
        yield from self._end(torn=True)
        self._player = Player(state)
        self.tally.runs += 1

    def _take(self, player: Player) -> Iterator[Taken]:
        for taken in player.taken():
            self._now.append(_row(taken))
            self.tally.decisions += 1
            yield taken

    def _end(self, torn: bool) -> Iterator[Taken]:
        """Nothing follows on what was played. torn: the last decisions may be missing on record."""
        if self._player is not None:
            assert self._player.memory  # which tells what was judged last
            yield from self._take(self._player)
            self._compare(torn)
        self._player, self._last_mono = None, None
        self._asked.clear()

    def _compare(self, torn: bool) -> None:
        count = min(len(self._then), len(self._now)) if torn else None
        then, now = self._then[:count], self._now[:count]
        if then != now:
            self.differences += list(unified_diff(
                [_words(row) for row in then], [_words(row) for row in now], "then", "now", n=1,
                lineterm=""))
        self._then, self._now = [], []

    def _served(self, place: int, served: WasServed) -> None:
        """That of a lower tier was served because the streams had none."""
        outcome = self._asked.pop(served.symbol, None)
        if outcome is None:
            return
        self.tally.prices += 1
        if isinstance(outcome, Quote):
            row = as_row(Served(outcome, 0))[1][1:]
            if row != served.row:
                self.differences += [f"place {place}, served then: {_words(served.row)}",
                                     f"place {place}, served now:  {_words(row)}"]
        elif served.source == TIER:
            self.differences += [f"place {place}, served then: {_words(served.row)}",
                                 f"place {place}, now nothing: {outcome}"]

    def _unanswered(self, place: int, symbol: str) -> None:
        """Of the price asked for before this one nothing was recorded: then there was none."""
        outcome = self._asked.pop(symbol, None)
        if outcome is not None:
            self.tally.prices += 1
        if isinstance(outcome, Quote):
            self.differences.append(
                f"before place {place}: nothing was served then, now {outcome.price} of {symbol}")


def _row(taken: Taken) -> Row:
    one = taken.decision
    return as_row(Happened(one.kind, one.source, one.symbol, one.reason, 0,
                           None if one.detail is None else dict(one.detail)))[1][1:]


def _words(row: Row) -> str:
    return " | ".join("-" if value is None else str(value) for value in row)
