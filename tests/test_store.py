"""The latest prices: three quantities that never overwrite one another (K10)."""

from typing import Any

import pytest

from bot.model import MarketDataUpdate, UpdateType
from bot.store import STEP_BACK_S, LatestPrices, Leg

COMPANION_S = 5.0


def update(price: float, type: UpdateType = "trade", exchange: str = "binance",
           symbol: str = "BTCUSDT", at: float = 100.0, **fields: Any) -> MarketDataUpdate:
    values = {"volume": None, "bid": None, "ask": None, "timestamp": 1} | fields
    return MarketDataUpdate(exchange, symbol, type, price, **values,
                            received_at=int(at * 1000), received_mono=at)


def ticker(price: float, at: float = 100.0) -> MarketDataUpdate:
    return update(price, "ticker", at=at, volume=500.0, bid=price - 1, ask=price + 1)


@pytest.fixture
def store() -> LatestPrices:
    return LatestPrices()


def leg_of(store: LatestPrices) -> Leg:
    leg = store.leg("binance", "BTCUSDT", COMPANION_S)
    assert leg is not None
    return leg


def test_trade_ticker_and_book_are_kept_apart(store: LatestPrices) -> None:
    kinds: tuple[UpdateType, ...] = ("trade", "ticker", "orderbook")
    for price, kind in enumerate(kinds, 1):
        store.put(update(float(price), kind), 100.0)
    for price, kind in enumerate(kinds, 1):
        found = store.get("binance", "BTCUSDT", kind)
        assert found is not None and found.price == price


def test_exchanges_and_symbols_are_kept_apart(store: LatestPrices) -> None:
    store.put(update(1.0), 100.0)
    store.put(update(2.0, exchange="okx"), 100.0)
    store.put(update(3.0, symbol="ETHUSDT"), 100.0)
    found = store.get("binance", "BTCUSDT", "trade")
    assert found is not None and found.price == 1.0


def test_what_never_came_is_none(store: LatestPrices) -> None:
    assert store.get("binance", "BTCUSDT", "trade") is None
    assert store.leg("binance", "BTCUSDT", COMPANION_S) is None
    store.put(update(1.0, "orderbook"), 100.0)
    assert store.leg("binance", "BTCUSDT", COMPANION_S) is None, "a book has no last price"


def test_older_news_does_not_replace_newer(store: LatestPrices) -> None:
    store.put(update(1.0), 100.0)
    store.put(update(2.0), 100.0 - STEP_BACK_S - 0.001)
    assert leg_of(store).price == 1.0


def test_jitter_of_the_lag_does_not_hold_a_newer_trade_back(store: LatestPrices) -> None:
    store.put(update(1.0), 100.0)
    store.put(update(2.0), 100.0 - STEP_BACK_S)
    assert leg_of(store).price == 2.0


@pytest.mark.parametrize("trade_at, ticker_at, price", [(100.0, 99.0, 10.0), (99.0, 100.0, 20.0)])
def test_price_is_the_younger_of_trade_and_ticker(
    store: LatestPrices, trade_at: float, ticker_at: float, price: float
) -> None:
    store.put(update(10.0), trade_at)
    store.put(ticker(20.0), ticker_at)
    assert leg_of(store).price == price
    assert leg_of(store).fresh_at == 100.0


def test_bid_ask_and_day_volume_are_those_of_the_ticker_never_of_the_trade(
    store: LatestPrices,
) -> None:
    """K25: volume means the last 24 h in a leg, whichever stream brought the price."""
    store.put(ticker(20.0), 99.0)
    store.put(update(10.0, volume=0.01), 100.0)
    leg = leg_of(store)
    assert (leg.price, leg.bid, leg.ask, leg.volume) == (10.0, 19.0, 21.0, 500.0)


@pytest.mark.parametrize("age_s, kept", [(COMPANION_S, True), (COMPANION_S + 0.001, False)])
def test_companions_much_older_than_the_price_are_left_out(
    store: LatestPrices, age_s: float, kept: bool
) -> None:
    store.put(ticker(20.0), 100.0 - age_s)
    store.put(update(10.0), 100.0)
    leg = leg_of(store)
    assert ((leg.bid, leg.ask, leg.volume) != (None, None, None)) is kept


def test_a_trade_alone_has_no_companions(store: LatestPrices) -> None:
    store.put(update(10.0, volume=3.0), 100.0)
    leg = leg_of(store)
    assert (leg.bid, leg.ask, leg.volume) == (None, None, None)


def test_a_late_message_is_as_old_as_its_news(store: LatestPrices) -> None:
    """K33: the first push after a subscription may be hours old."""
    store.put(update(10.0, at=30_000.0), 30_000.0 - 25_000.0)
    store.put(ticker(20.0, at=29_999.0), 29_999.0)
    assert leg_of(store).price == 20.0
