"""How late messages are, whatever the difference between the two clocks (K7, K33)."""

from contextlib import suppress

import pytest

from bot.errors import ImplausibleStamp
from bot.feeds.lag import WINDOW_S, LagMeter
from tests.helpers import Clock

EPOCH = 1_790_000_000.0


class Exchange:
    """Stamps messages with a clock that is `ahead_s` of ours; ours starts at 1000 (monotonic)."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.mono = Clock(1000.0)
        self.meter = LagMeter(EPOCH - self.mono())
        self.ahead_s = ahead_s

    def message(self, late_s: float) -> float:
        """The lag measured of a message that took `late_s`, a second after the one before."""
        self.mono.now += 1.0
        made_at = EPOCH + (self.mono.now - 1000.0) - late_s + self.ahead_s
        return self.meter.excess_s(round(made_at * 1000), self.mono.now)


@pytest.mark.parametrize("ahead_s", [-3600.0, -20.0, -1.272, 0.0, 1.272, 20.0, 3600.0])
def test_a_difference_of_the_clocks_is_no_lag(ahead_s: float) -> None:
    exchange = Exchange(ahead_s)
    for _ in range(5):
        exchange.message(late_s=0.05)
    assert exchange.message(late_s=0.05) == pytest.approx(0.0, abs=0.01)
    assert exchange.meter.offset_s == pytest.approx(0.05 - ahead_s, abs=0.01)
    assert exchange.message(late_s=7.05) == pytest.approx(7.0, abs=0.01)


def test_lag_is_never_negative() -> None:
    exchange = Exchange()
    for late_s in (0.3, 0.3, 0.3, 0.3, 0.0, -5.0):
        assert exchange.message(late_s) >= 0.0


def test_first_push_that_is_hours_old_is_late_and_does_not_set_the_scale() -> None:
    exchange = Exchange()
    assert exchange.message(late_s=7.4 * 3600) == pytest.approx(7.4 * 3600, abs=0.01)
    for _ in range(3):
        exchange.message(late_s=0.1)
    assert exchange.message(late_s=0.1) == pytest.approx(0.0, abs=0.01)
    with pytest.raises(ImplausibleStamp, match="26640 s old, on a stream of news"):
        exchange.message(late_s=7.4 * 3600)


@pytest.mark.parametrize("stamp", [
    0, 1_790_000_000, 1_790_000_000_000_000, 1_790_000_000_000_000_000])
def test_another_unit_is_refused(stamp: int) -> None:
    with pytest.raises(ImplausibleStamp, match=f"stamp {stamp} is not in epoch milliseconds"):
        Exchange().meter.excess_s(stamp, 1000.0)


def test_stamps_that_stay_ahead_are_that_clock_s_new_time_after_three_seconds() -> None:
    exchange = Exchange()
    for _ in range(10):
        exchange.message(late_s=0.1)
    exchange.ahead_s = 3600.0
    for _ in range(3):
        with pytest.raises(ImplausibleStamp, match="3600 s ahead of this source's clock"):
            exchange.message(late_s=0.1)
    assert exchange.message(late_s=0.1) == 0.0


def test_one_stamp_from_the_future_does_not_shift_the_scale() -> None:
    exchange = Exchange()
    for _ in range(10):
        exchange.message(late_s=0.1)
    with pytest.raises(ImplausibleStamp, match="3600 s ahead"):
        exchange.message(late_s=-3600.0)
    assert exchange.message(late_s=0.1) == pytest.approx(0.0, abs=0.01)


def test_delay_that_lasts_minutes_is_still_a_delay() -> None:
    exchange = Exchange()
    for _ in range(60):
        exchange.message(late_s=0.1)
    for _ in range(240):
        measured = exchange.message(late_s=8.1)
    assert measured == pytest.approx(8.0, abs=0.01)


def test_change_of_the_clocks_is_learnt_in_the_end() -> None:
    exchange = Exchange()
    for _ in range(60):
        exchange.message(late_s=0.1)
    exchange.ahead_s = -5.0
    for _ in range(int(WINDOW_S)):
        measured = exchange.message(late_s=0.1)
    assert measured == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("ran_ahead_s, before, unfit_s", [(2, 5, 3), (10, 5, 6), (29, 300, 0)])
def test_stamps_that_run_ahead_for_a_while_do_not_make_the_honest_ones_late(
    ran_ahead_s: int, before: int, unfit_s: int
) -> None:
    exchange = Exchange()
    for _ in range(before):
        exchange.message(late_s=0.1)
    for _ in range(ran_ahead_s):
        with suppress(ImplausibleStamp):
            exchange.message(late_s=-60.0)
    late = [exchange.message(late_s=0.1) > 5.0 for _ in range(60)]
    assert sum(late) <= unfit_s and not late[-1]


def test_what_may_be_old_news_sets_no_scale() -> None:
    """Three connections, each with nothing but an hour-old first push."""
    exchange = Exchange()
    for _ in range(10):
        exchange.mono.now += 10.0
        old = round((EPOCH + exchange.mono.now - 1000.0 - 3600.0) * 1000)
        assert exchange.meter.excess_s(old, exchange.mono.now, sample=False) > 3590.0


def test_burst_within_one_second_counts_as_one_sample() -> None:
    exchange = Exchange()
    for _ in range(1000):
        exchange.meter.excess_s(round((EPOCH - 100) * 1000), exchange.mono.now)
    assert exchange.meter.offset_s == 0.0
