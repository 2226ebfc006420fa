"""The same error repeated is counted, not repeated."""

from bot.folding import KINDS, REPORT_EVERY_S, Fold


def test_first_fault_of_a_kind_is_reported_at_once() -> None:
    fold = Fold()
    assert fold.count("cannot resolve host", 0.0) == 1
    assert fold.count("no answer", 0.0) == 1


def test_repetitions_are_held_back_and_then_reported_with_their_number() -> None:
    fold = Fold()
    fold.count("no answer", 100.0)
    assert [fold.count("no answer", 100.0 + i) for i in range(1, 60)] == [0] * 59
    assert fold.count("no answer", 100.0 + REPORT_EVERY_S) == 60
    assert fold.count("no answer", 100.0 + REPORT_EVERY_S) == 0


def test_no_fault_is_lost_in_the_counting() -> None:
    fold = Fold(every_s=10.0)
    assert sum(fold.count("x", float(now)) for now in range(101)) == 101


def test_a_flood_of_kinds_is_counted_as_one() -> None:
    fold = Fold()
    reports = [fold.count(f"made up {number}", 0.0) for number in range(1000)]
    assert reports == [1] * (KINDS + 1) + [0] * (999 - KINDS)
    assert fold.count("one more", REPORT_EVERY_S) == 1, "the silent ones made room"


def test_a_kind_that_still_counts_is_not_forgotten() -> None:
    fold = Fold()
    for number in range(KINDS):
        fold.count(f"kind {number}", 0.0)
    fold.count("kind 0", 1.0)
    fold.count("new", REPORT_EVERY_S)
    assert fold.count("kind 0", REPORT_EVERY_S) == 2
