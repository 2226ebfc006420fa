"""Which files of the archive are there and can be read; one that cannot be read is as good as gone.

A damaged file is given another name, beside its old one, and forgotten of: one file must not keep
every question from its answer, nor the next day from the archive.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from bot.record.archive import fingerprint, has_rows
from bot.record.mark import Loss
from bot.record.schema import quoted

# These come from the machine, and say nothing about the file.
SURROUNDINGS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InterruptException,
                duckdb.PermissionException, duckdb.ConnectionException)


class Gone(NamedTuple):
    """A file that is not of the archive any more. file: path within its folder. why: in words."""

    table: str
    day: date
    file: str
    why: str


def fault(con: duckdb.DuckDBPyConnection, path: Path, rows: int, thoroughly: bool = False
          ) -> str | None:
    """Why a file cannot be read; None if it can, as far as its end tells that, or all of it.

    rows: how many it should hold. Raises: OSError, duckdb.Error, where that is not to be found out.
    """
    try:
        path.stat()
    except FileNotFoundError:
        return "is gone"
    if not path.is_file():
        return "is no file"
    there = f"read_parquet({quoted(path)}, hive_partitioning=false)"
    try:
        ((count,),) = con.execute(
            "SELECT sum(num_rows) FROM parquet_file_metadata(?)", [str(path)]).fetchall()
        if thoroughly:
            count, _ = fingerprint(con, there, [])
    except SURROUNDINGS:
        raise
    except duckdb.Error as error:
        words = str(error).partition("\n")[0].replace(f" '{path}'", "")
        return f"is damaged ({words.removeprefix('Invalid Input Error: ')})"
    return None if count == rows else f"holds {count} rows, not {rows}"


class Custody:
    """Looks at a file once, and again when it has changed. Thread: the archivist's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sound: dict[str, tuple[int, int]] = {}  # size and time of what was looked at

    def look(self, con: duckdb.DuckDBPyConnection, doubted: Collection[date] = ()) -> list[Gone]:
        """What is gone or damaged, oldest first; damaged files have been renamed.

        doubted: days whose files are read to their end. Raises: OSError, duckdb.Error.
        """
        found = []
        for table, day, file, rows in con.execute(
                "SELECT table_name, day, file, row_count FROM days ORDER BY day, file").fetchall():
            why = self._fault(con, file, rows, day in doubted)
            if why is not None:
                found.append(Gone(table, day, file, why + self._set_aside(file)))
        return found

    def _fault(
        self, con: duckdb.DuckDBPyConnection, file: str, rows: int, doubted: bool
    ) -> str | None:
        path = self._folder / file
        with suppress(FileNotFoundError):
            now = path.stat()
            seen = now.st_size, now.st_mtime_ns
            if not doubted and self._sound.get(file) == seen:
                return None
            why = fault(con, path, rows, doubted)
            if why is None:
                self._sound[file] = seen
            return why
        return "is gone"

    def _set_aside(self, file: str) -> str:
        """Returns: what became of it, in words."""
        path = self._folder / file
        aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}")
        with suppress(OSError):  # where it may not be renamed its name is not used again
            path.rename(aside)
            return f" and kept as {aside.name}"
        return ""


def losses(
    con: duckdb.DuckDBPyConnection, folder: Path, gone: Sequence[Gone]
) -> Iterator[Loss]:
    """What rows that is, one for each run of days. Bars whose rows are here are made again."""
    runs: list[list[Gone]] = []
    for one in gone:
        if one.table == "bars" and has_rows(con, one.day):
            continue
        if runs and one.day - runs[-1][-1].day <= timedelta(days=1):
            runs[-1].append(one)
        else:
            runs.append([one])
    for run in runs:
        first, last = run[0], run[-1].day
        more = f"; {len(run) - 1} more files of {first.day} to {last}" if len(run) > 1 else ""
        yield Loss(f"{first.table} of {first.day} in the archive: {folder / first.file} "
                   f"{first.why}{more}", midnight(first.day), midnight(last + timedelta(days=1)))


def midnight(day: date) -> float:
    """Its first moment, epoch s."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
