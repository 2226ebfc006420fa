"""The same error repeated is counted, not repeated."""

import math

import pytest

from bot.folding import KINDS, REPORT_EVERY_S, Fold


class Folded:
    """A fold with what it reported since the last look."""

    def __init__(self, every_s: float = REPORT_EVERY_S) -> None:
        self._reports: list[tuple[str, int]] = []
        self.fold = Fold(lambda words, count: self._reports.append((words, count)), every_s)

    def tell(self, kind: str, now: float) -> list[int]:
        self.fold.tell(kind, kind, now)
        return [count for _, count in self.reports]

    @property
    def reports(self) -> list[tuple[str, int]]:
        found = list(self._reports)
        self._reports.clear()
        return found


@pytest.fixture
def folded() -> Folded:
    return Folded()


def test_first_fault_of_a_kind_is_reported_at_once(folded: Folded) -> None:
    assert folded.tell("cannot resolve host", 0.0) == [1]
    assert folded.tell("no answer", 0.0) == [1]


def test_repetitions_are_held_back_and_then_reported_with_their_number(folded: Folded) -> None:
    folded.tell("no answer", 100.0)
    assert [folded.tell("no answer", 100.0 + i) for i in range(1, 60)] == [[]] * 59
    assert folded.tell("no answer", 100.0 + REPORT_EVERY_S) == [60]
    assert folded.tell("no answer", 100.0 + REPORT_EVERY_S) == []


def test_a_minute_after_a_burst_its_number_is_told_though_nothing_more_comes(
    folded: Folded
) -> None:
    for number in range(5):
        folded.fold.tell("stamp", f"stamp {number}", 100.0 + number)
    assert folded.reports == [("stamp 0", 1)]
    assert folded.fold.due == 100.0 + REPORT_EVERY_S
    folded.fold.remind(99.9 + REPORT_EVERY_S)
    assert folded.reports == []
    folded.fold.remind(100.0 + REPORT_EVERY_S)
    assert folded.reports == [("stamp 4 (56 s ago)", 4)], "the newest, when, and how many"
    folded.fold.remind(1e6)
    assert folded.reports == [] and folded.fold.due == math.inf


def test_what_is_due_is_told_kind_by_kind(folded: Folded) -> None:
    for at in (0.0, 1.0):
        folded.fold.tell("a", "a", at)
        folded.fold.tell("b", "b", at + 20.0)
    folded.reports
    folded.fold.remind(REPORT_EVERY_S)
    assert folded.reports == [("a (59 s ago)", 1)] and folded.fold.due == 20.0 + REPORT_EVERY_S
    folded.fold.remind(20.0 + REPORT_EVERY_S)
    assert folded.reports == [("b (59 s ago)", 1)]


def test_after_a_reminder_there_is_silence_for_a_minute_again(folded: Folded) -> None:
    for now in (0.0, 1.0):
        folded.tell("x", now)
    folded.fold.remind(60.0)
    folded.reports
    assert folded.tell("x", 61.0) == [] and folded.tell("x", 120.0) == [2]


def test_no_fault_is_lost_in_the_counting() -> None:
    folded = Folded(every_s=10.0)
    told = [count for now in range(105) for count in folded.tell("x", float(now))]
    folded.fold.remind(200.0)
    assert sum(told) == 101 and folded.reports == [("x (96 s ago)", 4)]


def test_a_flood_of_kinds_is_counted_as_one(folded: Folded) -> None:
    reports = [folded.tell(f"made up {number}", 0.0) for number in range(1000)]
    assert reports == [[1]] * (KINDS + 1) + [[]] * (999 - KINDS)
    folded.fold.remind(REPORT_EVERY_S)
    assert folded.reports == [("made up 999 (60 s ago)", 999 - KINDS)]
    assert folded.tell("one more", 2 * REPORT_EVERY_S) == [1], "the silent ones made room"


def test_a_kind_that_still_counts_is_not_forgotten(folded: Folded) -> None:
    for number in range(KINDS):
        folded.tell(f"kind {number}", 0.0)
    folded.tell("kind 0", 1.0)
    folded.tell("new", REPORT_EVERY_S)
    assert folded.tell("kind 0", REPORT_EVERY_S) == [2]
