"""When a connection is replaced, and why."""

import pytest

from bot.backoff import Backoff
from bot.feeds.planning import BETTER, BETTER_EVERY_S, SPREAD, Plan

AGE_S = 82_800.0
NOW = 5000.0


def plan(early: float = 0.0) -> Plan:
    """One of a connection that was opened at NOW. early: share of SPREAD."""
    made = Plan(AGE_S, Backoff(10.0, 10.0, lambda low, high: high),
                lambda low, high: low + early * (high - low))
    made.opened(NOW)
    return made


def test_nothing_is_due_before_there_is_a_connection() -> None:
    assert Plan().next_at == float("inf")


@pytest.mark.parametrize("early, at", [(0.0, AGE_S), (1.0, AGE_S * (1 - SPREAD))])
def test_it_is_replaced_before_it_is_too_old(early: float, at: float) -> None:
    made = plan(early)
    assert made.due(NOW + at - 1.0, False) is None
    assert made.due(NOW + at, False) == f"it was {at / 3600:.1f} h old"
    made.opened(NOW + at)
    assert made.due(NOW + at + 1.0, False) is None


def test_sources_do_not_reach_their_age_together() -> None:
    ages = set()
    for _ in range(20):
        made = Plan(AGE_S)
        made.opened(0.0)
        ages.add(made._retire_at)
    assert len(ages) == 20 and AGE_S * (1 - SPREAD) <= min(ages) and max(ages) <= AGE_S


def test_a_wish_is_due_at_once_and_the_first_reason_stays() -> None:
    made = plan()
    made.wish("shutdown")
    made.wish("another")
    assert made.next_at <= NOW and made.due(NOW, False) == "shutdown"
    made.opened(NOW + 1.0)
    assert made.due(NOW + 1.0, False) is None and made.next_at > NOW + 1.0


def test_after_a_failure_it_pauses() -> None:
    made = plan()
    made.wish("shutdown")
    assert made.failed("shutdown", NOW) == 10.0
    made.wish("again")
    assert made.due(NOW + 9.9, False) is None and made.next_at == NOW + 10.0
    assert made.due(NOW + 10.0, False) == "shutdown"


def test_a_preferred_host_is_looked_for_now_and_then() -> None:
    made = plan()
    assert made.due(NOW + BETTER_EVERY_S - 1.0, True) is None
    assert made.due(NOW + BETTER_EVERY_S, True) == BETTER
    assert made.failed(BETTER, NOW + BETTER_EVERY_S) == BETTER_EVERY_S
    assert made.due(NOW + BETTER_EVERY_S + 1.0, True) is None
    made.wish("shutdown")
    assert made.due(NOW + BETTER_EVERY_S + 1.0, True) == "shutdown"  # and delays nothing else


def test_where_there_is_no_preferred_host_nothing_is_due_for_it_again_and_again() -> None:
    made = plan()
    assert made.due(NOW + BETTER_EVERY_S, False) is None
    assert made.next_at == NOW + 2 * BETTER_EVERY_S
