"""A clock that may be false deletes nothing, whether it was set or found so at the start."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.record.archivist import Archivist
from bot.record.settling import Settling
from tests.helpers import Clock, eventually
from tests.record.test_archive import path, restless  # noqa: F401  # fixtures
from tests.record.test_recorder import recording, update

START = datetime(2026, 9, 1, 12)
START_S = START.replace(tzinfo=UTC).timestamp()


class Clocks:
    """A wall clock and a monotonic one, which go on together until the first is set."""

    def __init__(self) -> None:
        self.mono, self.set = Clock(), timedelta()
        self.settling = Settling(self.now, self.mono, 3600.0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.mono() - 1000.0) + self.set

    def after(self, seconds: float, alive_at: float | None = None) -> bool:
        self.mono.now += seconds
        return self.settling.look(alive_at)


@pytest.mark.parametrize("alive_at, state", [
    (None, ""), (START_S - 60, ""), (START_S - 86_000, ""),
    (START_S - 400 * 86_400, "by this clock the record ends 400 days before this start: nothing is "
                             "archived or deleted for 3600 s"),
    (START_S + 7_200, "by this clock the record ends 2.0 h after this start: nothing is archived "
                      "or deleted for 3600 s"),
])
def test_a_start_far_from_the_last_sign_of_life_may_have_a_false_clock(
    alive_at: float | None, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    clocks = Clocks()
    assert clocks.after(0, alive_at) is (state == "")
    assert clocks.settling.state == state
    assert [entry.levelno for entry in caplog.records] == [logging.WARNING] * bool(state)
    assert clocks.after(3599, alive_at) is (state == "")
    assert clocks.after(2, alive_at) and clocks.settling.state == ""


def test_a_clock_that_was_set_must_have_stayed_so_for_an_hour() -> None:
    clocks = Clocks()
    assert clocks.after(0) and clocks.after(300)
    clocks.set = timedelta(minutes=50)
    assert clocks.after(300)
    clocks.set = timedelta(days=400)
    assert not clocks.after(300)
    assert clocks.settling.state.startswith("the clock was set: nothing")
    assert not clocks.after(3000)
    clocks.set = timedelta()
    assert not clocks.after(300) and not clocks.after(3500)
    assert clocks.after(200)


def test_a_bot_that_starts_a_year_ahead_keeps_every_day(path: Path) -> None:  # noqa: F811
    """However often it looks. It says so where one asks how the recorder is."""
    today_ms = int(datetime.now(UTC).timestamp() * 1000)

    def now() -> datetime:
        return datetime.now(UTC).replace(tzinfo=None) + ahead

    for ahead in (timedelta(days=1, hours=1), timedelta(days=365)):
        with recording(path) as recorder:
            assert recorder.wait_open(5)
            recorder.keep(update(at=today_ms))
            eventually(lambda: recorder.pending == 0)
            archivist = Archivist(recorder, 30, now=now)
            for _ in range(4):
                archivist.step()
    assert archivist.looks == 0
    told = archivist.record().archive
    assert told is not None and told.state.startswith("by this clock the record ends 36")
    assert len(list(recorder.archive.rglob("*.parquet"))) == 2  # of updates and bars
