"""The DuckDB file of the recorder: opening it whatever it finds, one transaction at a time.

Everything here belongs to the thread that opened it. Importing this module loads DuckDB, some
45 MB, so it is imported only by a bot that records.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path

import duckdb

from bot import __version__
from bot.errors import RecorderError, shown
from bot.record.history import read_history
from bot.incidents import History
from bot.record.archive import Closed, fingerprint, span, within
from bot.record.rows import Row
from bot.record.schema import DAILY, FILLED, VERSION, create_tables

log = logging.getLogger(__name__)

# append_rows() holds the interpreter while it converts; a feed waits for one chunk at most.
CHUNK_ROWS = 250
READERS_TURNS, READERS_TURN_S = 40, 0.05  # longest wait for those that read, at the end

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 2,
    "checkpoint_threshold": "16MB",
    "max_temp_directory_size": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
SIDE_FILES = (".wal", ".wal.checkpoint", ".wal.recovery")
HEADERS_SIZE = 3 * 4_096
BLOCK_SIZE = 262_144
DAMAGE = re.compile(
    r"not a valid DuckDB database|[Cc]orrupt|Could not read enough bytes|while replaying WAL"
    r"|[Dd]eserialize"
)
# These come from the machine, whatever else the message says.
SURROUNDINGS = re.compile(
    r"No space left|quota exceeded|File too large|[Oo]ut of [Mm]emory|Permission denied"
    r"|Read-only file system|Input/output error|Too many open files|newer version"
)
DISK_FULL = re.compile(r"No space left|quota exceeded|File too large")
# Errors about a value; all others are about the file or the machine.
VALUE_ERRORS = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.NotSupportedError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
)


class Database:
    """An open file that holds the tables of bot.record.schema.

    batch: number of the last transaction of rows in it, which tells after a fault whether one in
    doubt was committed.
    """

    def __init__(self, path: Path, instance: str, archive: Path) -> None:
        """archive: the only folder, beside its own files, that DuckDB may touch.

        Raises: RecorderError. A damaged file has been moved aside and a new one begun.
        """
        self._con, self.batch = _opened(path, instance, archive)
        self._lock = threading.Condition()  # guards the two below
        self._lender: duckdb.DuckDBPyConnection | None = self._con.cursor()
        self._lent: set[duckdb.DuckDBPyConnection] = set()

    @contextmanager
    def lent(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection to the same file, for reading. Thread: any, one at a time.

        Raises: RecorderError when the file is closed; what goes on with it then is interrupted.
        """
        with self._lock:
            if self._lender is None:
                raise RecorderError("the database is closed")
            cursor = self._lender.cursor()
            self._lent.add(cursor)
        try:
            yield cursor
        finally:
            cursor.close()
            with self._lock:
                self._lent.discard(cursor)
                self._lock.notify_all()

    def drop(self, closed: Closed) -> bool:
        """Drop the rows of a day that is in a file now, and note that, in one transaction.

        Returns: False, with nothing done, when rows of that day have come since.
        Raises: RecorderError, as `write`.
        """
        try:
            self._con.begin()
            if closed.table in DAILY:
                if fingerprint(self._con, f"{closed.table} WHERE {within(closed.table)}",
                               span(closed.day)) != closed.hot:
                    self._con.rollback()
                    return False
                self._con.execute(f"DELETE FROM {closed.table} WHERE {within(closed.table)}",
                                  span(closed.day))
            self._con.execute("DELETE FROM days WHERE table_name = ? AND day = ?",
                              [closed.table, closed.day])
            self._con.execute("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?)", [
                closed.day, closed.table, closed.rows, closed.checksum, closed.file,
                datetime.now(UTC).replace(tzinfo=None)])
            self._con.commit()
            return True
        except duckdb.Error as error:
            raise RecorderError(in_words(error)) from error

    def write(self, rows: Sequence[tuple[str, Row]]) -> str | None:
        """Store (table, row) pairs in one transaction.

        Returns: None when all are stored; when a value among them cannot be stored and so none
        is, which value. Raises: RecorderError; the database is then of no further use and the
        transaction may or may not have been committed.
        """
        try:
            self._con.begin()
            try:
                for table in FILLED:
                    self._append(table, [row for name, row in rows if name == table])
                self._con.execute("UPDATE progress SET batch = ?", [self.batch + 1])
            except VALUE_ERRORS as error:
                self._con.rollback()
                return shown(str(error))
            self._con.commit()
        except duckdb.Error as error:
            raise RecorderError(in_words(error)) from error
        self.batch += 1
        return None

    def forget(self, oldest: date) -> bool:
        """Drop the rows and the entries of days before `oldest`, but those of bars.

        Returns: True. Raises: RecorderError, as `write`.
        """
        try:
            self._con.begin()
            for table, column in DAILY.items():
                self._con.execute(f"DELETE FROM {table} WHERE {column} < ?", [oldest])
            self._con.execute("DELETE FROM days WHERE day < ? AND table_name <> 'bars'", [oldest])
            self._con.commit()
            return True
        except duckdb.Error as error:
            raise RecorderError(in_words(error)) from error

    def look_back(self, tell: Callable[[History], None]) -> None:
        """Tell what was before this opening; when it cannot be read that is said in the log."""
        try:
            history = read_history(self._con, datetime.now(UTC).replace(tzinfo=None))
        except duckdb.Error as error:
            log.warning("📊 [DUCKDB] What was before this start cannot be read: %s",
                        in_words(error))
        else:
            tell(history)

    def close(self) -> None:
        """Move the log into the file if the disk allows; what is committed stays either way."""
        with self._lock:
            lender, self._lender = self._lender, None
            # a cursor in use cannot be closed; between two statements an interrupt has no effect
            for _ in range(READERS_TURNS):
                for cursor in self._lent:
                    cursor.interrupt()
                if not self._lent:
                    break
                self._lock.wait(READERS_TURN_S)
        for con in (lender, self._con):
            try:
                if con is not None:
                    con.close()
            except duckdb.Error as error:
                log.warning("📊 [DUCKDB] Not closed properly: %s", in_words(error))

    def _append(self, table: str, rows: Sequence[Row]) -> None:
        if rows:
            with self._con.appender(table) as appender:
                for start in range(0, len(rows), CHUNK_ROWS):
                    appender.append_rows(rows[start:start + CHUNK_ROWS])


