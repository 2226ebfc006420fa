"""The journal of a record, read in its order, with what was decided and served beside it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import msgspec

from bot.decisions import KINDS
from bot.journal import Input, Note, State
from bot.model import MarketDataUpdate
from bot.record.rows import Row
from bot.record.schema import FILLED, TABLES

CHUNK = 50_000  # places read at a time


class Decided(NamedTuple):
    """A row of `events` that tells a decision, without moment and place."""

    row: Row


class WasServed(NamedTuple):
    """A row of `served`, without moment and place."""

    symbol: str
    source: str
    row: Row


class Hole(NamedTuple):
    """So many rows were refused here."""

    rows: int


Entry = Note | Decided | WasServed | Hole


class Span(NamedTuple):
    """Places in the order of the record, from a state to a look. since, until: UTC, naive."""

    first: int
    last: int
    since: datetime
    until: datetime


def columns(table: str) -> str:
    """Those of a table but the first, which is the moment, and the last, which is the place."""
    return ", ".join(list(TABLES[table][1])[1:-1])


QUERIES = {
    "updates": "seq, exchange, symbol, type, price, volume, bid, ask, epoch_ms(event_at), "
               "epoch_ms(received_at), received_mono, event_id FROM updates WHERE {these}",
    "inputs": "seq, kind, mono, epoch_ms(noted_at), source, symbol, detail FROM inputs "
              "WHERE {these}",
    "states": "seq, mono, epoch_ms(taken_at), instance, settings, memory FROM states WHERE {these}",
    # what is decided of a symbol; the rest follows from something else
    "events": f"seq, {columns('events')} FROM events WHERE {{these}} AND kind IN {KINDS}",
    "served": f"seq, {columns('served')} FROM served WHERE {{these}}",
}


def _input(kind: str, mono: float, at_ms: int, source: str | None, symbol: str | None,
           detail: str | None) -> Input:
    told = None if detail is None else msgspec.json.decode(detail)
    return Input(kind, mono, at_ms, source, symbol, told)


def _was_served(*row: Any) -> WasServed:
    named = dict(zip(list(TABLES["served"][1])[1:-1], row, strict=True))
    return WasServed(named["symbol"], named["source"], row)


MAKERS: dict[str, Callable[..., Entry]] = {
    "updates": MarketDataUpdate, "inputs": _input, "states": State,
    "events": lambda *row: Decided(row), "served": _was_served,
}


class Tape:
    """con: a connection to a record, with its tables, or views of their names. Thread: one."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def span(self, since: datetime | None, until: datetime | None) -> Span | None:
        """What can be played: from the last state at `since` or before it, else the first one, to
        the last look before `until`. None: nothing. Raises: duckdb.Error.
        """
        begin = self._one(
            "SELECT seq, taken_at FROM states WHERE seq IS NOT NULL "
            "ORDER BY taken_at > coalesce(?, '-infinity'::TIMESTAMP), "
            "CASE WHEN taken_at > coalesce(?, '-infinity'::TIMESTAMP) THEN seq ELSE -seq END "
            "LIMIT 1", since, since)
        end = self._one(
            "SELECT seq, noted_at FROM inputs WHERE kind = 'look' "
            "AND noted_at < coalesce(?, 'infinity'::TIMESTAMP) ORDER BY seq DESC LIMIT 1", until)
        if begin is None or end is None or end[0] <= begin[0]:
            return None
        return Span(begin[0], end[0], begin[1], end[1])

    def first(self) -> datetime | None:
        """When the first state was noted. Raises: duckdb.Error."""
        row = self._one("SELECT min(taken_at) FROM states")
        return row[0] if row else None

    def state(self, place: int) -> State:
        """The one at that place, where one is. Raises: duckdb.Error."""
        (row,) = self._con.execute(
            f"SELECT {QUERIES['states'].format(these=f'seq = {place}')}").fetchall()
        return State(*row[1:])

    def entries(self, span: Span) -> Iterator[tuple[int, Entry]]:
        """(place, what is there), in order, holes too. Raises: duckdb.Error."""
        expected = span.first
        for begin in range(span.first, span.last + 1, CHUNK):
            end = min(begin + CHUNK, span.last + 1)
            found = self._read(begin, end)
            for place in sorted(found):
                if place > expected:
                    yield expected, Hole(place - expected)
                entry = found[place]
                if entry is not None:
                    yield place, entry
                expected = place + 1

    def _read(self, begin: int, end: int) -> dict[int, Entry | None]:
        """What is at the places [begin, end); None where it is nothing that is played."""
        these = f"seq >= {begin} AND seq < {end}"
        places = " UNION ALL ".join(f"SELECT seq FROM {table} WHERE {these}" for table in FILLED
                                    if table not in ("updates", "inputs"))
        found: dict[int, Entry | None] = {
            place: None for (place,) in self._con.execute(places).fetchall()}
        for table, query in QUERIES.items():
            make = MAKERS[table]
            rows = self._con.execute(f"SELECT {query.format(these=these)}").fetchall()
            for place, *row in rows:
                found[place] = make(*row)
        return found

    def _one(self, query: str, *parameters: object) -> tuple[Any, ...] | None:
        return self._con.execute(query, list(parameters)).fetchone()
