"""Ctrl-C while DuckDB works.

The client looks for signals only now and then, and Python's own handler waits until it is back. So
a thread is woken by the signal itself, and interrupts the connection until it gives up.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection

from bot.worker import Worker

LOOK_EVERY_S = 0.05
END_S = 5.0


class _Break(Worker):
    """woken: a descriptor on which the numbers of signals come."""

    def __init__(self, con: DuckDBPyConnection, woken: int) -> None:
        super().__init__("break")
        self._con, self._woken = con, woken
        self._broken = False

    def step(self) -> None:
        if select.select([self._woken], [], [], LOOK_EVERY_S)[0]:
            self._broken |= signal.SIGINT in os.read(self._woken, 64)
        if self._broken:
            self._con.interrupt()  # again and again: between two statements it has no effect
            self.stopping.wait(LOOK_EVERY_S)


@contextmanager
def breakable(con: DuckDBPyConnection) -> Iterator[None]:
    """Within this SIGINT ends what `con` does, in an InterruptException, a RuntimeError or a
    KeyboardInterrupt. Thread: the main one.
    """
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    before = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    thread = _Break(con, woken)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        thread.stop()
        thread.join(END_S)
        os.close(woken)
        os.close(waker)
