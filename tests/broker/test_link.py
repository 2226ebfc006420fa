"""Up or down: one report for each change."""

from functools import partial

import pytest

from bot.broker.link import NOT_YET, Link
from bot.events import LinkChanged
from tests.helpers import Clock


class Told:
    """A link, and what it told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.events: list[LinkChanged] = []
        self.link = Link("reading prices", self.events.append, self.clock)

    @property
    def plain(self) -> list[tuple[bool, str, float | None]]:
        return [(event.up, event.reason, event.lasted_s) for event in self.events]


@pytest.fixture
def told() -> Told:
    return Told()


def test_it_is_neither_up_nor_down_at_first(told: Told) -> None:
    told.clock.now += 1.5
    assert told.link.state == (None, NOT_YET, 1.5)
    assert not told.link.is_up and told.events == []


def test_a_start_that_takes_a_moment_is_no_outage(told: Told) -> None:
    for _ in range(29):
        told.clock.now += 0.1
        told.link.down("connection refused")
    assert told.events == [] and told.link.state[:2] == (None, "connection refused")
    told.link.up()
    assert told.plain == [(True, "", None)]
    assert told.link.state == (True, "", 0.0)


def test_a_start_without_a_broker_is_told_once_patience_is_over(told: Told) -> None:
    for _ in range(100):
        told.clock.now += 0.1
        told.link.down("connection refused")
    assert told.plain == [(False, "connection refused", None)]
    assert told.link.state[0] is False and told.link.state[2] == pytest.approx(7.0, abs=0.11)


def test_each_change_is_told_once_with_how_long_it_was_as_before(told: Told) -> None:
    told.link.up()
    told.clock.now += 60.0
    for _ in range(1000):
        told.link.up()
        assert told.link.is_up
    told.link.down("broken pipe")
    told.clock.now += 600.0
    for _ in range(1000):
        told.link.down("broken pipe")
    told.link.up()
    assert told.plain == [(True, "", None), (False, "broken pipe", 60.0), (True, "", 600.0)]
    assert {event.link for event in told.events} == {"reading prices"}


def test_a_loss_right_after_the_start_is_told_without_patience(told: Told) -> None:
    told.link.up()
    told.link.down("gone")
    assert told.plain == [(True, "", None), (False, "gone", 0.0)]


def test_another_reason_is_shown_and_is_no_change(told: Told) -> None:
    told.link.up()
    told.link.down("broken pipe")
    told.clock.now += 5.0
    told.link.down("authentication refused")
    assert len(told.events) == 2
    assert told.link.state == (False, "authentication refused", 5.0)


def test_once_it_is_up_it_has_no_reason_left(told: Told) -> None:
    told.link.up()
    told.link.down("gone")
    told.link.up()
    assert told.link.state == (True, "", 0.0)


def test_whoever_is_told_may_look_at_the_link() -> None:
    """Under a lock there is no callback."""
    seen: list[bool] = []
    link = Link("reading prices", lambda event: seen.append(link.is_up), Clock())
    link.up()
    link.down("gone")
    assert seen == [True, False]


class Guarded(Link):
    """One that sees to its lock's duty, once it is made."""

    def __getattribute__(self, name: str) -> object:
        if name in ("_up", "_why", "_since") and "made" in vars(self):
            assert self._lock.locked(), f"{name} without the lock"
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("_up", "_why", "_since") and "made" in vars(self):
            assert self._lock.locked(), f"{name} without the lock"
        super().__setattr__(name, value)


def test_what_belongs_together_is_touched_under_the_lock_only() -> None:
    told: list[bool] = []
    link = Guarded("reading prices", lambda event: told.append(event.up), Clock())
    vars(link)["made"] = True
    for change in (partial(link.down, "early"), link.up, link.up, partial(link.down, "gone")):
        change()
        assert link.state[1] in ("early", "", "gone")
    assert told == [True, False]


def test_another_reason_that_lasts_is_told_and_one_that_swings_is_not_told_often(
    told: Told
) -> None:
    told.link.up()
    told.link.down("topic prices does not exist")
    for second in range(120):
        told.clock.now += 1.0
        told.link.down("libraries for zstd not found" if second % 2 else "broker hangs up")
    assert [event.up for event in told.events] == [True, False, False, False, False]
    assert {event.lasted_s for event in told.events[2:]} == {None}
    assert told.link.state[2] == 120.0
