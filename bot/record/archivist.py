"""Moves closed days out of the DuckDB file, and forgets what is too old, on a thread of its own."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from bot.errors import RecorderError
from bot.folding import Fold
from bot.record.recorder import Recorder
from bot.worker import Worker

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from bot.record.archive import Closed
    from bot.record.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 300.0
RETRY_S = 60.0
SLICE_S = 0.25


def utc_now() -> datetime:
    """Naive, as the columns of the tables are."""
    return datetime.now(UTC).replace(tzinfo=None)


class Archivist(Worker):
    """archived: days of tables moved so far. looks: times that all went well. state: what it last
    could not do; empty if nothing.
    """

    def __init__(
        self, recorder: Recorder, retention_days: int,
        now: Callable[[], datetime] = utc_now, mono: Callable[[], float] = time.monotonic,
    ) -> None:
        """retention_days: how many closed days are kept."""
        super().__init__("archivist")
        self._recorder = recorder
        self._folder = recorder.archive
        self._retention = timedelta(days=retention_days)
        self._now, self._mono = now, mono
        self._next_at = 0.0
        self._fold = Fold()
        self._unknown: set[Path] = set()  # files that were of no day at the last look
        self.archived = self.looks = 0
        self.state = ""

    def step(self) -> None:
        if self.stopping.wait(SLICE_S) or self._mono() < self._next_at or not self._recorder.active:
            return
        import duckdb
        try:
            done = self.archive_due() and self._forget()
            self.looks += 1
            self.state = ""
        except (RecorderError, duckdb.Error, OSError) as error:
            done = False
            self._complain(str(error).partition("\n")[0])
        self._next_at = self._mono() + (LOOK_EVERY_S if done else RETRY_S)

    def archive_due(self) -> bool:
        """Returns: whether everything that is due is in the archive now.

        Raises: RecorderError, duckdb.Error, OSError.
        """
        from bot.record.archive import CLOSED_AFTER, due, export, export_bars
        now = self._now()
        today = (now - CLOSED_AFTER).date()
        with self._recorder.reading() as con:
            days = due(con, today)
            for day in sorted({day for _, day in days}):
                if self.stopping.is_set():
                    return False
                tables = [table for table, its in days if its == day]
                if "updates" in tables or "served" in tables:
                    tables.insert(0, "bars")  # while the rows that they are made of are here
                for table in tables:
                    closed = (export_bars(con, self._folder, day, now) if table == "bars"
                              else export(con, self._folder, table, day))
                    if not self._drop(closed):
                        return False
        return True

    def _drop(self, closed: "Closed") -> bool:
        """Have the recorder drop the rows. Returns: whether it did."""
        if not self._asked(lambda database: database.drop(closed)):
            return False
        self.archived += 1
        log.info("🗄️ [DUCKDB] %s of %s: %d rows are in %s", closed.table, closed.day, closed.rows,
                 self._folder / closed.file)
        return True

    def _forget(self) -> bool:
        """Delete what is older than the retention, but bars, and files that others took the place
        of. Returns: whether it did. Raises: duckdb.Error, OSError.

        A file is deleted by the look after the one that took it out of the table of days, so that
        nobody is still reading it.
        """
        oldest: date = (self._now() - self._retention).date()
        with self._recorder.reading() as con:
            known = {file for (file,) in con.execute("SELECT file FROM days").fetchall()}
        unknown = {file for file in self._folder.glob("*/day=*/*.parquet")
                   if str(file.relative_to(self._folder)) not in known}
        for file in unknown & self._unknown:
            file.unlink()
        for folder in {file.parent for file in unknown}:
            if not any(folder.iterdir()):
                folder.rmdir()
        self._unknown = unknown
        return self._asked(lambda database: database.forget(oldest))

    def _asked(self, task: Callable[["Database"], bool]) -> bool:
        """Have the recorder's thread do something, and wait for it. Returns: what that returned;
        False when this thread is to stop.
        """
        answer: SimpleQueue[bool] = SimpleQueue()
        self._recorder.ask(lambda database: answer.put(task(database)))
        while not self.stopping.is_set():
            try:
                return answer.get(timeout=SLICE_S)
            except Empty:
                continue
        return False

    def _complain(self, words: str) -> None:
        self.state = words
        if count := self._fold.count(words, self._mono()):
            log.warning("🗄️ [DUCKDB] Closed days stay in the file: %s%s", words,
                        f" ({count} times since the last line)" if count > 1 else "")
