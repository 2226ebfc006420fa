"""How old what other instances say is, with clocks that are wrong here, there and everywhere."""

import pytest

from bot.errors import StaleQuote
from tests.broker.records import Ear, Writer


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def eins(ear: Ear) -> Writer:
    return Writer("eins", ear)


def test_a_writer_whose_clock_is_ahead_makes_nothing_younger(ear: Ear) -> None:
    fast = Writer("fast", ear, ahead_s=5.0)
    ear.hears(fast.tells(100.0, ear.now - 3.0))  # from the first record on
    assert ear.quote().age_s == pytest.approx(3.0, abs=0.002)
    fast.talks(10)
    assert ear.quote().age_s == pytest.approx(0.0, abs=0.002)
    ear.passes(4.0)
    ear.hears(fast.tells(100.1, ear.now - 3.5))
    assert ear.quote().age_s == pytest.approx(3.5, abs=0.002)


def test_a_delayed_message_of_a_clock_ahead_is_old_even_without_another_stamp(ear: Ear) -> None:
    fast = Writer("fast", ear, ahead_s=5.0)
    fast.talks(10, stamped=False)
    ear.passes(8.0)
    ear.hears(fast.tells(100.1, ear.now - 7.5, stamped=False))
    assert ear.shown == pytest.approx((100.1, 7.5), abs=0.002)


def test_an_exchange_whose_clock_is_ahead_is_allowed_for(ear: Ear, eins: Writer) -> None:
    eins.talks(10, stamp_ahead_s=4.0)
    assert ear.quote().age_s == pytest.approx(0.0, abs=0.002)
    ear.passes(3.0)
    ear.hears(eins.tells(100.1, ear.now - 2.5, stamp_ahead_s=4.0))
    assert ear.shown == pytest.approx((100.1, 2.5), abs=0.002)


@pytest.mark.parametrize("behind_s, served", [(2.0, True), (4.5, True), (9.0, False),
                                              (3600.0, False)])
def test_a_writer_whose_clock_is_behind_makes_older_and_never_younger(
    ear: Ear, behind_s: float, served: bool
) -> None:
    slow = Writer("slow", ear, ahead_s=-behind_s)
    slow.talks(60)
    if served:
        assert ear.quote().age_s == pytest.approx(behind_s, abs=0.002)
    else:
        assert f"data come {behind_s * 1000:.0f} ms late" in ear.why_none()


@pytest.mark.parametrize("whose", ["writer", "exchange"])
def test_a_clock_an_hour_ahead_is_refused_for_good_and_the_reason_says_so(
    ear: Ear, whose: str
) -> None:
    wrong = Writer("wrong", ear, ahead_s=3600.0 if whose == "writer" else 0.0)
    wrong.talks(60, stamp_ahead_s=3600.0 if whose == "exchange" else 0.0)
    why = ear.why_none()
    assert "record of wrong refused: stamped 3600 s ahead of this machine's clock" in why
    assert "check NTP on both machines" in why
    assert ear.hearsay.counts.implausible == 300 and ear.hearsay.counts.taken == 0
    assert [count for _, count in ear.reports] == [1]  # folded: once a minute


@pytest.mark.parametrize("lie_s", [12.0, 30.0, 3600.0])
def test_a_liar_from_the_future_makes_honest_ones_neither_stale_nor_fresh(
    ear: Ear, eins: Writer, lie_s: float
) -> None:
    liar = Writer("liar", ear)
    eins.talks(5)
    for _ in range(300):
        ear.passes(0.2)
        ear.hears(liar.tells(90.0, ear.now, stamp_ahead_s=lie_s), eins.tells(100.0, ear.now - 0.1))
        assert ear.quote().price == 100.0
        assert ear.quote().age_s == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize("lie_s", [12.0, 30.0, 3600.0])
def test_a_false_stamp_does_not_hide_what_was_read_together_with_it(
    ear: Ear, eins: Writer, lie_s: float
) -> None:
    """One instance, one exchange: now and then a stamp of it is nonsense."""
    eins.talks(5)
    for number in range(1, 100):
        ear.passes(0.2)
        price = 100.0 + number / 1000
        ear.hears(eins.tells(price - 0.001, ear.now - 0.2),
                  eins.tells(90.0, stamp_ahead_s=lie_s), eins.tells(price, ear.now - 0.1))
        assert ear.quote().price == price
        assert ear.quote().age_s == pytest.approx(0.1, abs=0.005)
    counts = ear.hearsay.counts
    assert (counts.taken, counts.conflated, counts.implausible) == (25 + 99, 99, 99)


@pytest.mark.parametrize("lie_s", [1.0, 5.0, 9.9])
def test_a_lie_too_small_to_be_told_apart_holds_for_no_longer_than_itself(
    ear: Ear, eins: Writer, lie_s: float
) -> None:
    eins.talks(5)
    ear.hears(eins.tells(100.1, stamp_ahead_s=lie_s))
    eins.talks(lie_s + 0.4, 100.2)
    assert ear.shown == pytest.approx((100.2, 0.0), abs=0.005)


@pytest.mark.parametrize("step_s", [-30.0, -2.0, 2.0, 4.0])
def test_a_step_of_our_wall_clock_makes_nothing_younger(
    ear: Ear, eins: Writer, step_s: float
) -> None:
    eins.talks(10)
    ear.wall.now += step_s
    eins.talks(10, 100.1)
    assert ear.quote().age_s == pytest.approx(max(0.0, step_s), abs=0.005)
    ear.passes(3.0)
    ear.hears(eins.tells(100.2, ear.now - 2.5))
    assert ear.shown == pytest.approx((100.2, 2.5 + max(0.0, step_s)), abs=0.005)


def test_a_price_that_is_held_ages_on_whatever_our_wall_clock_does(
    ear: Ear, eins: Writer
) -> None:
    ear.hears(eins.tells(100.0))
    ear.wall.now -= 3600.0
    ear.passes(2.0)
    assert ear.quote().age_s == pytest.approx(2.0, abs=0.002)
    ear.wall.now += 7200.0
    ear.passes(9.0)
    with pytest.raises(StaleQuote):
        ear.quote()


def test_a_backlog_of_one_symbol_does_not_explain_another_ones_silence(
    ear: Ear, eins: Writer
) -> None:
    for _ in range(20):
        ear.passes(1.0)
        ear.hears(eins.tells(100.0, ear.now - 60.0))
    ear.passes(2.0)
    ear.hears(eins.tells(10.0, symbol="ETHUSDT", stamped=False))
    assert "60 s late by this machine's clock: a backlog" in ear.why_none()
    ear.passes(4.0)
    ear.hears(eins.tells(10.0, ear.now - 60.0, symbol="ETHUSDT"))
    assert "a backlog" not in ear.why_none()
