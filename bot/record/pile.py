"""Rows on their way into the file: accepted on any thread, written on one, each once."""

import logging
import threading
from collections import deque
from itertools import count
from typing import TYPE_CHECKING

from bot.errors import shown
from bot.logs.facts import facts
from bot.record.rows import Item, Row, as_row

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from bot.record.database import Database

log = logging.getLogger(__name__)

BATCH_ROWS = 2_000
SPARE_ROWS = 1_000  # beyond the capacity, for what is seldom and must not be missing

Part = list[tuple[str, Row]]


class Pile:
    """Bounded: a full pile refuses new rows and counts them, for what was accepted is not lost.

    `put` is for any thread, the rest for the one that writes.

    written, dropped, rejected: rows stored, refused because it was full or closed, and refused by
    the database for a value in them.
    """

    def __init__(self, capacity: int) -> None:
        self.written = self.dropped = self.rejected = 0
        self.closed = False
        self._capacity = capacity
        self._drop_lock = threading.Lock()  # guards dropped
        self._numbers = count(1)  # of everything offered: what is refused leaves a hole
        self._queue: deque[tuple[int, Item]] = deque()
        self._in_hand = 0
        self._parts: list[Part] = []  # taken from the queue, not yet written; one transaction each
        self._batch_if_written = -1
        self._base: int | None = None  # the highest seq of earlier runs
        self._last = 0  # the highest number taken

    @property
    def pending(self) -> int:
        """Rows accepted and not yet written."""
        return len(self._queue) + self._in_hand

    @property
    def is_large(self) -> bool:
        """Whether a whole batch waits."""
        return len(self._queue) >= BATCH_ROWS

    def put(self, item: Item, spare: bool = False) -> None:
        """spare: it may have a place beyond the capacity, and as long as there are any."""
        # Neither the bound nor the order of two threads that put at once is exact, on purpose: a
        # lock here would let one producer hold up another.
        number = next(self._numbers)
        room = self._capacity + SPARE_ROWS if spare else self._capacity
        if self.pending < room and (spare or not self.closed):
            self._queue.append((number, item))
            return
        with self._drop_lock:
            self.dropped += 1

    def write_to(self, database: "Database") -> None:
        """Write what is there. Raises: RecorderError; what is not written is kept."""
        # What arrives meanwhile waits for the next turn: a step must end.
        for _ in range(max(1, -(-self.pending // BATCH_ROWS))):
            self._take()
            self._write(database)

    def resume(self, database: "Database") -> None:
        """With the database opened: go on counting from its rows, and see after a fault whether the
        last batch is in it."""
        if self._base is None:
            self._base = database.seq
        if database.batch == self._batch_if_written:
            self._done(self._parts[0])  # the commit in doubt had succeeded
        self._batch_if_written = -1

    def _take(self) -> None:
        if self._parts:
            return
        part: Part = []
        base = self._base or 0
        for _ in range(min(len(self._queue), BATCH_ROWS)):
            number, item = self._queue.popleft()
            self._in_hand += 1
            self._last = max(self._last, number)
            try:
                table, row = as_row(item)
                part.append((table, (*row, base + number)))
            except (TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
                self._reject(repr(error), item)
        self._parts = [part] if part else []

    def _write(self, database: "Database") -> None:
        """Write the parts in hand, halving those that hold a row the database does not take."""
        while self._parts:
            part = self._parts[0]
            self._batch_if_written = database.batch + 1
            fault = database.write(part, (self._base or 0) + self._last)
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
                        fault, shown(row), extra=facts("row_rejected", reason=fault))
