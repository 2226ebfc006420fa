"""The journal of a record, read in its order, with what was decided and served beside it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import msgspec

from bot.errors import RecordError
from bot.judging.decisions import KINDS
from bot.judging.journal import Input, Note, State
from bot.model import MarketDataUpdate
from bot.record.rows import Row
from bot.record.schema import FILLED, TABLES

CHUNK = 50_000  # places read at a time
# Their columns, but for the first, which is the moment, and the last, which is the place.
EVENT = tuple(TABLES["events"][1])[1:-1]
SERVED = tuple(TABLES["served"][1])[1:-1]


class Decided(NamedTuple):
    """A row of `events` that tells a decision: EVENT. at_ms: epoch ms."""

    at_ms: int
    row: Row


class WasServed(NamedTuple):
    """A row of `served`: SERVED. at_ms: epoch ms."""

    at_ms: int
    symbol: str
    source: str
    row: Row


class Hole(NamedTuple):
    """So many rows are missing here."""

    rows: int


Entry = Note | Decided | WasServed | Hole


class Span(NamedTuple):
    """Places in the order of the record, from a state to a look. since, until: UTC, naive."""

    first: int
    last: int
    since: datetime
    until: datetime


QUERIES = {
    "updates": "seq, exchange, symbol, type, price, volume, bid, ask, epoch_ms(event_at), "
               "epoch_ms(received_at), received_mono, event_id FROM updates WHERE {these}",
    "inputs": "seq, kind, mono, epoch_ms(noted_at), source, symbol, detail FROM inputs "
              "WHERE {these}",
    "states": "seq, mono, epoch_ms(taken_at), instance, settings, memory FROM states WHERE {these}",
    # what is decided of a symbol; the rest follows from something else
    "events": f"seq, epoch_ms(happened_at), {', '.join(EVENT)} FROM events "
              f"WHERE {{these}} AND kind IN {KINDS}",
    "served": f"seq, epoch_ms(served_at), {', '.join(SERVED)} FROM served WHERE {{these}}",
}
BEGIN = """
    SELECT seq, taken_at, instance FROM states
    WHERE seq IS NOT NULL AND taken_at < coalesce($until, 'infinity'::TIMESTAMP)
    ORDER BY taken_at > $since, CASE WHEN taken_at > $since THEN seq ELSE -seq END LIMIT 1
"""
FIRST = "SELECT seq, taken_at, instance FROM states WHERE seq IS NOT NULL ORDER BY seq LIMIT 1"
END = """
    SELECT seq, noted_at FROM inputs
    WHERE kind = 'look' AND noted_at < coalesce($until, 'infinity'::TIMESTAMP)
    ORDER BY seq DESC LIMIT 1
"""


def _input(kind: str, mono: float, at_ms: int, source: str | None, symbol: str | None,
           detail: str | None) -> Input:
    told = None if detail is None else msgspec.json.decode(detail)
    return Input(kind, mono, at_ms, source, symbol, told)


def _was_served(at_ms: int, *row: Any) -> WasServed:
    named = dict(zip(SERVED, row, strict=True))
    return WasServed(at_ms, named["symbol"], named["source"], row)


MAKERS: dict[str, Callable[..., Entry]] = {
    "updates": MarketDataUpdate, "inputs": _input, "states": State,
    "events": lambda at_ms, *row: Decided(at_ms, row), "served": _was_served,
}


class Tape:
    """con: a connection to a record, with its tables, or views of their names. Thread: one."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def begin(
        self, since: datetime | None, until: datetime | None
    ) -> tuple[int, datetime, str] | None:
        """Where to begin: place, moment and instance of the last state at `since` or before it,
        else of the first one after it. None: there is none before `until`. Raises: duckdb.Error.
        """
        row = self._one(FIRST) if since is None else self._one(BEGIN, since=since, until=until)
        return None if row is None else (row[0], row[1], row[2])

    def span(self, since: datetime | None, until: datetime | None) -> Span | None:
        """What can be played: from `begin` to the last look before `until`. None: nothing.

        Raises: duckdb.Error.
        """
        begin, end = self.begin(since, until), self._one(END, until=until)
        if begin is None or end is None or end[0] <= begin[0]:
            return None
        return Span(begin[0], end[0], begin[1], end[1])

    def first(self) -> datetime | None:
        """When the first state was noted. Raises: duckdb.Error."""
        begin = self.begin(None, None)
        return begin[1] if begin else None

    def entries(self, span: Span) -> Iterator[tuple[int, Entry]]:
        """(place, what is there), in order, holes too.

        Raises: duckdb.Error; RecordError where two are at one place.
        """
        expected = begin = span.first
        while begin <= span.last:
            end = min(begin + CHUNK, span.last + 1)
            found = self._read(begin, end)
            for place in sorted(found):
                if place > expected:
                    yield expected, Hole(place - expected)
                entry = found[place]
                if entry is not None:
                    yield place, entry
                expected = place + 1
            begin = end if found else self._next(end, span.last)

    def _read(self, begin: int, end: int) -> dict[int, Entry | None]:
        """What is at the places [begin, end); None where it is nothing that is played."""
        these = f"seq >= {begin} AND seq < {end}"
        places = " UNION ALL ".join(f"SELECT seq FROM {table} WHERE {these}" for table in FILLED
                                    if table not in ("updates", "inputs", "states", "served"))
        found: dict[int, Entry | None] = {
            place: None for (place,) in self._con.execute(places).fetchall()}
        for table, query in QUERIES.items():
            make = MAKERS[table]
            rows = self._con.execute(f"SELECT {query.format(these=these)}").fetchall()
            for place, *row in rows:
                if found.get(place) is not None or (table != "events" and place in found):
                    raise RecordError(f"two rows are at place {place}: this record was put "
                                      "together of several")
                found[place] = make(*row)
        return found

    def _next(self, begin: int, last: int) -> int:
        """The next place at which something is, or one behind the last."""
        places = " UNION ALL ".join(
            f"SELECT min(seq) AS seq FROM {table} WHERE seq >= {begin} AND seq <= {last}"
            for table in FILLED)
        row = self._one(f"SELECT min(seq) FROM ({places})")
        return last + 1 if row is None or row[0] is None else int(row[0])

    def _one(self, query: str, **parameters: object) -> Any:
        return self._con.execute(query, parameters).fetchone()
