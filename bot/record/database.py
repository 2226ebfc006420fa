"""The DuckDB file of the recorder: opening it whatever it finds, one transaction at a time.

Everything here belongs to the thread that opened it. Importing it loads DuckDB, some 45 MB.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from bot import __version__
from bot.errors import RecorderError, shown
from bot.logs.facts import facts
from bot.record.archive import Closed, fingerprint, span, within
from bot.record.before import Before
from bot.record.mark import Mark, Noted
from bot.record.opening import in_words, open_file
from bot.record.rows import Row
from bot.record.schema import DAILY, FILLED, VERSION

log = logging.getLogger(__name__)

# append_rows() holds the interpreter while it converts; a feed waits for one chunk at most.
CHUNK_ROWS = 250
# Longest wait for those that read, at the end; one that hangs may not hold up the stop.
READERS_TURNS, READERS_TURN_S = 10, 0.05

# Errors about a value; all others are about the file or the machine.
VALUE_ERRORS = (
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.NotSupportedError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
)
PAST_INCIDENTS = """
    DELETE FROM incidents WHERE opened_at < ? AND id NOT IN (
        SELECT id FROM incidents WHERE id IS NOT NULL GROUP BY id
        HAVING coalesce(max(closed_at) >= ?, true))
"""


class Database:
    """An open file that holds the tables of bot.record.schema.

    batch: number of the last transaction of rows in it, which tells after a fault whether one in
    doubt was committed. seq: the highest of any row. before: what was there at the opening.
    """

    def __init__(self, path: Path, instance: str, archive: Path,
                 committed: Callable[[float], None] = lambda seconds: None,
                 poll_interval_ms: int | None = None) -> None:
        """archive: the only folder, beside its own files and that of the snapshot, that DuckDB may
        touch. committed: told after each commit of rows how long that took. poll_interval_ms: as
        in the table `openings`.

        Raises: RecorderError. A damaged file has been moved aside and a new one begun.
        """
        self._mark = Mark(path)
        try:
            opened = open_file(path, archive)
        except RecorderError:
            self._mark.close()
            raise
        self._con, self.batch, self._since_ms = opened.con, opened.batch, opened.since_ms
        self.before = Before(opened, self._mark)
        # no place is given a second time, though the row that had it is lost
        self.seq = max(opened.seq, self._mark.last.seq if self._mark.last else 0)
        self._opening: tuple[object, ...] | None = (
            datetime.now(UTC).replace(tzinfo=None), instance, VERSION, __version__,
            poll_interval_ms)
        self._committed = committed
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
        with self._transaction():
            if closed.table in DAILY:
                if fingerprint(self._con, f"{closed.table} WHERE {within(closed.table)}",
                               span(closed.day)) != closed.hot:
                    return False
                self._con.execute(f"DELETE FROM {closed.table} WHERE {within(closed.table)}",
                                  span(closed.day))
            self._con.execute("DELETE FROM days WHERE table_name = ? AND day = ?",
                              [closed.table, closed.day])
            self._enter(closed)
        if closed.table == "updates":
            end = datetime.combine(closed.day, datetime.min.time(), UTC) + timedelta(days=1)
            self._since_ms = max(self._since_ms, round(end.timestamp() * 1000))
        return True

    def adopt(self, closed: Closed) -> bool:
        """Note a file of the archive that nothing is known of, whose rows are nowhere else.

        Returns: True. Raises: RecorderError, as `write`.
        """
        with self._transaction():
            self._enter(closed)
        return True

    def disown(self, files: list[str]) -> bool:
        """Forget of files that they are of the archive. Returns: True. Raises: as `write`."""
        with self._transaction():
            self._con.execute("DELETE FROM days WHERE list_contains(?, file)", [files])
        return True

    def forget(self, oldest: date, closed_before: datetime = datetime.min) -> bool:
        """Drop the rows and the entries of days before `oldest`, but those of bars; and incidents
        that were over at `closed_before`.

        Returns: True. Raises: RecorderError, as `write`.
        """
        with self._transaction():
            for table, column in DAILY.items():
                self._con.execute(f"DELETE FROM {table} WHERE {column} < ?", [oldest])
            self._con.execute("DELETE FROM days WHERE day < ? AND table_name <> 'bars'", [oldest])
            self._con.execute(PAST_INCIDENTS, [closed_before, closed_before])
        return True

    def write(self, rows: Sequence[tuple[str, Row]], seq: int) -> str | None:
        """Store (table, row) pairs in one transaction. seq: the highest there is with them.

        Returns: None when all are stored; when a value among them cannot be stored and so none
        is, which value. Raises: RecorderError; the database is then of no further use and the
        transaction may or may not have been committed.
        """
        began = time.perf_counter()
        try:
            self._con.begin()
            try:
                self._enter_opening()
                for table in FILLED:
                    self._append(table, [row for name, row in rows if name == table])
                self._con.execute("UPDATE progress SET batch = ?, seq = ?", [self.batch + 1, seq])
            except VALUE_ERRORS as error:
                self._con.rollback()
                return shown(str(error))
            self._con.commit()
        except duckdb.Error as error:
            raise RecorderError(in_words(error)) from error
        self._opening = None
        self.batch, self.seq = self.batch + 1, seq
        self._committed(time.perf_counter() - began)
        self._mark.note(Noted(self.batch, seq, int(time.time() * 1000), self._since_ms,
                              is_end=False))
        return None

    def enter_opening(self) -> None:
        """Note that the file was opened, unless the first rows have brought that along: which they
        should, for the incident of the time before is among them. Raises: RecorderError."""
        if self._opening is not None:
            with self._transaction():
                self._enter_opening()
            self._opening = None

    @property
    def usable(self) -> bool:
        """Whether it is still as it should be after something else than `write` failed."""
        try:
            ((batch,),) = self._con.execute("SELECT batch FROM progress").fetchall()
        except duckdb.Error:
            return False
        return bool(batch == self.batch)

    def close(self) -> None:
        """Move the log into the file if the disk allows; what is committed stays either way."""
        with self._lock:
            lender, self._lender = self._lender, None
            # a cursor in use cannot be closed; between two statements an interrupt has no effect
            for _ in range(READERS_TURNS):
                for cursor in self._lent:
                    with suppress(duckdb.Error):  # its reader may have closed it just now
                        cursor.interrupt()
                if not self._lent:
                    break
                self._lock.wait(READERS_TURN_S)
        for con in (lender, self._con):
            try:
                if con is not None:
                    con.close()
            except duckdb.Error as error:
                log.warning("📊 [DUCKDB] Not closed properly: %s", in_words(error),
                            extra=facts("record_close_failed", reason=str(error)))
        self._mark.end()
        self._mark.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing. Raises: RecorderError."""
        try:
            self._con.begin()
            try:
                yield
            except duckdb.Error:
                self._con.rollback()
                raise
            self._con.commit()
        except duckdb.Error as error:
            raise RecorderError(in_words(error)) from error

    def _enter_opening(self) -> None:
        if self._opening is not None:
            self._con.execute("INSERT INTO openings VALUES (?, ?, ?, ?, ?)", self._opening)

    def _enter(self, closed: Closed) -> None:
        self._con.execute("INSERT INTO days VALUES (?, ?, ?, ?, ?, ?)", [
            closed.day, closed.table, closed.rows, closed.checksum, closed.file,
            datetime.now(UTC).replace(tzinfo=None)])

    def _append(self, table: str, rows: Sequence[Row]) -> None:
        if rows:
            with self._con.appender(table) as appender:
                for start in range(0, len(rows), CHUNK_ROWS):
                    appender.append_rows(rows[start:start + CHUNK_ROWS])
