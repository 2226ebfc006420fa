"""Going through the archive now and then, on a thread that can be left behind.

A folder may be mounted from somewhere else, and then any look at it may never end.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bot.errors import RecorderError
from bot.folding import Fold
from bot.logs.facts import facts
from bot.model import ArchiveStatus, RecordStatus
from bot.record.recorder import Recorder
from bot.record.settling import SETTLE_S, Settling
from bot.worker import Detached, Worker

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from bot.record.database import Database

log = logging.getLogger(__name__)

LOOK_EVERY_S = 300.0
RETRY_S = 60.0
SLICE_S = 0.25
HUNG_S = 30.0  # one file takes less
END_S = 0.75  # so long the stop waits for what is under way

T = TypeVar("T")


def utc_now() -> datetime:
    """Naive, as the columns of the tables are."""
    return datetime.now(UTC).replace(tzinfo=None)


class Rounds(Worker):
    """looks: rounds that all went well. last_day: the newest day that was moved, ever."""

    def __init__(
        self, recorder: Recorder, now: Callable[[], datetime] = utc_now,
        mono: Callable[[], float] = time.monotonic, settle_s: float = SETTLE_S,
    ) -> None:
        super().__init__("archivist")
        self._recorder = recorder
        self._folder = recorder.archive
        self._now, self._mono = now, mono
        self._next_at = 0.0
        self._fold = Fold(self._tell)
        self._settling = Settling(now, mono, settle_s)
        self._fault = ""
        self._at: tuple[str, float] | None = None  # what is under way, and since when
        self.looks = 0
        self.last_day: date | None = None

    def round(self) -> bool:
        """Do all that is to be done. Returns: whether it is. Raises: RecorderError, duckdb.Error,
        OSError. Thread: one of its own, which may hang."""
        raise NotImplementedError

    def record(self) -> RecordStatus:
        """How the recorder is, and this. Thread: any."""
        last = self.last_day
        archive = ArchiveStatus(None if last is None else last.isoformat(), self.state)
        return msgspec.structs.replace(self._recorder.status(), archive=archive)

    @property
    def state(self) -> str:
        """What cannot be done, or could not last; empty if nothing. Thread: any."""
        at = self._at
        if at is not None and (hung_s := self._mono() - at[1]) > HUNG_S:
            return f"{self._folder} has not answered for {hung_s:.0f} s ({at[0]})"
        return self._settling.state or self._fault

    def step(self) -> None:
        if self.stopping.wait(SLICE_S) or self._mono() < self._next_at:
            return
        if not self._recorder.active and self._recorder.has_room:
            return
        if not self._settling.look(self._recorder.past.alive_at):
            return
        under_way, told = Detached("archive", self._round), False
        while not under_way.wait(SLICE_S):
            if self.stopping.is_set():
                under_way.wait(END_S - SLICE_S)
                return
            if not told and self.state != self._fault:
                told = True
                log.warning("🗄️ [DUCKDB] %s; nothing is archived meanwhile", self.state,
                            extra=facts("not_archived", reason=self.state))
        self._next_at = self._mono() + (LOOK_EVERY_S if under_way.result() else RETRY_S)

    def _round(self) -> bool:
        import duckdb
        try:
            self._doing(f"looking through {self._folder.name}")
            done = self.round()
            self._fault = ""
            self.looks += 1
            return done
        except (RecorderError, duckdb.Error, OSError) as error:
            self._complain(str(error).partition("\n")[0])
            return False
        finally:
            self._at = None

    def _doing(self, what: str) -> None:
        """Something begins that may hang."""
        self._at = what, self._mono()

    def _asked(self, task: Callable[["Database"], T]) -> T | None:
        """Have the recorder's thread do something, and wait for it. Returns: what that returned;
        None when this is to stop. Raises: RecorderError, as the task.
        """
        answer: SimpleQueue[T | RecorderError] = SimpleQueue()

        def do(database: "Database") -> None:
            try:
                answer.put(task(database))
            except RecorderError as error:
                answer.put(error)
                raise

        under_way, self._at = self._at, None  # the recorder tells of itself
        self._recorder.ask(do)
        while not self.stopping.is_set():
            try:
                found = answer.get(timeout=SLICE_S)
            except Empty:
                continue
            if isinstance(found, RecorderError):
                raise found
            if under_way is not None:
                self._doing(under_way[0])
            return found
        return None

    def _complain(self, words: str) -> None:
        """What is not tried again is mended: nobody has to be reminded of it."""
        self._fault = words
        self._fold.tell(words, words, self._mono())

    def _tell(self, words: str, count: int) -> None:
        log.warning("🗄️ [DUCKDB] Closed days stay in the file: %s%s", words,
                    f" ({count} times since the last line)" if count > 1 else "",
                    extra=facts("not_archived", reason=words, count=count))
