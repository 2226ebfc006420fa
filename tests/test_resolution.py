"""One price out of several: primary, latest, average (D115)."""

from collections.abc import Mapping
from typing import Any

import pytest

from bot.errors import NoQuote, StaleQuote
from bot.judge import Standing
from bot.model import Quote
from bot.resolution import Resolution, resolve
from bot.store import Leg

NOW = 1000.0
MAX_AGE_S = 10.0
STALLED = "no data for 6000 ms"


def leg(exchange: str, price: float, age: float = 1.0, **fields: Any) -> Leg:
    values = {"bid": price - 1, "ask": price + 1, "volume": 7.0, "timestamp": 5,
              "received_at": 6, "received_mono": NOW - age, "fresh_at": NOW - age} | fields
    return Leg(exchange, price, **values)


def asked(how: Resolution, *legs: Leg, active: str | None = "binance", last: str | None = None,
          faults: Mapping[str, str] = {}) -> Quote:
    every: dict[str, str | None] = {"binance": None, "okx": None, "third": None, "fourth": None}
    standing = Standing(active=active, reason="why", last=last or active)
    return resolve(how, "BTCUSDT", standing, {each.exchange: each for each in legs},
                   every | dict(faults), MAX_AGE_S, NOW)


def test_primary_serves_the_active_source_even_when_another_is_younger() -> None:
    quote = asked("primary", leg("binance", 100.0, age=3.0), leg("okx", 200.0, age=0.1),
                  active="binance")
    assert (quote.exchange, quote.price, quote.age_s) == ("binance", 100.0, 3.0)
    assert quote.trusted and not quote.synthetic and quote.source == "websocket"


def test_primary_serves_the_successor_after_a_switch() -> None:
    quote = asked("primary", leg("binance", 100.0), leg("okx", 200.0), active="okx")
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 200.0, True)


def test_quote_carries_all_that_the_leg_knows() -> None:
    quote = asked("primary", leg("binance", 100.0))
    assert (quote.symbol, quote.bid, quote.ask, quote.volume) == ("BTCUSDT", 99.0, 101.0, 7.0)
    assert (quote.timestamp, quote.received_at, quote.exchanges) == (5, 6, ())


def test_latest_serves_the_youngest_by_our_own_clock() -> None:
    """K7: the stamps of the exchanges, whose clocks differ, decide nothing."""
    quote = asked("latest", leg("binance", 100.0, age=2.0, timestamp=10**13),
                  leg("okx", 200.0, age=1.0, timestamp=1))
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 200.0, True)


def test_latest_asks_only_the_fit_sources() -> None:
    quote = asked("latest", leg("binance", 100.0, age=2.0), leg("okx", 200.0, age=0.1),
                  faults={"okx": "latency 6000 ms"})
    assert quote.exchange == "binance"


def test_average_of_two_is_their_mean() -> None:
    """K8: the earlier implementation passed every price through."""
    quote = asked("average", leg("binance", 100.0), leg("okx", 103.0))
    assert quote.price == pytest.approx(101.5)
    assert quote.bid == pytest.approx(100.5) and quote.ask == pytest.approx(102.5)
    assert quote.exchange is None and quote.exchanges == ("binance", "okx")
    assert quote.trusted and quote.reason == "mean of 2 fit sources"


@pytest.mark.parametrize("prices, middle", [
    ((100.0, 101.0, 900.0), 101.0),
    ((1.0, 101.0, 102.0), 101.0),
    ((100.0, 101.0, 103.0, 900.0), 102.0),
])
def test_from_three_on_the_median_keeps_a_liar_out(
    prices: tuple[float, ...], middle: float
) -> None:
    names = ("binance", "okx", "third", "fourth")
    quote = asked("average", *(leg(name, price) for name, price in zip(names, prices)))
    assert quote.price == pytest.approx(middle)
    assert quote.reason == f"median of {len(prices)} fit sources"


