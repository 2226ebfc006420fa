"""One price out of several: primary, latest, average (D115)."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.causes import Rule
from bot.errors import NoQuote, StaleQuote, UntrustedQuote
from bot.judging.agreement import Habit
from bot.judging.fitness import Fault, SourceView
from bot.judging.judge import Standing
from bot.judging.resolution import STEP_DOUBT_S, Case, Resolution, resolve
from bot.judging.trial import jury
from bot.model import Opinion, Quote
from bot.store import Leg

NOW = 1000.0
MAX_AGE_S = 10.0
STALLED = "no data for 6000 ms"


def leg(exchange: str, price: float, age: float = 1.0, **fields: Any) -> Leg:
    values = {"bid": price - 1, "ask": price + 1, "volume": 7.0, "timestamp": 5,
              "received_at": 6, "received_mono": NOW - age, "fresh_at": NOW - age} | fields
    return Leg(exchange, price, **values)


def view_of(leg: Leg, step_s: float | None = None, held: float | None = None) -> SourceView:
    return SourceView(source=leg.exchange, connected_since=0.0, age_s=NOW - leg.fresh_at,
                      silent_s=0.0, latency_s=None, detail="", price=leg.price, bid=leg.bid,
                      ask=leg.ask, step_s=step_s, held=held)


def asked(how: Resolution, *legs: Leg, active: str | None = "binance", last: str | None = None,
          faults: Mapping[str, str] = {}, rest: Mapping[str, float] = {},
          step_s: float | None = None, rule: Rule = "silence",
          held: Mapping[str, float] = {}) -> Quote:
    views = {each.exchange: view_of(each, step_s, held.get(each.exchange)) for each in legs}
    opinions = [Opinion(name, "BTCUSDT", price, None, None, None, NOW)
                for name, price in rest.items()]
    known = {each.exchange: Habit(votes=100) for each in legs}
    fit = set(views) - set(faults)
    return resolve(how, Case(
        symbol="BTCUSDT", now=NOW, legs={each.exchange: each for each in legs}, views=views,
        standing=Standing(active=active, reason="why", last=last or active, habits=known),
        faults={source: Fault(rule, words) for source, words in faults.items()},
        jury=jury(list(views.values()), fit, opinions, {}, known, NOW)), MAX_AGE_S)


def test_primary_serves_the_active_source_even_when_another_is_younger() -> None:
    quote = asked("primary", leg("binance", 60000.0, age=3.0), leg("okx", 60020.0, age=0.1),
                  active="binance")
    assert (quote.exchange, quote.price, quote.age_s) == ("binance", 60000.0, 3.0)
    assert quote.trusted and not quote.synthetic and quote.source == "websocket"


def test_primary_serves_the_successor_after_a_switch() -> None:
    quote = asked("primary", leg("binance", 60000.0), leg("okx", 60020.0), active="okx")
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 60020.0, True)


def test_quote_carries_all_that_the_leg_knows() -> None:
    quote = asked("primary", leg("binance", 60000.0))
    assert (quote.symbol, quote.bid, quote.ask, quote.volume) == ("BTCUSDT", 59999.0, 60001.0, 7.0)
    assert (quote.timestamp, quote.received_at, quote.exchanges) == (5, 6, ())


def test_latest_serves_the_youngest_by_our_own_clock() -> None:
    """K7: the stamps of the exchanges, whose clocks differ, decide nothing."""
    quote = asked("latest", leg("binance", 60000.0, age=2.0, timestamp=10**13),
                  leg("okx", 60020.0, age=1.0, timestamp=1))
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 60020.0, True)


def test_latest_asks_only_the_fit_sources() -> None:
    quote = asked("latest", leg("binance", 60000.0, age=2.0), leg("okx", 60020.0, age=0.1),
                  faults={"okx": "latency 6000 ms"})
    assert quote.exchange == "binance"


def test_average_of_two_is_their_mean() -> None:
    """K8: the earlier implementation passed every price through."""
    quote = asked("average", leg("binance", 60000.0), leg("okx", 60030.0))
    assert quote.price == pytest.approx(60015.0)
    assert quote.bid == pytest.approx(60014.0) and quote.ask == pytest.approx(60016.0)
    assert quote.exchange is None and quote.exchanges == ("binance", "okx")
    assert quote.trusted and quote.reason == "mean of 2 fit sources"


@pytest.mark.parametrize("prices, middle, name", [
    ((60000.0, 60010.0, 60030.0), 60010.0, "median of 3"),
    ((60000.0, 60010.0, 61000.0), 60005.0, "mean of 2"),
    ((1.0, 60010.0, 60020.0), 60015.0, "mean of 2"),
    ((60000.0, 60010.0, 60020.0, 61000.0), 60010.0, "median of 3"),
])
def test_the_average_is_of_those_that_agree(
    prices: tuple[float, ...], middle: float, name: str
) -> None:
    names = ("binance", "okx", "third", "fourth")
    quote = asked("average", *(leg(name, price) for name, price in zip(names, prices)))
    assert quote.price == pytest.approx(middle) and quote.trusted
    assert quote.reason == f"{name} fit sources"


@pytest.mark.parametrize("prices, middle", [
    ((60208.1, 60208.11), 60208.105), ((60220.25, 60220.27), 60220.26),
    ((60208.04, 60208.16), 60208.1), ((60000.1, 60000.3, 60000.2), 60000.2)])
def test_an_average_has_no_digits_that_its_legs_do_not_account_for(
    prices: tuple[float, ...], middle: float
) -> None:
    quote = asked("average", *(leg(name, price) for name, price in zip("abc", prices)))
    assert quote.price == middle, "to the last digit"


def test_average_is_as_old_as_its_oldest_leg() -> None:
    quote = asked("average", leg("binance", 60000.0, age=0.2, timestamp=90, received_at=91),
                  leg("okx", 60030.0, age=4.0, timestamp=50, received_at=51))
    assert (quote.age_s, quote.timestamp, quote.received_at) == (4.0, 50, 51)


def test_average_leaves_unfit_sources_out() -> None:
    legs = leg("binance", 60000.0), leg("okx", 60030.0), leg("third", 61000.0)
    quote = asked("average", *legs, faults={"third": STALLED})
    assert quote.price == pytest.approx(60015.0) and quote.exchanges == ("binance", "okx")


def test_average_of_one_is_that_one_by_name() -> None:
    quote = asked("average", leg("binance", 60000.0), leg("okx", 60030.0), active="okx",
                  faults={"binance": STALLED})
    assert (quote.exchange, quote.exchanges, quote.price) == ("okx", (), 60030.0)
    assert quote.trusted


@pytest.mark.parametrize("missing", ["bid", "ask"])
def test_side_that_one_leg_lacks_is_left_out_of_the_average(missing: str) -> None:
    lacking: dict[str, Any] = {missing: None}
    quote = asked("average", leg("binance", 60000.0), leg("okx", 60030.0, **lacking))
    assert getattr(quote, missing) is None
    assert (quote.bid, quote.ask) != (None, None)


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
def test_price_of_the_last_source_is_held_without_trust_while_none_is_fit(how: Resolution) -> None:
    quote = asked(how, leg("binance", 60000.0, age=6.0), leg("okx", 60030.0, age=7.0), active=None,
                  last="okx", faults={"binance": STALLED, "okx": STALLED})
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 60030.0, False)
    assert quote.reason == f"last price of okx, which is not fit: {STALLED}"
    assert quote.status == "stale"


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
@pytest.mark.parametrize("trusted", [True, False])
def test_price_is_served_at_9_9_s_and_not_at_10_1_s(how: Resolution, trusted: bool) -> None:
    """D036, D047. K33: by the time of receipt here; the exchange's stamp is of 1970."""
    faults = {} if trusted else {"binance": "not connected: lost", "okx": STALLED}
    young = leg("binance", 60000.0, age=9.9, timestamp=1), leg("okx", 60030.0, age=9.9, timestamp=1)
    old = leg("binance", 60000.0, age=10.1), leg("okx", 60030.0, age=10.1)
    assert asked(how, *young, faults=faults).trusted is trusted
    with pytest.raises(StaleQuote, match="10100 ms old"):
        asked(how, *old, faults=faults)


