"""Moves closed days out of the DuckDB file, and forgets what is too old."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from bot.errors import RecorderError
from bot.logs.facts import facts
from bot.record.mark import Loss
from bot.record.recorder import Recorder
from bot.record.rounds import Rounds, utc_now
from bot.record.settling import SETTLE_S

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from duckdb import DuckDBPyConnection

    from bot.record.archive import Closed
    from bot.record.custody import Custody, Gone
    from bot.record.strays import Stray

log = logging.getLogger(__name__)

KEPT_INCIDENTS = timedelta(days=400)  # as far back as they can be asked for


class Archivist(Rounds):
    """archived: days of tables moved so far."""

    def __init__(
        self, recorder: Recorder, retention_days: int,
        now: Callable[[], datetime] = utc_now, mono: Callable[[], float] = time.monotonic,
        settle_s: float = SETTLE_S,
    ) -> None:
        """retention_days: how many closed days are kept. settle_s: see Settling."""
        super().__init__(recorder, now, mono, settle_s)
        self._retention = timedelta(days=retention_days)
        self._useless: set[str] = set()  # files that nobody needed at the last look
        self._elsewhere: set[str] = set()  # strays whose rows are elsewhere
        self._odd: set[str] = set()  # strays of which nothing can be said
        self._custody: Custody | None = None
        self._told: set[date] = set()  # days with rows deleted without having been archived
        self.archived = 0

    def round(self) -> bool:
        self._own()
        # on a disk that is low nothing is written, but what is too old makes room
        return (not self._recorder.has_room or self._claim() and self.archive_due()
                ) and self._forget()

    def _own(self) -> None:
        """Raises: RecorderError where the folder is another's, duckdb.Error, OSError."""
        from bot.record.custody import Custody
        from bot.record.owner import own
        with self._recorder.reading() as con:
            known = con.execute("SELECT file FROM days ORDER BY day").fetchall()
            own(self._folder, self._recorder.path, [file for (file,) in known])
            self._custody = self._custody or Custody(self._folder)
            self._part_with(con, self._custody.look(con))

    def _part_with(self, con: "DuckDBPyConnection", gone: "Sequence[Gone]") -> None:
        """Have files that are gone or damaged told, and not looked for any more."""
        from bot.record.custody import losses
        files = [one.file for one in gone]
        if not files or self._asked(lambda database: database.disown(files)) is None:
            return
        for one in gone:
            log.warning("🗄️ [DUCKDB] %s %s", self._folder / one.file, one.why,
                        extra=facts("archive_odd", reason=one.why))
        for loss in losses(con, self._folder, gone):
            self._recorder.past.lost(loss)

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
        return bool(self._asked(lambda database: (
            database.drop(closed) if with_rows else database.adopt(closed))))

    def archive_due(self) -> bool:
        """Returns: whether everything that is due is in the archive now. A day that cannot be moved
        keeps no other one back.

        Raises: RecorderError, duckdb.Error, OSError, of the first such day.
        """
        from bot.record.archive import CLOSED_AFTER
        today = (self._now() - CLOSED_AFTER).date()
        fault: Exception | None = None
        doubted: list[date] = []
        with self._recorder.reading() as con:
            made = {day for (day,) in con.execute(
                "SELECT day FROM days WHERE table_name = 'bars'").fetchall()}
            for day, tables in self._due(con, today, made):
                faults = self._move(con, day, tables, day in made)
                if faults is None:
                    return False
                if faults:
                    fault = fault or faults[0]
                    doubted.append(day)
            ((last,),) = con.execute("SELECT max(day) FROM days").fetchall()
            self.last_day = last
        if fault is not None:
            self._forget()
            self._doubt(doubted)
            raise fault
        return True

    def _due(
        self, con: "DuckDBPyConnection", today: date, made: Collection[date]
    ) -> list[tuple[date, list[str]]]:
        """Days with the tables that have rows to be moved; without any, bars are missing."""
        from bot.record.archive import barless, due
        tables: dict[date, list[str]] = {day: [] for day in barless(con, self._oldest, today)}
        for table, day, _ in due(con, today):
            tables.setdefault(day, []).append(table)
        # where the rows are gone, bars made of what came since would be false
        return [(day, tables[day]) for day in sorted(tables)
                if day >= self._oldest or day not in made]

    def _move(
        self, con: "DuckDBPyConnection", day: date, tables: Sequence[str], made: bool
    ) -> list[Exception] | None:
        """Have a day's rows in the archive, and bars of them. made: there are bars of it already.

        Returns: what went wrong; None when it is to be tried again. Rows go where bars cannot be
        made, which are made later; but not where there are bars, that would lack them.
        """
        import duckdb
        bars = ["bars"] * (not tables or "updates" in tables or "served" in tables)
        faults: list[Exception] = []
        for table in (*bars, *tables):  # bars while the rows that they are made of are here
            try:
                closed = self._exported(con, table, day)
                if self.stopping.is_set() or not self._drop(closed):
                    return None
            except (RecorderError, duckdb.Error, OSError) as error:
                faults.append(error)
                if table == "bars" and made:
                    break
        return faults

    def _exported(self, con: "DuckDBPyConnection", table: str, day: date) -> "Closed":
        from bot.record.archive import export, export_bars
        self._doing(f"writing {table} of {day}")
        return (export_bars(con, self._folder, day, self._now()) if table == "bars"
                else export(con, self._folder, table, day))

    def _drop(self, closed: "Closed") -> bool:
        """Have the recorder drop the rows. Returns: whether it did."""
        if not self._asked(lambda database: database.drop(closed)):
            return False
        self.archived += 1
        log.info("🗄️ [DUCKDB] %s of %s: %d rows are in %s", closed.table, closed.day, closed.rows,
                 self._folder / closed.file, extra=facts("archived", count=closed.rows))
        return True

    def _doubt(self, days: Sequence[date]) -> None:
        """Read the files that their work rests on to their end; one may be damaged within."""
        if self._custody is not None:
            near = {day + timedelta(days=step) for day in days for step in (-1, 0, 1)}
            with self._recorder.reading() as con:
                self._doing(f"reading what is there of {min(near)} to {max(near)}")
                self._part_with(con, self._custody.look(con, near))

    def _forget(self) -> bool:
        """Delete what is older than the retention, but bars, and files whose rows are elsewhere.

        Returns: whether it did. Raises: duckdb.Error, RecorderError, OSError. A file is deleted by
        the look after the one that found it of no use, so that nobody is still reading it.
        """
        from bot.record.strays import strays
        oldest = self._oldest
        with self._recorder.reading() as con:
            useless = {stray.file for stray in strays(con, self._folder)
                       if stray.file in self._elsewhere or self._is_too_old(stray)}
            self._tell_of_unarchived(con, oldest)
        for file in useless & self._useless:
            path = self._folder / file
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()
        self._useless = useless
        closed_before = min(self._now() - KEPT_INCIDENTS, self._now() - self._retention)
        return bool(self._asked(lambda database: database.forget(oldest, closed_before)))

    def _tell_of_unarchived(self, con: "DuckDBPyConnection", oldest: date) -> None:
        """Before it: what is told first is recorded first, for both are done by one thread."""
        from bot.record.archive import due
        from bot.record.custody import midnight
        found: dict[date, list[str]] = {}
        for table, day, rows in due(con, oldest):
            found.setdefault(day, []).append(f"{rows:,} of {table}")
        for day, tables in found.items():
            if day not in self._told:
                self._told.add(day)
                self._recorder.past.lost(Loss(
                    f"rows of {day} are older than RETENTION_DAYS allows and were deleted without "
                    f"having been archived: {', '.join(tables)}"
                    f"{f'; {self._fault}' if self._fault else ', which came too late'}",
                    midnight(day), midnight(day + timedelta(days=1))))

    @property
    def _oldest(self) -> date:
        return (self._now() - self._retention).date()

    def _is_too_old(self, stray: "Stray") -> bool:
        return stray.table != "bars" and stray.day < self._oldest
