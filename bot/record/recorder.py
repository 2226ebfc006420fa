"""Keeps updates, served prices and events in DuckDB, on a thread of its own.

Nothing a disk can do reaches those who record: a full queue refuses new rows and counts them, for
what was accepted must not be lost. A batch that could not be written is kept and tried again, and
each of its rows ends up in the file once.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bot.backoff import Backoff
from bot.errors import RecorderError, shown
from bot.incidents import History, Incident
from bot.model import FeedHealth, MarketDataUpdate, Quote
from bot.record.rows import Happened, Item, Row, Sample, Served, as_row
from bot.worker import Worker

if TYPE_CHECKING:  # at run time only `_connect` loads DuckDB, which takes 45 MB
    from bot.record.database import Database

log = logging.getLogger(__name__)

BATCH_ROWS = 2_000
TICK_S = 0.25
RETRY_S = 0.5
RETRY_CAP_S = 30.0
# A disk that fails again within this time has not recovered: the pauses go on growing.
CALM_S = 60.0
NOT_OPEN = "not open yet"

Part = list[tuple[str, Row]]


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
        on_history: Callable[[History], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """on_history: told once, on the recorder's thread, what the file holds of earlier runs."""
        super().__init__("recorder")
        self.active = False
        self.state = NOT_OPEN
        self.written = self.dropped = self.rejected = 0
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
        self._drop_lock = threading.Lock()  # guards dropped
        self._queue: deque[Item] = deque()
        self._in_hand = 0
        self._parts: list[Part] = []  # taken from the queue, not yet written; one transaction each
        self._batch_if_written = -1
        self._database: Database | None = None

    @property
    def pending(self) -> int:
        """Rows accepted and not yet written."""
        return len(self._queue) + self._in_hand

    def record_update(self, update: MarketDataUpdate) -> None:
        self._put(update)

    def record_served(self, quote: Quote, at_ms: int) -> None:
        """at_ms: moment of the answer, epoch ms."""
        self._put(Served(quote, at_ms))

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
        self._put(Happened(kind, source, symbol, reason, at_ms, copied))

    def record_sample(self, health: FeedHealth, active: bool, at_ms: int) -> None:
        """The state of a source at a health check. at_ms: epoch ms."""
        self._put(Sample(health, active, at_ms))

    def record_incident(self, incident: Incident) -> None:
        self._put(incident)

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
        if now >= self._next_at or (self.active and len(self._queue) >= BATCH_ROWS):
            self._work()
        if self.dropped and not self._full_logged:
            self._full_logged = True
            log.warning("📊 [DUCKDB] The queue of %d rows is full: new rows are refused and counted",
                        self._capacity)

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

    def _put(self, item: Item) -> None:
        # The bound is not exact, on purpose: a lock here would let one producer hold up another.
        if len(self._queue) + self._in_hand < self._capacity and not self.stopping.is_set():
            self._queue.append(item)
            return
        with self._drop_lock:
            self.dropped += 1

    def _work(self) -> bool:
        """Open if need be and write what is there. Returns: whether that went well."""
        try:
            database = self._database or self._connect()
            # What arrives meanwhile waits for the next turn: a step must end.
            for _ in range(self.pending // BATCH_ROWS + 2):
                self._take()
                self._write(database)
        except RecorderError as error:
            self._fell_out(str(error))
        else:
            self._succeeded()
        self._tried.set()
        return self.active

    def _connect(self) -> "Database":
        try:
            from bot.record.database import Database
        except ImportError as error:
            raise RecorderError(f"DuckDB cannot be loaded: {error}") from error
        self._database = database = Database(self._path, self._instance)
        if database.batch == self._batch_if_written:
            self._done(self._parts[0])  # the commit in doubt had succeeded
        self._batch_if_written = -1
        on_history, self._on_history = self._on_history, None
        if on_history is not None:
            database.look_back(on_history)
        return database

    def _take(self) -> None:
        if self._parts:
            return
        self._in_hand = min(len(self._queue), BATCH_ROWS)
        part: Part = []
        for _ in range(self._in_hand):
            item = self._queue.popleft()
            try:
                part.append(as_row(item))
            except (TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
                self._reject(repr(error), item)
        self._parts = [part] if part else []

    def _write(self, database: "Database") -> None:
        """Write the parts in hand, halving those that hold a row the database does not take."""
        while self._parts:
            part = self._parts[0]
            self._batch_if_written = database.batch + 1
            fault = database.write(part)
            self._batch_if_written = -1
            if fault is None:
                self._done(part)
            elif len(part) > 1:
                middle = len(part) // 2
                self._parts[:1] = [part[:middle], part[middle:]]
            else:
                del self._parts[0]
                self._reject(fault, part[0])

    def _done(self, part: Part) -> None:
        del self._parts[0]
        self._in_hand -= len(part)
        self.written += len(part)

    def _reject(self, fault: str, row: object) -> None:
        self._in_hand -= 1
        self.rejected += 1
        if self.rejected == 1:
            log.warning("📊 [DUCKDB] A row cannot be stored (%s): %s; more are only counted",
                        fault, shown(row))

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
