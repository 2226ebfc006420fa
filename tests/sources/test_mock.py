"""Made-up prices: seeded, continuing from the last real one, and never unmarked (D042, D043)."""

import threading

import pytest

from bot.errors import NoQuote
from bot.sources.mock import LONGEST_GAP, MockSource
from bot.symbols import Symbol
from tests.helpers import Clock

SYMBOLS = [Symbol("BTC", "USDT"), Symbol("ETH", "USDT"), Symbol("XYZ", "USDT")]


def source(clock: Clock, seed: int = 1) -> MockSource:
    return MockSource(SYMBOLS, seed, mono=clock, wall=Clock(1_790_000_000.0))


def walk(mock: MockSource, clock: Clock, seconds: int, symbol: str = "BTCUSDT") -> list[float]:
    prices = []
    for _ in range(seconds):
        clock.now += 1.0
        prices.append(mock.quote(symbol).price)
    return prices


def test_every_quote_says_that_it_is_made_up() -> None:
    """K36."""
    quote = source(Clock()).quote("BTCUSDT")
    assert quote.synthetic and not quote.trusted and "made up" in quote.reason
    assert quote.source == "mock" and quote.exchange is None
    assert quote.timestamp == quote.received_at == 1_790_000_000_000


def test_same_seed_walks_the_same_way_and_another_does_not() -> None:
    paths = []
    for seed in (1, 1, 2):
        clock = Clock()
        paths.append(walk(source(clock, seed), clock, 50))
    assert paths[0] == paths[1] != paths[2]


def test_walks_one_step_a_second_however_often_it_is_asked() -> None:
    clock = Clock()
    mock = source(clock)
    first = mock.quote("BTCUSDT").price
    clock.now += 0.9
    assert mock.quote("BTCUSDT").price == first
    clock.now += 0.1
    assert mock.quote("BTCUSDT").price != first


def test_continues_from_the_last_real_price() -> None:
    """D051."""
    clock = Clock()
    mock = source(clock)
    walk(mock, clock, 100)
    mock.anchor("BTCUSDT", 71_234.5)
    assert mock.quote("BTCUSDT").price == 71_234.5
    assert walk(mock, clock, 10)[-1] == pytest.approx(71_234.5, rel=0.02)


def test_stays_near_and_above_zero_for_a_day() -> None:
    clock = Clock()
    prices = walk(source(clock), clock, 86_400, "ETHUSDT")
    assert 0 < min(prices) and max(prices) < 3_000.0 * 5


@pytest.mark.parametrize("price", [4e-9, 1e-12, 5e-7])
def test_price_of_a_cheap_coin_is_not_rounded_away(price: float) -> None:
    """D060: a price is above zero, however small."""
    mock = source(Clock())
    mock.anchor("XYZUSDT", price)
    assert mock.quote("XYZUSDT").price == pytest.approx(price, rel=0.01, abs=0)


def test_long_time_without_a_question_costs_a_bounded_number_of_steps() -> None:
    clock = Clock()
    mock = source(clock)
    clock.now += 1e9
    far = mock.quote("BTCUSDT").price
    assert far == pytest.approx(50_000.0, rel=0.0005 * 5 * LONGEST_GAP ** 0.5)
    assert mock.quote("BTCUSDT").price == far, "the gap is not made up for later"


def test_symbol_that_is_not_configured_has_no_price() -> None:
    with pytest.raises(NoQuote, match="DOGEUSDT is not configured"):
        source(Clock()).quote("DOGEUSDT")


def test_may_be_asked_and_anchored_by_several_threads() -> None:
    mock = MockSource(SYMBOLS)
    prices: list[float] = []

    def use() -> None:
        for i in range(1, 500):
            mock.anchor("BTCUSDT", float(i))
            prices.append(mock.quote("BTCUSDT").price)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(prices) == 4 * 499 and min(prices) > 0