def test_max_age_itself_is_too_old() -> None:
    with pytest.raises(StaleQuote):
        asked("primary", leg("binance", 60000.0, age=MAX_AGE_S))


def test_one_old_leg_makes_the_average_too_old() -> None:
    with pytest.raises(StaleQuote):
        asked("average", leg("binance", 60000.0, age=0.1), leg("okx", 60030.0, age=10.1))


def test_late_message_is_as_old_as_its_news() -> None:
    """K33: received a moment ago, made 12 s before."""
    with pytest.raises(StaleQuote):
        asked("primary", leg("binance", 60000.0, age=0.1, fresh_at=NOW - 12.0))


def test_age_is_never_negative() -> None:
    assert asked("primary", leg("binance", 60000.0, age=-0.5)).age_s == 0.0
    assert asked("average", leg("binance", 1.0, age=-1), leg("okx", 1.0, age=-2)).age_s == 0.0


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
def test_without_any_data_there_is_no_quote_and_the_reason_is_told(how: Resolution) -> None:
    with pytest.raises(NoQuote, match="no data.*why"):
        asked(how, active=None)


def test_active_source_without_a_price_is_no_quote() -> None:
    """With failover disabled the primary is active before it brought anything."""
    with pytest.raises(NoQuote):
        asked("primary", leg("okx", 60000.0), active="binance", faults={"binance": "no data yet"})


