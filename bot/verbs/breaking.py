"""Ctrl-C while DuckDB works.

The client looks for signals only now and then, and Python's own handler waits until it is back. So
a thread is woken by the signal itself, and interrupts the connection until it gives up.

Once Python's handler is called the thread has nothing more to do, and must be gone: what the
handler raises comes up between any two steps, also at the door of a `with` that would end the
thread, and whoever opened the connection then closes it. So the handler itself ends the thread,
before it raises.
"""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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


class _Watch:
    """Over a connection, from its construction to `end`. Thread: the main one."""

    def __init__(self, con: DuckDBPyConnection) -> None:
        self._ending = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._thread = _Break(con, self._woken)
        self._waker_before = -1
        # first, so that whatever follows is undone if a Ctrl-C comes now
        self._handler_before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._struck)
        self._waker_before = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._thread.start()

    def end(self) -> None:
        """May be called again. A Ctrl-C that comes meanwhile asks for what is being done."""
        if self._ending:
            return
        self._ending = True
        signal.set_wakeup_fd(self._waker_before)
        self._thread.stop()
        self._thread.join(END_S)
        os.close(self._woken)
        os.close(self._waker)
        signal.signal(signal.SIGINT, self._handler_before)

    def _struck(self, number: int, frame: FrameType | None) -> None:
        if self._ending:
            return
        self.end()
        if callable(self._handler_before):
            self._handler_before(number, frame)


@contextmanager
def breakable(con: DuckDBPyConnection) -> Iterator[None]:
    """Within this SIGINT ends what `con` does, in an InterruptException, a RuntimeError or a
    KeyboardInterrupt; nobody interrupts it any more once it is left. Where SIGINT is ignored (in
    the background of a script) it stays so. Thread: the main one.
    """
    if not callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    watch = _Watch(con)
    try:
        yield
    finally:
        watch.end()
