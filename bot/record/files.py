"""The record as one finds it: the DuckDB file and the Parquet files of closed days, as one.

Under the names of its tables, each with all of its rows wherever they are. The file is open for
reading only, and DuckDB may touch no other file than those of the archive.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import duckdb

from bot.errors import RecorderError
from bot.record.custody import fault
from bot.record.opening import in_words
from bot.record.schema import TABLES, quoted
from bot.record.whole import BARS, nothing

Meaning = tuple[str, dict[str, tuple[str, str]]]

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 2,  # a bot that runs beside it comes first
    "max_temp_directory_size": "4GB",
    "asof_loop_join_threshold": 0,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
HOLDER = re.compile(r"\(PID (\d+)\)")


class Held(RecorderError):
    """Another process has the file open for writing. by: which, in words."""

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(f"{path} is held by {by}")
        self.by = by


class Unread(NamedTuple):
    """A file of the archive that is not there, or damaged. why: in words."""

    file: Path
    why: str


class Record(NamedTuple):
    """con: where `SELECT ... FROM updates` gives every update. folder: of the archive.

    words: what was asked. missing: files of the archive whose rows are left out.
    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    words: str
    missing: tuple[Unread, ...] = ()


@contextmanager
def opened_file(
    path: Path, archive: Path | None = None, words: str = "", writes: Path | None = None
) -> Iterator[Record]:
    """archive: folder of the Parquet files; None: `archive` beside the file. writes: a folder that
    the connection may write to, for those who export; None for nowhere.

    Raises: Held; RecorderError with why it cannot be read.
    """
    folder = (archive or path.parent / "archive").absolute()
    with tempfile.TemporaryDirectory(prefix="autonomous-bot-") as scratch:
        con = duckdb.connect(":memory:", config=SETTINGS | {"temp_directory": scratch})
        try:
            _attach(con, path)
            con.execute("SET TimeZone = 'UTC'")  # what now() is compared with is UTC
            allowed = [folder.resolve(), *([writes.resolve()] if writes else [])]
            con.execute("SET allowed_directories = ?", [[str(one) for one in allowed]])
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
            missing = _show(con, folder)
            yield Record(con, folder, words or f"asked the file {path}", missing)
        finally:
            con.close()


def told(error: duckdb.Error) -> str:
    """What went wrong with a question, and where in it."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "this takes more memory or more room for intermediate results than there is for " \
               "it; ask about less"
    return str(error)


def _attach(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        if not path.is_file():
            raise RecorderError(f"{path} is not a regular file" if path.exists() else
                                f"there is no record at {path}")
        con.execute(f"ATTACH {quoted(path)} AS record (READ_ONLY)")
        tables = con.execute("SELECT table_name FROM duckdb_tables()"
                             " WHERE database_name = 'record'").fetchall()
    except PermissionError as error:
        raise _denied(path) from error
    except duckdb.Error as error:
        text = str(error)
        if "Could not set lock" in text:
            holder = HOLDER.search(text)
            raise Held(path, f"process {holder[1]}" if holder else "another process") from error
        if "Permission denied" in text:
            raise _denied(path) from error
        raise RecorderError(f"{path} cannot be read: {in_words(error)}") from error
    if ("openings",) not in tables:
        raise RecorderError(f"{path} is no record of this program")


def _denied(path: Path) -> RecorderError:
    return RecorderError(f"{path} may not be read by this user; run this as the user that the bot "
                         "runs as, or with sudo")


def _show(con: duckdb.DuckDBPyConnection, folder: Path) -> tuple[Unread, ...]:
    """Make a view of each table. Returns: files that are left out. Raises: RecorderError."""
    try:
        there = {table for (table,) in con.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'record'").fetchall()}
        files: dict[str, list[Path]] = {}
        missing = []
        for table, name, rows in con.execute(
                "SELECT table_name, file, row_count FROM record.main.days ORDER BY day"
                ).fetchall() if "days" in there else ():
            why = fault(con, folder / name, rows)
            if why is None:
                files.setdefault(table, []).append(folder / name)
            else:
                missing.append(Unread(folder / name, why))
        for table, meaning in (TABLES | {"bars": BARS}).items():
            _show_one(con, table, meaning, table in there, files.get(table, []))
    except (duckdb.Error, OSError) as error:
        words = in_words(error) if isinstance(error, duckdb.Error) else str(error)
        raise RecorderError(f"the record cannot be read: {words}") from error
    return tuple(missing)


def _show_one(
    con: duckdb.DuckDBPyConnection, table: str, meaning: Meaning, hot: bool, files: list[Path]
) -> None:
    about, columns = meaning
    parts = [nothing(columns)]
    if files:
        paths = ", ".join(map(quoted, files))
        parts.append(f"FROM read_parquet([{paths}], hive_partitioning=false, union_by_name=true)")
    if hot:
        parts.append(f"FROM record.main.{table}")
    con.execute(f"CREATE VIEW {table} AS {' UNION ALL BY NAME '.join(parts)}")
    con.execute(f"COMMENT ON VIEW {table} IS {quoted(about)}")
    for column, (_, comment) in columns.items():
        con.execute(f"COMMENT ON COLUMN {table}.{column} IS {quoted(comment)}")