def in_words(error: duckdb.Error) -> str:
    """One line that stays the same while the cause does."""
    text = str(error)
    if DISK_FULL.search(text):
        return "disk full: no room left for the database"
    if "Could not set lock" in text:
        holder = re.search(r"\(PID \d+\)", text)
        return f"held by another process {holder[0] if holder else ''}".rstrip()
    if "newer version of DuckDB" in text:
        return "the file was written by a newer version of DuckDB"
    return text.partition("\n")[0]


def set_aside(path: Path) -> Path:
    """Rename the file and its log to a free name that says so, the log first.

    Returns: the new name. Raises: OSError.
    """
    moved = next(name for name in _aside_names(path) if not _existing(name))
    for source, target in reversed(list(zip(_family(path), _family(moved)))):
        if source.exists():
            source.rename(target)
    return moved


def _aside_names(path: Path) -> Iterator[Path]:
    stamped = f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    yield path.with_name(stamped)
    yield from (path.with_name(f"{stamped}-{number}") for number in count(2))


def _family(path: Path) -> list[Path]:
    """The database file and the files DuckDB keeps beside it."""
    return [path, *(path.with_name(path.name + suffix) for suffix in SIDE_FILES)]


def _existing(path: Path) -> list[Path]:
    return [name for name in _family(path) if name.exists()]


def _opened(path: Path, instance: str, archive: Path) -> tuple[duckdb.DuckDBPyConnection, int]:
    """Raises: RecorderError, also for whatever the file system has to say."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        # A device or pipe may block for ever, and must never be moved.
        if existed and not path.is_file():
            raise RecorderError(f"{path} is not a regular file")
        try:
            return _prepared(path, instance, archive)
        except duckdb.Error as error:
            _make_way(path, error, existed)
            return _prepared(path, instance, archive)
    except OSError as error:
        raise RecorderError(f"{error.strerror}: {error.filename}") from error
    except duckdb.Error as error:
        raise RecorderError(in_words(error)) from error


def _make_way(path: Path, error: duckdb.Error, existed: bool) -> None:
    """Clear the name for a new file if what is there is no database; else raise `error` again."""
    text = str(error)
    if not existed and DISK_FULL.search(text):
        path.unlink(missing_ok=True)  # half-made by us, it would pass for a damaged one
    if "Could not set lock" in text or SURROUNDINGS.search(text):
        raise error
    if not DAMAGE.search(text) and _has_our_mark(path):
        raise error
    if path.stat().st_size == 0 and _existing(path) == [path]:
        path.unlink()  # DuckDB refuses an empty file; there is nothing in it to keep
        return
    moved = set_aside(path)
    log.warning("📊 [DUCKDB] %s is damaged (%s); it is kept as %s and a new file was begun",
                path, in_words(error), moved.name)


def _has_our_mark(path: Path) -> bool:
    """Whether the file says it is DuckDB's. Only for a file that is not open: closing any handle
    of it makes the kernel drop this process's lock."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _prepared(path: Path, instance: str, archive: Path) -> tuple[duckdb.DuckDBPyConnection, int]:
    """A connection that stays within its memory, its folder and this machine; and `rows`."""
    con = duckdb.connect(str(path), config=SETTINGS | {"temp_directory": f"{path}.tmp"})
    try:
        con.execute("SET allowed_directories = ?", [[str(archive.resolve())]])
        # Refused among the settings, beside a temp_directory.
        con.execute("SET enable_external_access=false")
        con.execute("SET lock_configuration=true")
        create_tables(con)
        _check_length(con, path)
        con.execute("INSERT INTO openings VALUES (?, ?, ?, ?)",
                    [datetime.now(UTC).replace(tzinfo=None), instance, VERSION, __version__])
        ((batch,),) = con.execute("SELECT batch FROM progress").fetchall()
        return con, int(batch)
    except (duckdb.Error, RecorderError):
        con.close()
        raise


def _check_length(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """DuckDB opens a file whose end is missing, and fails only when it reads there.

    Judged by the blocks that rows are in: after a kill, spare ones may be missing at the end.
    """
    parts = " UNION ALL ".join(f"FROM pragma_storage_info('{table}')" for table in FILLED)
    ((block,),) = con.execute(f"SELECT max(block_id) FROM ({parts}) WHERE persistent").fetchall()
    if block is not None and path.stat().st_size < HEADERS_SIZE + (block + 1) * BLOCK_SIZE:
        raise duckdb.Error(f"Corrupt: the file ends before its block {block}")
