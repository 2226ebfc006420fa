"""Closed days leave the DuckDB file for Parquet, one file a day and table, and are read as before.

A day is closed ten minutes after its midnight (UTC). It is written beside its place, read again and
compared row by row (count and sum of hashes), synced, renamed; only then are its rows dropped, by
the recorder's thread, in the transaction that notes where they are now. So every row is in one of
the two places at any moment, and a kill at any moment leaves it so.

    <folder>/updates/day=2026-11-21/updates.parquet
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import chain, count
from pathlib import Path

import duckdb
import msgspec

from bot.errors import RecorderError
from bot.record.bars import EARLY, LATE, of_day
from bot.record.drafts import settle, sync
from bot.record.schema import DAILY, quoted
from bot.record.whole import whole

CLOSED_AFTER = timedelta(minutes=10)


class Closed(msgspec.Struct, frozen=True):
    """A day of a table that is in a file. rows, checksum: of the file. hot: the same of those rows
    of it that are still in the DuckDB file. file: path within the archive's folder.
    """

    table: str
    day: date
    rows: int
    checksum: str
    hot: tuple[int, str]
    file: str


def due(con: duckdb.DuckDBPyConnection, before: date) -> list[tuple[str, date, int]]:
    """(table, day, rows) of every day before `before` that has rows in the DuckDB file, oldest
    first."""
    found = []
    for table, column in DAILY.items():
        # what is not of a closed day is passed over by DuckDB's statistics, however much it is
        found += [(table, day, rows) for day, rows in con.execute(
            f"SELECT {column}::DATE AS day, count(*) FROM {table} WHERE {column} < ? GROUP BY day",
            [before]).fetchall()]
    return sorted(found, key=lambda one: (one[1], one[0]))


def export(con: duckdb.DuckDBPyConnection, folder: Path, table: str, day: date) -> Closed:
    """Write a day's rows to a file, with those of an earlier file of it, and verify them there; the
    rows stay where they are.

    Raises: RecorderError, duckdb.Error, OSError; there is then no new file.
    """
    con.begin()
    try:
        hot = fingerprint(con, f"{table} WHERE {within(table)}", span(day))
        rows = whole(con, folder, table, *bounds(day))
        return export_rows(con, folder, table, day, f"{rows} ORDER BY {DAILY[table]}", hot)
    finally:
        con.rollback()


def export_bars(
    con: duckdb.DuckDBPyConnection, folder: Path, day: date, now: datetime
) -> Closed:
    """Write the bars of a closed day, from its rows wherever they are. Raises: as `export`."""
    begin, end = bounds(day)
    con.begin()
    try:
        query, parameters = of_day(
            day, now, whole(con, folder, "updates", begin - EARLY, end + LATE),
            whole(con, folder, "served", begin, end))
        con.execute(f"CREATE OR REPLACE TEMP TABLE day_bars AS {query}", parameters)
        return export_rows(con, folder, "bars", day, "day_bars", (0, "0"))
    finally:
        con.rollback()


def export_rows(con: duckdb.DuckDBPyConnection, folder: Path, table: str, day: date, rows: str,
                hot: tuple[int, str]) -> Closed:
    """Write these rows to a file of that day. hot: see Closed. Raises: as `export`."""
    name = _free_name(con, folder, table, day)
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".tmp")
    try:
        con.execute(f"COPY (FROM {rows}) TO {quoted(draft)} (FORMAT parquet, COMPRESSION zstd)")
        here = fingerprint(con, rows, [])
        there = fingerprint(con, f"read_parquet({quoted(draft)}, hive_partitioning=false)", [])
        if here != there:
            raise RecorderError(f"{draft} does not hold what was written to it: "
                                f"{there[0]} rows of {here[0]}, checksum {there[1]}")
        settle(draft, target)
        for made in (target.parent.parent, folder, folder.parent):
            sync(made)  # the names of folders that may be new, too
    finally:
        draft.unlink(missing_ok=True)
    return Closed(table, day, *here, hot, name)


def _free_name(con: duckdb.DuckDBPyConnection, folder: Path, table: str, day: date) -> str:
    """Never that of a file that is in use, for rows may come for a day that is archived already;
    nor that of one that is there and not known of."""
    used = {file for (file,) in con.execute(
        "SELECT file FROM days WHERE table_name = ? AND day = ?", [table, day]).fetchall()}
    place = f"{table}/day={day:%Y-%m-%d}"
    names = chain([f"{place}/{table}.parquet"],
                  (f"{place}/{table}-{number}.parquet" for number in count(2)))
    return next(name for name in names if name not in used and not (folder / name).exists())


def fingerprint(
    con: duckdb.DuckDBPyConnection, rows: str, parameters: Sequence[object]
) -> tuple[int, str]:
    """Count and checksum of rows, which does not depend on their order."""
    ((count, checksum),) = con.execute(
        f"SELECT count(*), coalesce(sum(hash(t)::HUGEINT), 0)::VARCHAR FROM (FROM {rows}) t",
        parameters).fetchall()
    return int(count), str(checksum)


def has_rows(con: duckdb.DuckDBPyConnection, day: date) -> bool:
    """Whether there is anything of that day that bars are made of."""
    (row,) = con.execute(
        f"SELECT EXISTS (FROM updates WHERE {within('updates')}), "
        f"EXISTS (FROM served WHERE {within('served')}), "
        "EXISTS (FROM days WHERE table_name IN ('updates', 'served') AND day = ?)",
        [*span(day), *span(day), day]).fetchall()
    return any(row)


def barless(con: duckdb.DuckDBPyConnection, since: date, before: date) -> list[date]:
    """Days from `since` on whose rows are in the archive, and no bars made of them."""
    return [day for (day,) in con.execute(
        "SELECT DISTINCT day FROM days WHERE table_name IN ('updates', 'served') AND day >= ?"
        " AND day < ? AND day NOT IN (SELECT day FROM days WHERE table_name = 'bars') ORDER BY 1",
        [since, before]).fetchall()]


def within(table: str) -> str:
    """The condition of a day, with `span` as its parameters."""
    return f"{DAILY[table]} >= ? AND {DAILY[table]} < ?"


def span(day: date) -> list[object]:
    return [day, day + timedelta(days=1)]


def bounds(day: date) -> tuple[datetime, datetime]:
    begin = datetime(day.year, day.month, day.day)
    return begin, begin + timedelta(days=1)