def test_average_is_as_old_as_its_oldest_leg() -> None:
    quote = asked("average", leg("binance", 100.0, age=0.2, timestamp=90, received_at=91),
                  leg("okx", 103.0, age=4.0, timestamp=50, received_at=51))
    assert (quote.age_s, quote.timestamp, quote.received_at) == (4.0, 50, 51)


def test_average_leaves_unfit_sources_out() -> None:
    legs = leg("binance", 100.0), leg("okx", 103.0), leg("third", 900.0)
    quote = asked("average", *legs, faults={"third": STALLED})
    assert quote.price == pytest.approx(101.5) and quote.exchanges == ("binance", "okx")


def test_average_of_one_is_that_one_by_name() -> None:
    quote = asked("average", leg("binance", 100.0), leg("okx", 103.0), faults={"binance": STALLED},
                  active="okx")
    assert (quote.exchange, quote.exchanges, quote.price) == ("okx", (), 103.0)
    assert quote.trusted


@pytest.mark.parametrize("missing", ["bid", "ask"])
def test_side_that_one_leg_lacks_is_left_out_of_the_average(missing: str) -> None:
    lacking: dict[str, Any] = {missing: None}
    quote = asked("average", leg("binance", 100.0), leg("okx", 103.0, **lacking))
    assert getattr(quote, missing) is None
    assert (quote.bid, quote.ask) != (None, None)


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
def test_price_of_the_last_source_is_held_without_trust_while_none_is_fit(how: Resolution) -> None:
    quote = asked(how, leg("binance", 100.0, age=6.0), leg("okx", 103.0, age=7.0), active=None,
                  last="okx", faults={"binance": STALLED, "okx": STALLED})
    assert (quote.exchange, quote.price, quote.trusted) == ("okx", 103.0, False)
    assert quote.reason == f"last price of okx, which is not fit: {STALLED}"


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
@pytest.mark.parametrize("trusted", [True, False])
def test_price_is_served_at_9_9_s_and_not_at_10_1_s(how: Resolution, trusted: bool) -> None:
    """D036, D047. K33: by the time of receipt here; the exchange's stamp is of 1970."""
    faults = {} if trusted else {"binance": "not connected: lost", "okx": STALLED}
    young = leg("binance", 100.0, age=9.9, timestamp=1), leg("okx", 103.0, age=9.9, timestamp=1)
    old = leg("binance", 100.0, age=10.1), leg("okx", 103.0, age=10.1)
    assert asked(how, *young, faults=faults).trusted is trusted
    with pytest.raises(StaleQuote, match="10100 ms old"):
        asked(how, *old, faults=faults)


def test_max_age_itself_is_too_old() -> None:
    with pytest.raises(StaleQuote):
        asked("primary", leg("binance", 100.0, age=MAX_AGE_S))


def test_one_old_leg_makes_the_average_too_old() -> None:
    with pytest.raises(StaleQuote):
        asked("average", leg("binance", 100.0, age=0.1), leg("okx", 103.0, age=10.1))


def test_late_message_is_as_old_as_its_news() -> None:
    """K33: received a moment ago, made 12 s before."""
    with pytest.raises(StaleQuote):
        asked("primary", leg("binance", 100.0, age=0.1, fresh_at=NOW - 12.0))


def test_age_is_never_negative() -> None:
    assert asked("primary", leg("binance", 100.0, age=-0.5)).age_s == 0.0
    assert asked("average", leg("binance", 1.0, age=-1), leg("okx", 1.0, age=-2)).age_s == 0.0


@pytest.mark.parametrize("how", ["primary", "latest", "average"])
def test_without_any_data_there_is_no_quote_and_the_reason_is_told(how: Resolution) -> None:
    with pytest.raises(NoQuote, match="no data.*why"):
        asked(how, active=None)


def test_active_source_without_a_price_is_no_quote() -> None:
    """With failover disabled the primary is active before it brought anything."""
    with pytest.raises(NoQuote):
        asked("primary", leg("okx", 100.0), active="binance", faults={"binance": "no data yet"})
