"""Moves closed days out of the DuckDB file, and forgets what is too old, on a thread of its own."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import msgspec

from bot.errors import RecorderError
from bot.folding import Fold
from bot.logs.facts import facts
from bot.model import ArchiveStatus, RecordStatus
from bot.record.mark import Loss
from bot.record.recorder import Recorder
from bot.worker import Worker

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from bot.record.archive import Closed
    from bot.record.database import Database
    from bot.record.strays import Stray

log = logging.getLogger(__name__)

LOOK_EVERY_S = 300.0
RETRY_S = 60.0
SLICE_S = 0.25
# A clock that leaps by more than the first was set; it must have stayed so for the second.
JUMP_S, SETTLE_S = 3600.0, 3600.0


def utc_now() -> datetime:
    """Naive, as the columns of the tables are."""
    return datetime.now(UTC).replace(tzinfo=None)


class Archivist(Worker):
    """archived: days of tables moved so far. looks: times that all went well. last_day: the newest
    day that was moved, ever. state: what it last could not do; empty if nothing.
    """

    def __init__(
        self, recorder: Recorder, retention_days: int,
        now: Callable[[], datetime] = utc_now, mono: Callable[[], float] = time.monotonic,
        settle_s: float = SETTLE_S,
    ) -> None:
        """retention_days: how many closed days are kept. settle_s: for so long nothing is done
        after the clock was set, for a false one would have everything deleted as too old.
        """
        super().__init__("archivist")
        self._recorder = recorder
        self._folder = recorder.archive
        self._retention = timedelta(days=retention_days)
        self._now, self._mono = now, mono
        self._next_at = 0.0
        self._fold = Fold(self._tell)
        self._useless: set[str] = set()  # files that nobody needed at the last look
        self._elsewhere: set[str] = set()  # strays whose rows are elsewhere
        self._odd: set[str] = set()  # strays of which nothing can be said
        self._settle_s = settle_s
        self._ahead_s: float | None = None  # of the wall clock before the monotonic one
        self._settled_at = float("-inf")
        self.archived = self.looks = 0
        self.last_day: date | None = None
        self.state = ""

    def record(self) -> RecordStatus:
        """How the recorder is, and this. Thread: any."""
        last = self.last_day
        archive = ArchiveStatus(None if last is None else last.isoformat(), self.state)
        return msgspec.structs.replace(self._recorder.status(), archive=archive)

    def step(self) -> None:
        if self.stopping.wait(SLICE_S) or self._mono() < self._next_at:
            return
        if not self._recorder.active and self._recorder.has_room:
            return
        if not self._clock_is_settled():
            return
        import duckdb
        try:
            self._own()
            # on a disk that is low nothing is written, but what is too old makes room
            done = (not self._recorder.has_room or self._claim() and self.archive_due()
                    ) and self._forget()
            self.looks += 1
            self.state = ""
        except (RecorderError, duckdb.Error, OSError) as error:
            done = False
            self._complain(str(error).partition("\n")[0])
        self._next_at = self._mono() + (LOOK_EVERY_S if done else RETRY_S)

    def _clock_is_settled(self) -> bool:
        ahead_s = self._now().replace(tzinfo=UTC).timestamp() - self._mono()
        jumped = self._ahead_s is not None and abs(ahead_s - self._ahead_s) > JUMP_S
        self._ahead_s = ahead_s
        if jumped:
            self._settled_at = self._mono() + self._settle_s
            log.warning("🗄️ [DUCKDB] The clock was set: nothing is archived or deleted for %.0f s",
                        self._settle_s, extra=facts("archive_paused",
                                                    duration_ms=self._settle_s * 1000))
        return self._mono() >= self._settled_at

    def _own(self) -> None:
        """Raises: RecorderError where the folder is another's, duckdb.Error, OSError.

        What is gone from it is told as lost, and not looked for any more.
        """
        from bot.record.owner import own
        with self._recorder.reading() as con:
            known = con.execute("SELECT file, day FROM days ORDER BY day").fetchall()
        own(self._folder, self._recorder.path, [file for file, _ in known])
        gone = [(file, day) for file, day in known if not (self._folder / file).exists()]
        if gone and self._asked(lambda database: database.disown([file for file, _ in gone])):
            first, last = (datetime.combine(day, datetime.min.time(), UTC)
                           for _, day in (gone[0], gone[-1]))
            self._recorder.tell_loss(Loss(
                f"{len(gone)} files of the archive are gone, the first is "
                f"{self._folder / gone[0][0]}",
                first.timestamp(), (last + timedelta(days=1)).timestamp()))

    def _claim(self) -> bool:
        """See to it that no file is without its entry that has rows which nobody else has.

        Returns: False when this thread is to stop. Raises: as `archive_due`.
        """
        import duckdb
        from bot.record.strays import claimed, strays
        for draft in self._folder.glob("*/day=*/*.tmp"):  # by a bot that was killed meanwhile
            draft.unlink()
        with self._recorder.reading() as con:
            for stray in strays(con, self._folder):
                if stray.file in self._elsewhere | self._odd or self._is_too_old(stray):
                    continue
                try:
                    claim = claimed(con, self._folder, stray)
                except duckdb.Error as error:
                    self._odd.add(stray.file)
                    log.warning("🗄️ [DUCKDB] %s cannot be used, and is left alone: %s",
                                self._folder / stray.file, str(error).partition("\n")[0],
                                extra=facts("archive_odd", reason=str(error)))
                    continue
                if claim is None:
                    self._elsewhere.add(stray.file)
                    continue
                log.warning("🗄️ [DUCKDB] %s was not known of; its rows are of the record again",
                            self._folder / stray.file, extra=facts("archive_found"))
                if not self._note(*claim):
                    return False
        return True

    def _note(self, closed: "Closed", with_rows: bool) -> bool:
        return self._asked(lambda database: (
            database.drop(closed) if with_rows else database.adopt(closed)))

    def archive_due(self) -> bool:
        """Returns: whether everything that is due is in the archive now. A day that cannot be moved
        keeps no other one back.

        Raises: RecorderError, duckdb.Error, OSError, of the first such day.
        """
        import duckdb

        from bot.record.archive import CLOSED_AFTER, due, export, export_bars
        now = self._now()
        today = (now - CLOSED_AFTER).date()
        fault: Exception | None = None
        with self._recorder.reading() as con:
            days = due(con, today)
            made = {day for (day,) in con.execute(
                "SELECT day FROM days WHERE table_name = 'bars'").fetchall()}
            for day in sorted({day for _, day in days}):
                if day < self._oldest and day in made:
                    continue  # its rows are gone, and bars made of what came since would be false
                tables = [table for table, its in days if its == day]
                if "updates" in tables or "served" in tables:
                    tables.insert(0, "bars")  # while the rows that they are made of are here
                try:
                    for table in tables:
                        closed = (export_bars(con, self._folder, day, now) if table == "bars"
                                  else export(con, self._folder, table, day))
                        if self.stopping.is_set() or not self._drop(closed):
                            return False
                except (RecorderError, duckdb.Error, OSError) as error:
                    fault = fault or error
            ((last,),) = con.execute("SELECT max(day) FROM days").fetchall()
            self.last_day = last
        if fault is not None:
            self._forget()
            raise fault
        return True

    def _drop(self, closed: "Closed") -> bool:
        """Have the recorder drop the rows. Returns: whether it did."""
        if not self._asked(lambda database: database.drop(closed)):
            return False
        self.archived += 1
        log.info("🗄️ [DUCKDB] %s of %s: %d rows are in %s", closed.table, closed.day, closed.rows,
                 self._folder / closed.file, extra=facts("archived", count=closed.rows))
        return True

    def _forget(self) -> bool:
        """Delete what is older than the retention, but bars, and files whose rows are elsewhere.

        Returns: whether it did. Raises: duckdb.Error, RecorderError, OSError. A file is deleted by
        the look after the one that found it of no use, so that nobody is still reading it.
        """
        from bot.record.strays import strays
        with self._recorder.reading() as con:
            useless = {stray.file for stray in strays(con, self._folder)
                       if stray.file in self._elsewhere or self._is_too_old(stray)}
        for file in useless & self._useless:
            path = self._folder / file
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        self._useless = useless
        return self._asked(lambda database: database.forget(self._oldest))

    @property
    def _oldest(self) -> date:
        return (self._now() - self._retention).date()

    def _is_too_old(self, stray: "Stray") -> bool:
        return stray.table != "bars" and stray.day < self._oldest

    def _asked(self, task: Callable[["Database"], bool]) -> bool:
        """Have the recorder's thread do something, and wait for it. Returns: what that returned;
        False when this thread is to stop. Raises: RecorderError, as the task.
        """
        answer: SimpleQueue[bool | RecorderError] = SimpleQueue()

        def do(database: "Database") -> None:
            try:
                answer.put(task(database))
            except RecorderError as error:
                answer.put(error)
                raise

        self._recorder.ask(do)
        while not self.stopping.is_set():
            try:
                found = answer.get(timeout=SLICE_S)
            except Empty:
                continue
            if isinstance(found, RecorderError):
                raise found
            return found
        return False

    def _complain(self, words: str) -> None:
        """What is not tried again is mended: nobody has to be reminded of it."""
        self.state = words
        self._fold.tell(words, words, self._mono())

    def _tell(self, words: str, count: int) -> None:
        log.warning("🗄️ [DUCKDB] Closed days stay in the file: %s%s", words,
                    f" ({count} times since the last line)" if count > 1 else "",
                    extra=facts("not_archived", reason=words, count=count))