def test_two_that_agree_are_trusted_with_both_named() -> None:
    quote = asked("primary", leg("binance", 60000.0), leg("okx", 60010.0))
    assert (quote.status, quote.reason) == ("trusted", "active source is fresh")
    assert quote.sources_used == ("binance", "okx")


def test_a_lone_source_is_degraded_and_says_so() -> None:
    quote = asked("primary", leg("binance", 60000.0))
    assert (quote.status, quote.trusted) == ("degraded", True)
    assert quote.reason == "active source is fresh; no other source confirms it"
    assert quote.sources_used == ("binance",)


def test_a_lone_source_that_its_own_rest_confirms_is_still_only_degraded() -> None:
    quote = asked("primary", leg("binance", 60000.0), rest={"binance": 60001.0})
    assert quote.status == "degraded" and quote.sources_used == ("binance", "binance rest")


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
def test_two_that_disagree_are_disputed_and_the_active_one_goes_on(how: Resolution) -> None:
    quote = asked(how, leg("binance", 60000.0, age=2.0), leg("okx", 60300.0, age=0.1))
    assert (quote.exchange, quote.price) == ("binance", 60000.0)
    assert (quote.status, quote.trusted) == ("disputed", False)
    assert quote.reason == "disagrees with okx by -49.8 bps"


def test_a_rest_opinion_breaks_the_tie() -> None:
    quote = asked("primary", leg("binance", 60000.0), leg("okx", 60300.0), rest={"okx": 60001.0})
    assert quote.status == "trusted" and quote.sources_used == ("binance", "okx rest")
    quote = asked("primary", leg("binance", 60300.0), leg("okx", 60000.0), rest={"okx": 60001.0})
    assert (quote.exchange, quote.status) == ("binance", "disputed")


@pytest.mark.parametrize("how", ["latest", "average"])
def test_who_is_outvoted_is_neither_the_latest_nor_averaged(how: Resolution) -> None:
    quote = asked(how, leg("binance", 60300.0, age=0.1), leg("okx", 60000.0, age=0.2),
                  leg("third", 60001.0, age=0.3))
    assert quote.trusted and 60000.0 <= quote.price <= 60001.0


def test_a_step_that_nobody_confirms_is_disputed_for_a_time() -> None:
    quote = asked("primary", leg("binance", 60000.0), step_s=1.0)
    assert (quote.status, quote.trusted) == ("disputed", False)
    assert "moved at once 1.0 s ago" in quote.reason
    assert asked("primary", leg("binance", 60000.0), step_s=STEP_DOUBT_S).trusted
    assert asked("primary", leg("binance", 60000.0), step_s=1.0, rest={"okx": 60000.0}).trusted


def test_one_that_was_put_away_is_not_served_at_all() -> None:
    with pytest.raises(UntrustedQuote, match="binance disagrees with okx rest"):
        asked("primary", leg("binance", 60000.0), rule="disagreement",
              faults={"binance": "disagrees with okx rest"})


def test_confidence_grows_with_age_and_with_disagreement() -> None:
    def width(*legs: Leg) -> float:
        confidence = asked("primary", *legs).confidence
        assert confidence is not None
        return confidence

    calm = width(leg("binance", 60000.0), leg("okx", 60001.0))
    assert calm < width(leg("binance", 60000.0), leg("okx", 60030.0))
    assert width(leg("binance", 60000.0), leg("okx", 60300.0)) > 300.0
    assert calm < width(leg("binance", 60000.0)), "nobody else to hold it against"


@pytest.mark.parametrize("how", ["primary", "average"])
def test_a_doubted_price_may_be_the_first_of_a_market_that_moved(how: Resolution) -> None:
    quote = asked(how, leg("binance", 60000.0), leg("okx", 60000.0), held={"okx": 61000.0})
    assert quote.confidence is not None and quote.confidence > 1000


@pytest.mark.parametrize("how", ["primary", "average"])
@pytest.mark.parametrize("absurd", [540_000.0, 6_000.0])
def test_an_absurd_price_that_another_exchange_contradicts_widens_nothing(
    how: Resolution, absurd: float
) -> None:
    quote = asked(how, leg("binance", 60000.0), leg("okx", 60000.0), held={"okx": absurd})
    assert quote.confidence == asked(how, leg("binance", 60000.0), leg("okx", 60000.0)).confidence


@pytest.mark.parametrize("rest", [{}, {"binance": 60000.0}])
def test_an_absurd_price_that_no_other_exchange_contradicts_is_no_certainty(
    rest: Mapping[str, float]
) -> None:
    quote = asked("primary", leg("binance", 60000.0), rest=rest, held={"binance": 540_000.0})
    assert quote.confidence is not None and quote.confidence > 480_000


def test_two_that_leap_alike_widen_it_however_far() -> None:
    quote = asked("primary", leg("binance", 60000.0), leg("okx", 60000.0),
                  held={"okx": 540_000.0, "binance": 540_100.0})
    assert quote.confidence is not None and quote.confidence > 480_000
