"""Files of the archive that the table of days does not name.

A kill between the writing of a file and the dropping of its rows leaves one, whose rows are in the
DuckDB file still. But so does the loss of the DuckDB file, or of its log: then it has the only copy
there is. So none is deleted before each of its rows was seen elsewhere.
"""

import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from bot.record.archive import Closed, bounds, export_rows, fingerprint, has_rows, span, within
from bot.record.schema import DAILY, TABLES, quoted
from bot.record.whole import BARS, nothing, whole

NAME = re.compile(r"(\w+)/day=(\d{4}-\d\d-\d\d)/\1(-\d+)?\.parquet")


class Stray(NamedTuple):
    """file: path within the archive's folder."""

    file: str
    table: str
    day: date


def strays(con: duckdb.DuckDBPyConnection, folder: Path) -> list[Stray]:
    """Oldest first. Raises: duckdb.Error."""
    known = {file for (file,) in con.execute("SELECT file FROM days").fetchall()}
    found = []
    for path in folder.glob("*/day=*/*.parquet"):
        file = path.relative_to(folder).as_posix()
        match = NAME.fullmatch(file)
        if match and file not in known and match[1] in (*DAILY, "bars"):
            with suppress(ValueError):  # a day that there is not
                found.append(Stray(file, match[1], date.fromisoformat(match[2])))
    return sorted(found, key=lambda stray: (stray.day, stray.file))


def claimed(
    con: duckdb.DuckDBPyConnection, folder: Path, stray: Stray
) -> tuple[Closed, bool] | None:
    """What to note of a stray, and whether the rows of its day are to be dropped with that; None if
    it holds nothing that is not elsewhere.

    Where only some of its rows are elsewhere, a new file is written with all there are of that day.
    Raises: duckdb.Error, RecorderError, OSError, also for a file that is not of this program.
    """
    con.begin()
    try:
        columns = BARS[1] if stray.table == "bars" else TABLES[stray.table][1]
        rows = f"({nothing(columns)} UNION ALL BY NAME FROM read_parquet(" \
               f"{quoted(folder / stray.file)}, hive_partitioning=false))"
        width = len(con.execute(f"DESCRIBE FROM {rows}").fetchall())
        if width != len(columns):
            raise duckdb.InvalidInputException(f"{stray.file} has columns that are not known here")
        count, checksum = fingerprint(con, rows, [])
        if stray.table == "bars":
            missing = 0 if _has_bars(con, stray.day) else count
        else:
            others = whole(con, folder, stray.table, *bounds(stray.day))
            lacking = f"(FROM {rows} f WHERE hash(f) NOT IN (SELECT hash(t) FROM {others} t))"
            ((missing,),) = con.execute(f"SELECT count(*) FROM {lacking}").fetchall()
        if not missing:
            return None
        if missing == count:
            return Closed(stray.table, stray.day, count, checksum, (0, "0"), stray.file), False
        hot = fingerprint(con, f"{stray.table} WHERE {within(stray.table)}", span(stray.day))
        merged = f"(FROM {others} UNION ALL BY NAME FROM {lacking}) ORDER BY {DAILY[stray.table]}"
        return export_rows(con, folder, stray.table, stray.day, merged, hot), True
    finally:
        con.rollback()


def _has_bars(con: duckdb.DuckDBPyConnection, day: date) -> bool:
    """Whether there are others of that day, or will be: made of rows that are here."""
    ((there,),) = con.execute("SELECT EXISTS (FROM days WHERE table_name = 'bars' AND day = ?)",
                              [day]).fetchall()
    return there or has_rows(con, day)
