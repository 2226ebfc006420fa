"""Has something asked of the record, interrupts it when it is time, and walks away if it hangs.

DuckDB's settings are locked, its own limit of time among them, so whoever asks looks at the clock
and at the client. An interrupt has no effect on a read that never returns, as from a mount whose
server is gone; then the thread that reads is left behind, and no more than a few of those may be.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bot.errors import RecorderError
from bot.record.recorder import Recorder
from bot.worker import Deadline, Detached

if TYPE_CHECKING:  # at run time it is loaded by the recorder, if there is one
    from duckdb import DuckDBPyConnection

LOOK_EVERY_S = 0.05
PATIENCE_S = 1.0  # so long after an interrupt the end is waited for

T = TypeVar("T")


class TookTooLong(RecorderError):
    """The time for an answer is over."""


class NobodyWaits(RecorderError):
    """Whoever asked has left."""


class Errands:
    """Every method may be called on any thread. most_left: how many may be left behind."""

    def __init__(self, recorder: Recorder, most_left: int) -> None:
        self._recorder = recorder
        self._most_left = most_left
        self._lock = threading.Lock()  # guards _left
        self._left: list[tuple[Detached[Any], float]] = []  # and when they began, monotonic s

    def run(self, work: "Callable[[DuckDBPyConnection], T]", limit_s: float,
            gone: Callable[[], bool], too_long: str) -> T:
        """What `work` returns, which is done on a thread of its own. gone: whether nobody waits for
        it any more. too_long: what to say when `limit_s` are over.

        Raises: TookTooLong, NobodyWaits; RecorderError, as `work` or for what DuckDB says.
        """
        self._refuse_beside_too_many()
        errand = _Errand(self._recorder, work)
        call, began = Detached("question", errand.run), time.monotonic()
        deadline = Deadline(limit_s)
        reason: RecorderError | None = None
        while not call.wait(min(LOOK_EVERY_S, deadline.left_s or LOOK_EVERY_S)):
            if reason is None:
                reason = self._reason(gone, deadline, too_long)
                patience = Deadline(PATIENCE_S)
            if reason is not None:
                errand.interrupt()  # again and again: between two statements it has no effect
                if patience.passed:
                    self._leave(call, began, limit_s)
        return self._result(call, reason)

    def _reason(
        self, gone: Callable[[], bool], deadline: Deadline, too_long: str
    ) -> RecorderError | None:
        if gone():
            return NobodyWaits("who asked has left")
        if deadline.passed:
            return TookTooLong(too_long)
        if self._recorder.stopping.is_set():
            return RecorderError("the database was closed meanwhile: the bot stops")
        return None

    def _result(self, call: Detached[T], reason: RecorderError | None) -> T:
        import duckdb  # here the recorder has loaded it
        try:
            return call.result()
        except duckdb.InterruptException as error:
            raise reason or RecorderError("the database was closed meanwhile: "
                                          f"{self._recorder.state}") from error
        except duckdb.Error as error:
            raise reason or RecorderError(_words(error)) from error

    def _leave(self, call: Detached[Any], began: float, limit_s: float) -> None:
        with self._lock:
            self._left.append((call, began))
        raise TookTooLong(f"no answer within {limit_s:g} s, and no end: {self._suspects}")

    def _refuse_beside_too_many(self) -> None:
        with self._lock:
            self._left = left = [one for one in self._left if not one[0].ended]
        if len(left) >= self._most_left:
            since_s = time.monotonic() - left[-1][1]
            raise RecorderError(f"nothing more is asked: {len(left)} before this have had no "
                                f"answer for {since_s:.0f} s; {self._suspects}")

    @property
    def _suspects(self) -> str:
        return f"{self._recorder.archive}, or the disk of {self._recorder.path}, does not answer"


class _Errand(Generic[T]):
    """work: done with a connection that others may interrupt."""

    def __init__(self, recorder: Recorder, work: "Callable[[DuckDBPyConnection], T]") -> None:
        self._recorder, self._work = recorder, work
        self._con: DuckDBPyConnection | None = None

    def run(self) -> T:
        with self._recorder.reading() as con:
            self._con = con
            return self._work(con)

    def interrupt(self) -> None:
        import duckdb
        if self._con is not None:
            with suppress(duckdb.Error):  # it may have ended just now
                self._con.interrupt()


def _words(error: Exception) -> str:
    import duckdb

    from bot.record.opening import in_words
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the answer takes more memory than there is for it; ask about less"
    return in_words(error) if isinstance(error, duckdb.Error) else str(error)
