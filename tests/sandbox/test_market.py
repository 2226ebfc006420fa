import math

import pytest

from bot.sandbox.market import Listing, Move, Walk, decimals, market
from bot.symbols import parse_symbol

SYMBOLS = [parse_symbol("BTCUSDT"), parse_symbol("ETH-USDT")]
MARKETS = {"binance": market("binance", 0), "okx": market("okx", 1)}


def test_the_same_seed_gives_the_same_moves() -> None:
    one, same, other = (Walk(SYMBOLS, seed, MARKETS) for seed in (7, 7, 8))
    moves = [one.step(20) for _ in range(200)]
    assert moves == [same.step(20) for _ in range(200)]
    assert moves != [other.step(20) for _ in range(200)]


def test_the_exchanges_stay_close_to_each_other() -> None:
    walk = Walk(SYMBOLS, 1, MARKETS)
    for _ in range(1000):
        _, moves = walk.step(20)
        assert abs(moves["okx"].price / moves["binance"].price - 1) < 0.001


def test_another_exchange_leaves_the_others_as_they_were() -> None:
    two, three = Walk(SYMBOLS, 1, MARKETS), Walk(SYMBOLS, 1, MARKETS | {"x": market("x", 0)})
    for _ in range(20):
        name, moves = three.step(20)
        assert two.step(20) == (name, {other: moves[other] for other in MARKETS})


def test_every_exchange_has_a_small_basis_of_its_own() -> None:
    shares = {market(f"source{number}", 0).basis for number in range(50)}
    assert len(shares) == 50
    assert max(map(abs, shares)) <= 0.0003
    assert market("source1", 0) == market("source1", 0)


def test_volatility_is_the_deviation_of_one_second_s_move_at_any_rate() -> None:
    for per_s in (0.5, 50.0):
        walk, squares = Walk(SYMBOLS[:1], 1, {}, volatility=0.001), 0.0
        for _ in range(2000):
            before = walk.fair("BTCUSDT")
            walk.step(per_s)
            squares += math.log(walk.fair("BTCUSDT") / before) ** 2
        assert math.sqrt(squares / 2000 * per_s) == pytest.approx(0.001, rel=0.1)


def test_without_volatility_the_fair_price_stands_until_it_jumps() -> None:
    walk = Walk(SYMBOLS, 1, MARKETS, volatility=0)
    walk.step(20)
    assert walk.fair("BTCUSDT") == 60_000
    moves = walk.jump("BTCUSDT", 5)
    assert walk.fair("BTCUSDT") == pytest.approx(63_000)
    assert moves["okx"].price == pytest.approx(63_000, rel=0.001)


def test_symbols_take_turns() -> None:
    walk = Walk(SYMBOLS, 1, MARKETS)
    assert [walk.step(20)[0] for _ in range(3)] == ["BTCUSDT", "ETHUSDT", "BTCUSDT"]


def test_a_trade_moves_the_day_s_figures() -> None:
    listing = Listing(SYMBOLS[0], 100.0, 1)
    listing.trade(Move(110.0, 2.0, True), 5)
    listing.trade(Move(90.0, 1.0, False), 6)
    assert (listing.open, listing.high, listing.low, listing.price) == (100.0, 110.0, 90.0, 90.0)
    assert (listing.event_ms, listing.trades, listing.volume) == (6, 3, 5003.0)


def test_the_quote_stands_around_the_price() -> None:
    listing = Listing(SYMBOLS[0], 50_000.0, 1, coarser=1)
    listing.quote_around(50_000.0, seller=False)
    assert (listing.bid, listing.ask) == (49_999.9, 50_000.0)


def test_copies_do_not_change_the_listing() -> None:
    listing = Listing(SYMBOLS[0], 100.0, 50)
    assert listing.scaled(1.01).price == 101.0
    assert (listing.aged(20).event_ms, listing.aged(90).event_ms) == (20, 50)
    assert (listing.price, listing.event_ms) == (100.0, 50)


def test_small_prices_have_more_decimals() -> None:
    assert [decimals(price) for price in (60_000, 150, 0.01)] == [2, 4, 8]
