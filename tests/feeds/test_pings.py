"""Round trips, and pings that wait."""

import pytest

from bot.feeds.pings import ANSWER_WITHIN_S, EVERY_S, WAITING, Pings


def test_the_first_ping_is_due_at_once_and_the_next_after_a_while() -> None:
    pings = Pings(100.0)
    assert pings.due(100.0)
    pings.sent(b"1", 100.0)
    assert not pings.due(100.0 + EVERY_S - 0.1) and pings.due(100.0 + EVERY_S)


@pytest.mark.parametrize("payload", [b"1", None])
def test_an_answer_gives_the_round_trip(payload: bytes | None) -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 10.0)
    pings.answered(payload, 10.087)
    assert pings.round_trip_s(20.0, 20.0) == pytest.approx(0.087)
    assert pings.waiting_since is None


def test_a_late_answer_belongs_to_its_own_ping() -> None:
    """K22: a text pong carries no number; it answers the oldest ping."""
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    pings.sent(b"2", 15.0)
    pings.answered(None, 16.0)
    assert pings.latency_s == 16.0
    pings.answered(None, 17.0)
    assert pings.latency_s == 2.0


def test_an_answer_with_a_number_passes_over_the_pings_before_it() -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    pings.sent(b"2", 15.0)
    pings.answered(b"2", 15.5)
    assert (pings.latency_s, pings.waiting_since) == (0.5, None)


def test_an_answer_that_nobody_asked_for_changes_nothing() -> None:
    pings = Pings(0.0)
    pings.answered(b"x", 1.0)
    pings.answered(None, 1.0)
    pings.sent(b"1", 2.0)
    pings.answered(b"other", 3.0)
    assert (pings.latency_s, pings.waiting_since) == (None, 2.0)


def test_waiting_is_latency_of_a_peer_that_used_to_answer_and_does_not_saw() -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    pings.answered(b"1", 0.1)
    pings.sent(b"2", 15.0)
    pings.sent(b"3", 30.0)
    assert [pings.round_trip_s(now, heard_at=now) for now in (16.0, 25.0, 31.0, 45.0)] == [
        1.0, 10.0, 16.0, 30.0]


def test_a_peer_that_brings_data_and_never_answers_is_not_slow() -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    assert pings.round_trip_s(20.0, heard_at=19.9) is None
    assert pings.round_trip_s(20.0, heard_at=-1.0) == 20.0


def test_overdue_is_a_ping_after_which_nothing_at_all_was_heard() -> None:
    pings = Pings(0.0)
    assert not pings.overdue(1000.0, heard_at=0.0)
    pings.sent(b"1", 0.0)
    assert not pings.overdue(ANSWER_WITHIN_S, heard_at=-1.0)
    assert pings.overdue(ANSWER_WITHIN_S + 0.1, heard_at=-1.0)
    assert not pings.overdue(ANSWER_WITHIN_S + 0.1, heard_at=0.5)


def test_pings_that_nobody_answers_are_not_sent_without_end() -> None:
    pings, now = Pings(0.0), 0.0
    for _ in range(100):
        if pings.due(now):
            pings.sent(b"x", now)
        now += EVERY_S
    assert len(pings._unanswered) == WAITING


def test_a_ping_can_be_hurried_and_its_answer_known() -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    pings.answered(b"1", 0.1)
    assert pings.answered_to == 0.0 and not pings.due(5.0)
    pings.hurry(5.0)
    assert pings.due(5.0)
    pings.sent(b"2", 5.0)
    assert pings.answered_to == 0.0
    pings.answered(b"2", 5.1)
    assert pings.answered_to == 5.0


def test_a_connection_that_dies_while_a_ping_waits_is_noticed_by_the_next_one() -> None:
    pings = Pings(0.0)
    pings.sent(b"1", 0.0)
    assert not pings.overdue(14.0, heard_at=0.1), "it was heard after that ping"
    pings.sent(b"2", 15.0)
    assert not pings.overdue(24.9, heard_at=0.1)
    assert pings.overdue(25.1, heard_at=0.1)
