"""A part of a record: rows of one table in a file, or a smaller record that can be replayed."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from bot.errors import RecorderError
from bot.moments import in_iso
from bot.record.schema import FILLED, TABLES, create_tables, quoted
from bot.record.tape import Tape
from bot.record.whole import BARS

# By its first column, which is the moment of a row.
MOMENTS = {table: next(iter(columns))
           for table, (_, columns) in (TABLES | {"bars": BARS}).items()
           if next(iter(columns.values()))[0] == "TIMESTAMP"}
SYMBOLS = tuple(table for table, (_, columns) in (TABLES | {"bars": BARS}).items()
                if "symbol" in columns)
FORM = {".csv": "FORMAT csv, HEADER, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ'",
        ".parquet": "FORMAT parquet, COMPRESSION zstd"}
NOT_THERE = ("down", "unrecorded", "lost")
GAPS = """
    SELECT greatest(opened_at, $since), least(coalesce(closed_at, $until), $until), rule FROM (
        FROM incidents WHERE id IS NOT NULL AND opened_at < $until
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1
    ) WHERE list_contains($rules, rule) AND coalesce(closed_at > $since, true) ORDER BY 1
"""
# Closed days are kept for so long, and bars for ever; the first day that is there is there whole,
# or begins with the record.
BEGIN = """
    SELECT greatest(min(opened_at), (SELECT date_trunc('day', min(moment)) FROM (
        SELECT min(received_at) AS moment FROM updates UNION ALL
        SELECT min(noted_at) FROM inputs UNION ALL SELECT min(taken_at) FROM states)))
    FROM openings
"""
NOTES = ("updates", "inputs", "states")  # what a replay consists of


class Part(NamedTuple):
    """rows: of each table. since, until: first and last moment among them; None without any."""

    rows: dict[str, int]
    since: datetime | None
    until: datetime | None


class Gap(NamedTuple):
    """A time that is not in the record, and the rule of the incident that says so; `before` where
    the record begins later.
    """

    since: datetime
    until: datetime
    rule: str


def gaps(
    con: duckdb.DuckDBPyConnection, table: str, since: datetime, until: datetime
) -> list[Gap]:
    """For rows of that table, in order."""
    ((begin,),) = con.execute(
        "SELECT min(opened_at) FROM openings" if table == "bars" else BEGIN).fetchall()
    found = [Gap(*row) for row in con.execute(GAPS, {
        "since": since, "until": until, "rules": list(NOT_THERE)}).fetchall()]
    if begin is None or begin <= since:
        return found
    return [Gap(since, min(begin, until), "before"), *(gap for gap in found if gap.until > begin)]


def rows_of(
    con: duckdb.DuckDBPyConnection, table: str, since: datetime, until: datetime,
    symbol: str | None = None,
) -> tuple[str, Part]:
    """SQL of the rows of a table in [since, until), oldest first; and how many there are."""
    moment = MOMENTS[table]
    these = f"{moment} >= TIMESTAMP '{since}' AND {moment} < TIMESTAMP '{until}'"
    if symbol is not None:
        these += f" AND symbol = {quoted(symbol)}"
    order = f"{moment}, seq" if "seq" in TABLES.get(table, BARS)[1] else moment
    ((count, first, last),) = con.execute(
        f"SELECT count(*), min({moment}), max({moment}) FROM {table} WHERE {these}").fetchall()
    return f"FROM {table} WHERE {these} ORDER BY {order}", Part({table: count}, first, last)


def write_rows(con: duckdb.DuckDBPyConnection, sql: str, draft: Path, suffix: str) -> None:
    """suffix: .csv or .parquet. Raises: duckdb.Error."""
    con.execute(f"COPY ({sql}) TO {quoted(draft)} ({FORM[suffix]})")


def write_record(
    con: duckdb.DuckDBPyConnection, draft: Path, since: datetime, until: datetime
) -> Part:
    """A record of what was noted in [since, until), from the last state before it, with every row
    between; incidents that reach into it as well.

    Raises: RecorderError when nothing of that time can be played; duckdb.Error.
    """
    begin = Tape(con).begin(since, until)
    if begin is None:
        raise RecorderError(_not_playable(con, until))
    first, taken_at, instance = begin
    last = _last(con, first, until)
    with duckdb.connect(str(draft)) as new:
        create_tables(new)
    con.execute(f"ATTACH {quoted(draft)} AS excerpt")
    try:
        rows = {table: _take(con, table, f"seq BETWEEN {first} AND {last}", "seq")
                for table in FILLED if table != "incidents"}
        rows["incidents"] = _take(con, "incidents", f"""
            seq BETWEEN {first} AND {last} OR id IN (SELECT id FROM incidents GROUP BY id HAVING
                min(opened_at) < TIMESTAMP '{until}'
                AND coalesce(max(closed_at) >= TIMESTAMP '{taken_at}', true))""", "seq")
        whose = f"instance = {quoted(instance)}"
        rows["openings"] = _take(con, "openings", whose, "opened_at")
        con.execute("DELETE FROM excerpt.main.progress")
        _take(con, "progress", "true", "batch")
        covered = con.execute(" UNION ALL ".join(
            f"SELECT min({MOMENTS[table]}), max({MOMENTS[table]}) FROM excerpt.main.{table}"
            for table in NOTES)).fetchall()
    finally:
        con.execute("DETACH excerpt")
    return Part(rows, min(_known(covered, 0)), max(_known(covered, 1)))


def _known(covered: Sequence[tuple[datetime | None, ...]], place: int) -> list[datetime]:
    return [moment for row in covered if (moment := row[place]) is not None]


def _last(con: duckdb.DuckDBPyConnection, first: int, until: datetime) -> int:
    """The place up to which everything is taken: the moments of rows may not be in their order."""
    parts = " UNION ALL ".join(
        f"SELECT max(seq) AS seq FROM {table} WHERE seq >= {first} "
        f"AND {MOMENTS[table]} < TIMESTAMP '{until}'" for table in NOTES)
    ((last,),) = con.execute(f"SELECT max(seq) FROM ({parts})").fetchall()
    return int(last)


def _take(con: duckdb.DuckDBPyConnection, table: str, these: str, order: str) -> int:
    ((count,),) = con.execute(
        f"INSERT INTO excerpt.main.{table} BY NAME FROM {table} WHERE {these} ORDER BY {order}"
    ).fetchall()
    return int(count)


def _not_playable(con: duckdb.DuckDBPyConnection, until: datetime) -> str:
    first = Tape(con).first()
    if first is None:
        return "nothing in this record can be replayed: it holds no states, which bots of this " \
               "version write"
    return f"nothing before {in_iso(until)} can be replayed; the earliest that can is from " \
           f"{in_iso(first)} on"
