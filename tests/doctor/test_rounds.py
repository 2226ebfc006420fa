"""Checks that hang, fail themselves, end: all at the same time."""

import threading
import time
from collections.abc import Callable

from bot.doctor.finding import Finding, Report, fail, ok
from bot.doctor.rounds import Check, Round
from bot.worker import Deadline
from tests.helpers import PATIENCE_S


def check(name: str, look: Callable[[Deadline], Report], seconds: float = PATIENCE_S,
          shown: bool = True) -> Check:
    return Check(name, "it", look, seconds, "kick it", shown)


def well(name: str) -> Callable[[Deadline], Report]:
    return lambda deadline: Report((ok(name, "it", "is well"),))


def all_of(going: Round) -> list[Finding]:
    found = []
    while going.waiting:
        found += going.poll(0.05)
    return found


def test_what_is_found_comes_out_once_and_in_the_order_of_the_ends() -> None:
    first = threading.Event()

    def second(deadline: Deadline) -> Report:
        assert first.wait(PATIENCE_S)
        return well("second")(deadline)

    going = Round([check("second", second), check("first", well("first"))])
    found = going.poll(PATIENCE_S)
    while not found:
        found = going.poll(0.05)
    assert [finding.check for finding in found] == ["first"]
    assert going.waiting == ["second it"]
    first.set()
    assert [finding.check for finding in all_of(going)] == ["second"]
    assert len(going.reports) == 2


def test_one_that_hangs_is_a_failure_with_its_remedy_and_holds_up_nobody() -> None:
    released = threading.Event()

    def hang(deadline: Deadline) -> Report:
        released.wait(PATIENCE_S)
        return Report()

    begun = time.monotonic()
    found = all_of(Round([check("hung", hang, seconds=0.3), check("well", well("well"))]))
    assert time.monotonic() - begun < PATIENCE_S
    released.set()
    assert [(finding.check, finding.level) for finding in found] == [
        ("well", "ok"), ("hung", "fail")]
    assert found[1].words == "no end within 0.3 s" and found[1].remedy == "kick it"


def test_a_fault_of_the_check_itself_is_told_as_such() -> None:
    def broken(deadline: Deadline) -> Report:
        raise KeyError("x")

    (finding,) = all_of(Round([check("broken", broken)]))
    assert finding.level == "fail" and "KeyError" in finding.words
    assert "fault of this program" in finding.remedy


def test_what_is_not_to_be_shown_still_counts() -> None:
    going = Round([check("quiet", well("quiet"), shown=False)])
    assert all_of(going) == []
    assert going.reports[0].findings[0].check == "quiet"


def test_what_fails_in_a_spare_place_is_a_warning() -> None:
    def look(deadline: Deadline) -> Report:
        return Report((fail("spare", "a", "words", "remedy"), ok("spare", "b", "words")))

    found = all_of(Round([check("spare", look)._replace(spare=True)]))
    assert [(finding.level, finding.remedy) for finding in found] == [
        ("warn", "remedy"), ("ok", "")]
    late = check("late", lambda deadline: Report(), seconds=0.0)._replace(spare=True)
    assert {finding.level for finding in all_of(Round([late]))} <= {"warn"}


def test_each_check_knows_how_much_time_it_has() -> None:
    left: list[float] = []

    def look(deadline: Deadline) -> Report:
        left.append(deadline.left_s)
        return Report()

    all_of(Round([check("timed", look, seconds=7.0)]))
    assert 6.0 < left[0] <= 7.0
