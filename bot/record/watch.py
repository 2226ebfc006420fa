"""Interrupts what a connection does when it is time.

DuckDB's settings are locked, its own limit of time among them; so a thread beside each statement
looks at the clock and at the client.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.errors import RecorderError
from bot.worker import Deadline, Worker

if TYPE_CHECKING:  # at run time it is loaded by the recorder, if there is one
    from duckdb import DuckDBPyConnection

LOOK_EVERY_S = 0.05
END_S = 5.0


class TookTooLong(RecorderError):
    """The time for an answer is over."""


class NobodyWaits(RecorderError):
    """Whoever asked has left."""


class Watch(Worker):
    """reason: why it interrupted, if it did. too_long: what to say when the time is over."""

    def __init__(
        self, con: "DuckDBPyConnection", deadline: Deadline, gone: Callable[[], bool],
        too_long: str,
    ) -> None:
        super().__init__("question")
        self.reason: RecorderError | None = None
        self._con, self._deadline, self._gone = con, deadline, gone
        self._too_long = too_long

    def step(self) -> None:
        if self.stopping.wait(min(LOOK_EVERY_S, self._deadline.left_s)):
            return
        if self._gone():
            self.reason = NobodyWaits("who asked has left")
        elif self._deadline.passed:
            self.reason = TookTooLong(self._too_long)
        if self.reason is not None:
            self._con.interrupt()  # again and again: between two statements it has no effect
            self.stopping.wait(LOOK_EVERY_S)


@contextmanager
def watched(
    con: "DuckDBPyConnection", deadline: Deadline, gone: Callable[[], bool], too_long: str
) -> Iterator[Watch]:
    """While this lasts, `con` is interrupted once the deadline is over or whoever asked is gone."""
    watch = Watch(con, deadline, gone, too_long)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()
        watch.join(END_S)
