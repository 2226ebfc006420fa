"""Ctrl-C while DuckDB works."""

import operator
import os
import signal
import threading
from _thread import interrupt_main
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import cast

import duckdb
import pytest

from bot.verbs.breaking import _Break, breakable
from bot.worker import Worker
from tests.helpers import eventually

CALL: Callable[[Callable[[], object]], object] = operator.call
ENDLESS = "SELECT count(*) FROM range(100_000_000_000) a, range(1_000_000) b"


class Connection:
    """As far as it is needed: one that knows whether it is closed."""

    def __init__(self) -> None:
        self.interrupts = 0
        self.closed_while: list[str] = []

    def interrupt(self) -> None:
        self.interrupts += 1

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            yield cast(duckdb.DuckDBPyConnection, self)
        finally:
            self.closed_while = breaking()


def breaking() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "break"]


def interrupted_by_itself() -> None:
    """As DuckDB is that was interrupted: it raises before Python's handler could run. Nothing of
    this is bytecode, between which Python would call the handler.
    """
    steps: list[Callable[[], object]] = [interrupt_main, partial(operator.truediv, 1, 0)]
    deque(map(CALL, steps))


def test_nobody_interrupts_a_connection_that_is_being_closed() -> None:
    connection = Connection()
    with pytest.raises(KeyboardInterrupt):
        with connection.opened() as con, breakable(con):
            interrupted_by_itself()
    assert connection.closed_while == [] and breaking() == []


def test_what_does_not_look_for_signals_is_interrupted_until_it_ends() -> None:
    connection = Connection()
    with connection.opened() as con:
        before = signal.getsignal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), breakable(con):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                os.kill(os.getpid(), signal.SIGINT)
                assert connection.interrupts == 0 and breaking() == ["break"]
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        assert signal.getsignal(signal.SIGINT) is before
    assert breaking() == []


def test_a_question_without_end_is_ended() -> None:
    with duckdb.connect() as con:
        sent = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises((KeyboardInterrupt, duckdb.InterruptException, RuntimeError)):
            with breakable(con):
                sent.start()
                con.execute(ENDLESS).fetchall()
        assert breaking() == []
        assert con.execute("SELECT 1").fetchall() == [(1,)]
    sent.join()


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    """As in the background of a script."""
    connection = Connection()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with connection.opened() as con, breakable(con):
            os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert connection.interrupts == 0 and breaking() == []


def test_without_ctrl_c_everything_is_as_it_was() -> None:
    connection, before = Connection(), signal.getsignal(signal.SIGINT)
    with connection.opened() as con, breakable(con):
        eventually(breaking)
    assert signal.getsignal(signal.SIGINT) is before and signal.set_wakeup_fd(-1) == -1
    assert connection.interrupts == 0 and connection.closed_while == []


def test_a_second_ctrl_c_while_the_first_is_heeded_changes_nothing(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    def join(thread: Worker, timeout: float) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return Worker.join(thread, timeout)

    monkeypatch.setattr(_Break, "join", join)
    connection = Connection()
    with pytest.raises(KeyboardInterrupt):
        with connection.opened() as con, breakable(con):
            os.kill(os.getpid(), signal.SIGINT)
    assert connection.closed_while == [] and breaking() == []
