"""What a drill is said to have shown, from samples with a clock that a test turns."""

from typing import Any

import pytest

from bot.drills.witness import Report, Witness
from bot.model import Quote, Status


def quote(price: float = 100.0, status: Status = "trusted", age_s: float = 0.1) -> Quote:
    return Quote(
        symbol="BTCUSDT", price=price, source="websocket", received_at=1, age_s=age_s,
        synthetic=status == "synthetic", trusted=status in ("trusted", "degraded"),
        reason="why", status=status)


class Stand:
    """A fault on binance from 0 to 10 s."""

    def __init__(self, source: str = "binance") -> None:
        self.witness = Witness(source, 0.0, 10.0)

    def see(self, at: float, active: str | None, served: Quote | None, *, fit: bool = True,
            trusted: Any = ...) -> None:
        if trusted is ...:
            trusted = served if served is not None and served.trusted else None
        self.witness.sample(at, active, fit, served, trusted)

    def report(self, at: float, interrupted: bool = False) -> Report:
        return self.witness.report(at, interrupted)


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_smooth_hand_over(stand: Stand) -> None:
    stand.see(0.0, "binance", quote(100.0))
    stand.see(0.005, "binance", quote(100.0, age_s=0.4), fit=False)
    stand.see(0.010, "okx", quote(100.02), fit=False)
    stand.see(9.9, "okx", quote(100.5), fit=False)
    stand.see(10.5, "okx", quote(100.6))
    stand.see(12.0, "binance", quote(100.7))
    found = stand.report(12.005)
    assert (found.active_before, found.active_during, found.active_after) == (
        "binance", "okx", "binance")
    assert found.unfit_after_ms == pytest.approx(5)
    assert found.switched_after_ms == pytest.approx(10)
    assert found.price_step_bps == pytest.approx(2.0)
    assert (found.blackout_any_ms, found.blackout_trusted_ms) == (0.0, 0.0)
    assert found.worst_age_ms == pytest.approx(400)
    assert found.statuses == {"trusted": pytest.approx(12_005)}
    assert stand.witness.back and found.came_back
    assert found.back_after_ms == pytest.approx(2000) and found.samples == 6


def test_both_blackouts_are_counted_by_what_was_seen_last(stand: Stand) -> None:
    stand.see(0.0, "binance", quote())
    stand.see(1.0, None, quote(status="stale"), fit=False)
    stand.see(3.0, None, None, fit=False)
    stand.see(6.0, None, quote(status="synthetic"), fit=False)
    stand.see(7.0, "okx", quote(), fit=False)
    found = stand.report(8.0)
    assert found.blackout_trusted_ms == pytest.approx(6000)
    assert found.blackout_any_ms == pytest.approx(4000)  # nothing, and what was made up
    assert found.statuses == pytest.approx(
        {"trusted": 2000, "stale": 2000, "none": 3000, "synthetic": 1000})


def test_a_lower_tier_may_have_a_trusted_price_while_the_first_one_has_none(stand: Stand) -> None:
    stand.see(0.0, "binance", quote())
    stand.see(1.0, None, quote(status="stale"), trusted=quote())
    assert stand.report(2.0).blackout_trusted_ms == 0.0


def test_the_step_is_from_the_last_price_before_the_switch_to_the_next_there_is(
    stand: Stand
) -> None:
    stand.see(0.0, "binance", quote(100.0))
    stand.see(1.0, None, quote(101.0, "stale"))
    stand.see(2.0, "okx", None)
    stand.see(3.0, "okx", quote(102.01))
    stand.see(4.0, "okx", quote(150.0))
    assert stand.report(5.0).price_step_bps == pytest.approx(100.0)


def test_without_an_active_part_there_is_no_switch() -> None:
    stand = Stand("okx")
    stand.see(0.0, "binance", quote())
    stand.see(1.0, "binance", quote(), fit=False)
    stand.see(11.0, "binance", quote())
    found = stand.report(11.0)
    assert found.switched_after_ms is None and found.price_step_bps is None
    assert found.back_after_ms == pytest.approx(1000)


def test_a_source_that_stays_away_did_not_come_back(stand: Stand) -> None:
    stand.see(0.0, "binance", quote())
    stand.see(70.0, "okx", quote(), fit=False)
    found = stand.report(70.0)
    assert not found.came_back and found.back_after_ms is None and not stand.witness.back


def test_one_that_is_fit_but_not_active_again_came_back_all_the_same(stand: Stand) -> None:
    stand.see(0.0, "binance", quote())
    stand.see(30.0, "okx", quote())
    found = stand.report(30.0, interrupted=True)
    assert found.came_back and found.back_after_ms is None and found.interrupted


def test_a_drill_that_ends_before_it_begins_has_seen_nothing(stand: Stand) -> None:
    found = stand.report(1.0, interrupted=True)
    assert (found.samples, found.statuses, found.worst_age_ms) == (0, {}, None)
