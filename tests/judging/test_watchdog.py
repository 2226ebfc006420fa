"""The thread that judges: on every wake-up and tick, with summaries on their own period (D026)."""

import math
import threading

import pytest

from bot.judging import watchdog as watchdog_module
from bot.judging.watchdog import Watchdog
from tests.helpers import Clock, eventually


class Calls:
    """Counts judgements; notes when the summaries came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.judged = 0
        self.summaries: list[float] = []

    def judge(self) -> float:
        self.judged += 1
        return math.inf

    def summarise(self) -> None:
        self.summaries.append(self._clock.now)


def turned(seconds: float, by: float, summary_s: float = 10.0) -> Calls:
    """Step a watchdog through `seconds` in turns of `by`, on a clock that starts at 0."""
    clock = Clock(0.0)
    calls = Calls(clock)
    watchdog = Watchdog(calls.judge, calls.summarise, summary_s, clock)
    watchdog.open()
    for turn in range(1, round(seconds / by) + 1):
        clock.now = turn * by
        watchdog.wake()  # so that the step does not wait for its tick
        watchdog.step()
    return calls


def test_judges_in_every_turn_and_summarises_once_in_a_period() -> None:
    calls = turned(60.0, by=0.1)
    assert calls.judged == 600
    assert calls.summaries == pytest.approx([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], abs=0.11)


def test_period_does_not_drift_when_turns_do_not_divide_it() -> None:
    calls = turned(3000.0, by=0.7)
    assert len(calls.summaries) == 300
    assert calls.summaries[-1] == pytest.approx(3000.0, abs=0.71)


def test_no_summary_before_the_first_period_is_over() -> None:
    """K12: the timer begins with the thread, not with the constructor."""
    clock = Clock(0.0)
    calls = Calls(clock)
    watchdog = Watchdog(calls.judge, calls.summarise, 10.0, clock)
    clock.now = 1000.0
    watchdog.open()
    watchdog.wake()
    watchdog.step()
    assert calls.summaries == [] and calls.judged == 1


def test_stall_is_not_made_up_for_by_a_burst_of_summaries() -> None:
    clock = Clock(0.0)
    calls = Calls(clock)
    watchdog = Watchdog(calls.judge, calls.summarise, 10.0, clock)
    watchdog.open()
    for now in (1000.0, 1000.1, 1000.2, 1000.3, 1000.4):
        clock.now = now
        watchdog.wake()
        watchdog.step()
    assert calls.summaries == [1000.0]


def test_wake_up_is_judged_without_waiting_for_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless tick: only a wake-up can lead to a judgement."""
    monkeypatch.setattr(watchdog_module, "TICK_S", math.inf)
    judged = threading.Semaphore(0)

    def judge() -> float:
        judged.release()
        return 3600.0

    watchdog = Watchdog(judge, lambda: None, 3600.0)
    watchdog.start()
    try:
        for _ in range(20):
            watchdog.wake()
            assert judged.acquire(timeout=5)
    finally:
        watchdog.stop()
        assert watchdog.join(5)


def test_a_time_that_is_up_is_judged_without_waiting_for_the_tick(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog_module, "TICK_S", math.inf)
    calls = Calls(Clock())
    watchdog = Watchdog(lambda: min(calls.judge(), 0.0), calls.summarise, 3600.0)
    watchdog.start()
    try:
        eventually(lambda: calls.judged >= 5)
    finally:
        watchdog.stop()
        assert watchdog.join(5)


def test_judges_by_itself_when_nobody_wakes_it() -> None:
    """What passes without an event, such as silence, is seen by the tick."""
    clock = Clock()
    calls = Calls(clock)
    watchdog = Watchdog(calls.judge, calls.summarise, 10.0, clock)
    watchdog.start()
    try:
        eventually(lambda: calls.judged >= 3)
    finally:
        watchdog.stop()
        assert watchdog.join(5)
    assert watchdog.failure is None and calls.summaries == []
