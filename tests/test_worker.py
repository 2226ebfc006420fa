"""Threads with a life, a kept failure and an end (D123)."""

import logging
import threading

import pytest

from bot.worker import Deadline, Detached, Worker, stop_all
from tests.helpers import Clock, eventually


class Recording(Worker):
    """Notes what is called and on which thread; raises where told to."""

    def __init__(self, name: str = "recording", fails_in: str = "") -> None:
        super().__init__(name)
        self.calls: list[str] = []
        self.threads: set[str] = set()
        self.fails_in = fails_in

    def note(self, call: str) -> None:
        self.threads.add(threading.current_thread().name)
        if call not in self.calls:
            self.calls.append(call)
        if call in self.fails_in.split():
            raise ValueError(f"broken {call}")

    def open(self) -> None:
        self.note("open")

    def step(self) -> None:
        self.note("step")
        self.stopping.wait(0.005)

    def close(self) -> None:
        self.note("close")


class Stuck(Worker):
    """Does not look at `stopping` until released."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.release = threading.Event()

    def step(self) -> None:
        self.release.wait(10)


def finished(worker: Worker) -> bool:
    return worker.join(5)


def test_opens_steps_and_closes_on_a_thread_of_its_own_name() -> None:
    worker = Recording("feed-x")
    worker.start()
    eventually(lambda: "step" in worker.calls and worker.alive)
    worker.stop()
    assert finished(worker) and not worker.alive
    assert worker.calls == ["open", "step", "close"]
    assert worker.threads == {"feed-x"} and worker.failure is None


def test_constructing_starts_nothing() -> None:
    before = threading.active_count()
    worker = Recording()
    assert threading.active_count() == before and not worker.alive and worker.calls == []


@pytest.mark.parametrize("fails_in, calls", [
    ("open", ["open", "close"]),
    ("step", ["open", "step", "close"]),
])
def test_what_escapes_ends_the_thread_is_kept_and_logged(
    fails_in: str, calls: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    worker = Recording("feed-x", fails_in)
    with caplog.at_level(logging.ERROR):
        worker.start()
        assert finished(worker)
    assert str(worker.failure) == f"broken {fails_in}"
    assert worker.calls == calls, "what was opened is closed all the same"
    assert "thread feed-x ended by an internal fault" in caplog.text


def test_failure_in_close_is_kept_too() -> None:
    worker = Recording(fails_in="close")
    worker.start()
    worker.stop()
    assert finished(worker)
    assert str(worker.failure) == "broken close"


def test_first_failure_is_the_one_that_is_kept() -> None:
    worker = Recording(fails_in="step close")
    worker.start()
    assert finished(worker)
    assert str(worker.failure) == "broken step"


def test_stop_before_start_means_no_step_at_all() -> None:
    worker = Recording()
    worker.stop()
    worker.start()
    assert finished(worker)
    assert worker.calls == ["open", "close"]


def test_joining_a_worker_that_never_began_is_no_fault() -> None:
    worker = Recording()
    worker.stop()
    worker.stop()
    assert worker.join(0.0)


def test_stop_all_signals_everybody_before_it_waits_and_names_the_stuck() -> None:
    stuck, good = Stuck("feed-stuck"), Recording("feed-good")
    for worker in (stuck, good):
        worker.start()
    try:
        assert stop_all([stuck, good], Deadline(0.2)) == ["feed-stuck"]
        assert not good.alive, "the stuck one before it did not keep it from its signal"
    finally:
        stuck.release.set()
    assert stop_all([stuck, good], Deadline(5)) == []


def test_stop_all_takes_any_iterable_and_workers_that_never_began() -> None:
    assert stop_all((worker for worker in [Recording(), Recording()]), Deadline(0)) == []


def test_deadline_is_a_moment_and_never_less_than_now() -> None:
    clock = Clock(100.0)
    deadline = Deadline(2.0, clock)
    assert (deadline.left_s, deadline.passed) == (2.0, False)
    clock.now += 1.5
    assert (deadline.left_s, deadline.passed) == (0.5, False)
    clock.now += 0.5
    assert (deadline.left_s, deadline.passed) == (0.0, True)
    clock.now += 100
    assert (deadline.left_s, deadline.passed) == (0.0, True)


@pytest.mark.parametrize("value", [0, None, "text"])
def test_detached_call_gives_its_result_whatever_it_is(value: object) -> None:
    call = Detached("look-up", lambda: value)
    assert call.wait(5) and call.ended
    assert call.result() == value and call.failure is None


def test_detached_call_raises_what_it_raised_in_the_owner() -> None:
    def fail() -> None:
        raise OSError("no such host")

    call = Detached("look-up", fail)
    assert call.wait(5)
    with pytest.raises(OSError, match="no such host"):
        call.result()
    assert isinstance(call.failure, OSError)


def test_owner_of_a_detached_call_may_walk_away() -> None:
    release, names = threading.Event(), list[str]()

    def hang() -> None:
        names.append(threading.current_thread().name)
        release.wait(10)

    call = Detached("look-up", hang)
    try:
        assert not call.wait(0.02)
    finally:
        release.set()
    assert call.wait(5) and call.ended
    assert names == ["look-up"]
