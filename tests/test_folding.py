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


def test_faults_that_differ_only_in_particulars_are_of_one_kind() -> None:
    fold = Fold()
    assert fold.count("impossible price nan in '{\"a\":1}'", 0.0) == 1
    assert fold.count("impossible price nan in '{\"b\":2}'", 1.0) == 0
    assert fold.count("no data for 5012 ms", 1.0) == 1
    assert fold.count("no data for 7 ms", 2.0) == 0


def test_memory_stays_bounded_however_many_kinds_there_are() -> None:
    fold = Fold()
    names = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(KINDS + 1)]
    assert all(fold.count(name, 0.0) == 1 for name in names)
    assert fold.count(names[0], 1.0) == 1, "the oldest kind was forgotten to make room"
    assert fold.count(names[-1], 1.0) == 0, "the newest is still known"
