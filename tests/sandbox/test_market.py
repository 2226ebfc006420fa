from bot.sandbox.market import Listing, Move, Walk, decimals
from bot.symbols import parse_symbol

SYMBOLS = [parse_symbol("BTCUSDT"), parse_symbol("ETH-USDT")]


def test_the_same_seed_gives_the_same_moves() -> None:
    one, same, other = (Walk(SYMBOLS, seed, 20) for seed in (7, 7, 8))
    moves = [one.step() for _ in range(200)]
    assert moves == [same.step() for _ in range(200)]
    assert moves != [other.step() for _ in range(200)]


def test_the_exchanges_stay_close_to_each_other() -> None:
    walk = Walk(SYMBOLS, 1, 20)
    for _ in range(1000):
        _, moves = walk.step()
        assert abs(moves["okx"].price / moves["binance"].price - 1) < 0.001


def test_symbols_take_turns() -> None:
    walk = Walk(SYMBOLS, 1, 20)
    assert [walk.step()[0] for _ in range(3)] == ["BTCUSDT", "ETHUSDT", "BTCUSDT"]


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
