"""Keeps updates, served prices and events in DuckDB, on a thread of its own.

Nothing a disk can do reaches those who record: a full queue refuses new rows and counts them, for
what was accepted must not be lost; incidents it always takes. A batch that could not be written is
kept and tried again, and each of its rows ends up in the file once. On a disk that runs low nothing
is stored until there is room again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.backoff import Backoff
from bot.errors import RecorderError
from bot.incidents.incident import History, Incident
from bot.logs.facts import facts
from bot.model import RecordStatus
from bot.record.keeper import Keeper
from bot.record.telling import Teller
from bot.record.vitals import Room, Vitals
from bot.wording import counted

if TYPE_CHECKING:  # at run time only `_connect` loads DuckDB, which takes 45 MB
    from duckdb import DuckDBPyConnection

    from bot.record.database import Database

log = logging.getLogger(__name__)

TICK_S = 0.25
RETRY_S = 0.5
RETRY_CAP_S = 30.0
# A disk that fails again within this time has not recovered: the pauses go on growing.
CALM_S = 60.0
NOT_OPEN = "not open yet"
GONE = "the file was removed or replaced while it was open"


class Recorder(Keeper):
    """Writes what it is given about every `commit_interval_s`, or sooner when much is waiting.

    What it accepts before `stop()` is written before the thread ends, unless the disk then refuses
    it twice.

    active: the database is open and the last write went well. state: the same in words.
    """

    def __init__(
        self,
        path: Path,
        instance: str,
        *,
        capacity: int = 50_000,
        commit_interval_s: float = 1.0,
        retry_cap_s: float = RETRY_CAP_S,
        archive: Path | None = None,
        on_history: Callable[[History], None] | None = None,
        on_loss: Callable[[Incident], None] | None = None,
        room: Room = Room(),
        poll_interval_ms: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """archive: folder of the Parquet files; None: `archive` beside the file.
        on_history: told once, on the recorder's thread, what the file holds of earlier runs.
        on_loss: told there what was committed and is not in the file; by default it is recorded.
        poll_interval_ms: as in the table `openings`. past: of it, what was told. commit_times: s
        that commits took.
        """
        super().__init__(capacity)
        self.active = False
        self.state = NOT_OPEN
        self.past = Teller(instance, on_history, on_loss or self.record_incident)
        self.archive = (archive or path.parent / "archive").absolute()
        self.path = path
        self._instance = instance
        self._interval_s = commit_interval_s
        self._poll_interval_ms = poll_interval_ms
        self._clock = clock
        # One client of one disk gains nothing from jitter.
        self._backoff = Backoff(RETRY_S, retry_cap_s, uniform=lambda _, ceiling: ceiling)
        self._failed_at = float("-inf")
        self._next_at = 0.0
        self._tried = threading.Event()
        self._good_at = clock()
        self._low_logged = False
        self._vitals = Vitals(path, room, clock)
        self.commit_times = self._vitals.times
        self._tasks: deque[Callable[[Database], None]] = deque()
        self._database: Database | None = None

    def ask(self, task: Callable[["Database"], None]) -> None:
        """Have something done once on the recorder's thread, when the database can be written.

        What the task raises is only told to the task's own code; the recorder goes on.
        """
        self._tasks.append(task)

    @property
    def condition(self) -> tuple[bool, bool, str]:
        """Whether it is active, whether its disk runs low, and `state`, also while its thread
        hangs. Thread: any."""
        active, state = self._vitals.judge(self.active, self.state)
        return active, self._vitals.is_short, state

    def status(self) -> RecordStatus:
        """How it is at this moment, also while its thread hangs. Thread: any; takes a moment."""
        vitals, active, state = self._vitals, *self._vitals.judge(self.active, self.state)
        last, p99, longest = vitals.commits_ms()
        window_s = self._interval_s + min(TICK_S, self._interval_s) + (longest or 0.0) / 1000
        if self.pending:
            window_s = max(window_s, self._clock() - self._good_at)
        return RecordStatus(
            active=active, state=state, waiting=self.pending,
            capacity=self._capacity, written=self.written, dropped=self.dropped,
            rejected=self.rejected, losses=self.past.losses,
            last_commit_at=vitals.last_commit_at, commit_last_ms=last, commit_p99_ms=p99,
            commit_max_ms=longest, file_bytes=vitals.file_bytes,
            wal_bytes=vitals.wal_bytes, free_bytes=vitals.free_bytes, is_low=vitals.is_short,
            lost_window_ms=round(window_s * 1000))

    @property
    def has_room(self) -> bool:
        """Whether there is room on the disk to store more."""
        return not self._vitals.is_low

    @contextmanager
    def reading(self) -> Iterator["DuckDBPyConnection"]:
        """A connection for reading, of the thread that asks. Raises: RecorderError with why not."""
        database = self._database
        if database is None:
            raise RecorderError(self.state)
        with database.lent() as cursor:
            yield cursor

    def wait_open(self, timeout: float) -> bool:
        """Wait for the end of the first attempt to open. Returns: `active`."""
        self._tried.wait(timeout)
        return self.active

    def open(self) -> None:
        self._work()

    def step(self) -> None:
        if self.stopping.wait(min(TICK_S, self._interval_s)):
            return
        now = self._clock()
        if now >= self._next_at or (self.active and self._pile.is_large):
            self._work()
        self._tell_of_refusals()

    def stop(self) -> None:
        self._pile.closed = True
        super().stop()

    def close(self) -> None:
        for _ in range(2):
            if not self.pending or self._work(at_any_rate=True):
                break
        self._disconnect()
        if self.pending:
            log.error("📊 [DUCKDB] %d accepted rows were not written: %s", self.pending, self.state,
                      extra=facts("rows_unwritten", reason=self.state, count=self.pending))
        if self.dropped or self.rejected:
            log.warning("📊 [DUCKDB] %d rows were refused by the queue, %d by the database",
                        self.dropped, self.rejected,
                        extra=facts("rows_refused", count=self.dropped + self.rejected))
        self.active = False
        self.state = "stopped"

    def _work(self, at_any_rate: bool = False) -> bool:
        """Open if need be and write what is there. at_any_rate: on a disk that is low, too.

        Returns: whether that went well.
        """
        self._vitals.begin()
        try:
            if self._database is not None and self._vitals.is_gone:
                raise RecorderError(GONE)
            database = self._database or self._connect()
            self._vitals.look()
            storing = at_any_rate or not self._vitals.is_low
            if storing:
                self._pile.write_to(database)
            database.enter_opening()
            self._do_tasks(database)
        except RecorderError as error:
            self._fell_out(str(error))
        else:
            if storing:
                self._succeeded()
            else:
                self._held_back()
        self._vitals.end()
        self._tried.set()
        return self.active

    def _do_tasks(self, database: "Database") -> None:
        while self._tasks:
            try:
                self._tasks.popleft()(database)
            except RecorderError:
                if not database.usable:
                    raise

    def _connect(self) -> "Database":
        try:
            from bot.record.database import Database
        except ImportError as error:
            raise RecorderError(f"DuckDB cannot be loaded: {error}") from error
        self._database = database = Database(
            self.path, self._instance, self.archive, self._vitals.committed,
            self._poll_interval_ms)
        self._vitals.opened()
        self._pile.resume(database)
        self.past.look(database.before)
        return database

    def _succeeded(self) -> None:
        self._good_at = now = self._clock()
        self._next_at = now + self._interval_s
        if now - self._failed_at > CALM_S:
            self._backoff.reset()
        if not self.active and self.state != NOT_OPEN:
            log.info("📊 [DUCKDB] Recording again; %d rows were refused so far", self.dropped,
                     extra=facts("recording"))
        self.active = True
        self.state = "recording"
        if self._vitals.is_short and not self._low_logged:
            log.warning("📊 [DUCKDB] %s", self._vitals.short_words, extra=facts("disk_low"))
        self._low_logged = self._vitals.is_short

    def _held_back(self) -> None:
        self._not_recording(self._vitals.low_words)
        self._next_at = self._clock() + self._interval_s

    def _fell_out(self, state: str) -> None:
        self._disconnect()
        self._not_recording(state)
        self._failed_at = self._clock()
        self._next_at = self._failed_at + self._backoff.next_s()

    def _not_recording(self, state: str) -> None:
        if self.state != state:
            log.warning("📊 [DUCKDB] Not recording, %s waiting: %s",
                        counted(self.pending, "row"), state,
                        extra=facts("not_recording", reason=state))
        self.active = False
        self.state = state

    def _disconnect(self) -> None:
        """Whatever failed, a fresh connection is the one cure that always works (DuckDB gives up
        its whole instance after some faults), and it replays what was committed."""
        database, self._database = self._database, None
        if database is not None:
            database.close()
