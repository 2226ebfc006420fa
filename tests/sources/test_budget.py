"""How much of an exchange's REST limit is used, by our count or by its own."""

import pytest

from bot.exchanges.base import Allowance
from bot.sources.budget import Budget
from tests.helpers import Clock


def test_our_own_requests_count_for_as_long_as_the_window() -> None:
    clock = Clock()
    budget = Budget(Allowance(20, 2.0, 1, None), clock)
    for _ in range(5):
        budget.asked()
        clock.now += 0.5
    assert budget.used == pytest.approx(3 / 20)  # those of the last 2 s, which is an open end
    clock.now += 2.0
    assert budget.used == 0.0


def test_a_request_costs_its_weight() -> None:
    budget = Budget(Allowance(6_000, 60.0, 2, None), Clock())
    for _ in range(300):
        budget.asked()
    assert budget.used == pytest.approx(0.1)


def test_what_the_exchange_says_counts_where_it_is_more() -> None:
    clock = Clock()
    budget = Budget(Allowance(6_000, 60.0, 2, "X-MBX-USED-WEIGHT-1M"), clock)
    budget.asked()
    budget.told("5400")  # others behind the same address
    assert budget.used == pytest.approx(0.9)
    budget.told("1")
    assert budget.used == pytest.approx(2 / 6_000)
    budget.told("5400")
    clock.now += 60.0
    assert budget.used == 0.0, "the minute is over"


@pytest.mark.parametrize("header", ["", "-1", "much", "1e3", "1.5", "9" * 5000])
def test_a_header_that_is_no_number_says_nothing(header: str) -> None:
    budget = Budget(Allowance(6_000, 60.0, 2, "X"), Clock())
    budget.told(header)
    assert budget.used == 0.0
