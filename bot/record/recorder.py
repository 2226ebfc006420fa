"""Keeps updates, served prices and events in DuckDB, on a thread of its own.

Nothing a disk can do reaches those who record: a full queue refuses new rows and counts them, for
what was accepted must not be lost. A batch that could not be written is kept and tried again, and
each of its rows ends up in the file once.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.backoff import Backoff
from bot.errors import RecorderError
from bot.incidents import History, Incident
from bot.model import FeedHealth, MarketDataUpdate, Quote
from bot.record.pile import Pile
from bot.record.rows import Happened, Sample, Served
from bot.worker import Worker

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


class Recorder(Worker):
    """Writes what it is given about every `commit_interval_s`, or sooner when much is waiting.

    The `record_` methods may be called from any thread, cost about a microsecond and never wait or
    raise. What they accept before `stop()` is written before the thread ends, unless the disk then
    refuses it twice.

    active: the database is open and the last write went well. state: the same in words.
    written, dropped, rejected: rows stored, refused by the full or stopped queue, and refused by
    the database for a value in them.
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """archive: folder of the Parquet files; None: `archive` beside the file.
        on_history: told once, on the recorder's thread, what the file holds of earlier runs."""
        super().__init__("recorder")
        self.active = False
        self.state = NOT_OPEN
        self.archive = (archive or path.parent / "archive").absolute()
        self._path = path
        self._instance = instance
        self._capacity = capacity
        self._interval_s = commit_interval_s
        self._on_history = on_history
        self._clock = clock
        # One client of one disk gains nothing from jitter.
        self._backoff = Backoff(RETRY_S, retry_cap_s, uniform=lambda _, ceiling: ceiling)
        self._failed_at = float("-inf")
        self._next_at = 0.0
        self._tried = threading.Event()
        self._full_logged = False
        self._pile = Pile(capacity)
        self._tasks: deque[Callable[[Database], None]] = deque()
        self._database: Database | None = None

    @property
    def pending(self) -> int:
        """Rows accepted and not yet written."""
        return self._pile.pending

    @property
    def written(self) -> int:
        return self._pile.written

    @property
    def dropped(self) -> int:
        return self._pile.dropped

    @property
    def rejected(self) -> int:
        return self._pile.rejected

    def record_update(self, update: MarketDataUpdate) -> None:
        self._pile.put(update)

    def record_served(self, quote: Quote, at_ms: int) -> None:
        """at_ms: moment of the answer, epoch ms."""
        self._pile.put(Served(quote, at_ms))

    def record_event(
        self,
        kind: str,
        *,
        source: str | None,
        symbol: str | None,
        reason: str,
        at_ms: int,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """detail: further fields, stored as JSON; what JSON has no form for is stored as text."""
        copied = None if detail is None else dict(detail)
        self._pile.put(Happened(kind, source, symbol, reason, at_ms, copied))

    def record_sample(self, health: FeedHealth, active: bool, at_ms: int) -> None:
        """The state of a source at a health check. at_ms: epoch ms."""
        self._pile.put(Sample(health, active, at_ms))

    def record_incident(self, incident: Incident) -> None:
        self._pile.put(incident)

    def ask(self, task: Callable[["Database"], None]) -> None:
        """Have something done on the recorder's thread, when the database can be written.

        A task that raises RecorderError is tried again on the database that is opened then.
        """
        self._tasks.append(task)

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
        if self.dropped and not self._full_logged:
            self._full_logged = True
            log.warning("📊 [DUCKDB] The queue of %d rows is full: new rows are refused and counted",
                        self._capacity)

    def stop(self) -> None:
        self._pile.closed = True
        super().stop()

    def close(self) -> None:
        for _ in range(2):
            if not self.pending or self._work():
                break
        self._disconnect()
        if self.pending:
            log.error("📊 [DUCKDB] %d accepted rows were not written: %s", self.pending, self.state)
        if self.dropped or self.rejected:
            log.warning("📊 [DUCKDB] %d rows were refused by the queue, %d by the database",
                        self.dropped, self.rejected)
        self.active = False
        self.state = "stopped"

    def _work(self) -> bool:
        """Open if need be and write what is there. Returns: whether that went well."""
        try:
            database = self._database or self._connect()
            self._pile.write_to(database)
            self._do_tasks(database)
        except RecorderError as error:
            self._fell_out(str(error))
        else:
            self._succeeded()
        self._tried.set()
        return self.active

    def _do_tasks(self, database: "Database") -> None:
        while self._tasks:
            self._tasks[0](database)
            self._tasks.popleft()

    def _connect(self) -> "Database":
        try:
            from bot.record.database import Database
        except ImportError as error:
            raise RecorderError(f"DuckDB cannot be loaded: {error}") from error
        self._database = database = Database(self._path, self._instance, self.archive)
        self._pile.resume(database)
        on_history, self._on_history = self._on_history, None
        if on_history is not None:
            database.look_back(on_history)
        return database

    def _succeeded(self) -> None:
        now = self._clock()
        self._next_at = now + self._interval_s
        if now - self._failed_at > CALM_S:
            self._backoff.reset()
        if not self.active and self.state != NOT_OPEN:
            log.info("📊 [DUCKDB] Recording again; %d rows were refused so far", self.dropped)
        self.active = True
        self.state = "recording"

    def _fell_out(self, state: str) -> None:
        self._disconnect()
        if self.state != state:
            log.warning("📊 [DUCKDB] Not recording, %d rows waiting: %s", self.pending, state)
        self.active = False
        self.state = state
        self._failed_at = self._clock()
        self._next_at = self._failed_at + self._backoff.next_s()

    def _disconnect(self) -> None:
        """Whatever failed, a fresh connection is the one cure that always works (DuckDB gives up
        its whole instance after some faults), and it replays what was committed."""
        database, self._database = self._database, None
        if database is not None:
            database.close()
