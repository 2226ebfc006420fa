"""What came on a stream, and what that means; tests/doctor/test_streams.py has real streams."""

from bot.doctor.heard import Heard, told
from bot.model import MarketDataUpdate
from bot.symbols import Symbol
from tests.doctor.helpers import place

PLACE = place("okx", "wss://ws.okx.example:8443/ws")
SYMBOLS = (Symbol("BTC", "USDT"), Symbol("ETH", "USDT"))
OLD_S = 5.0


def heard(*ages_s: float | None, symbol: str = "BTCUSDT", first_after_s: float = 0.5) -> Heard:
    """One update after the other, with stamps of these ages."""
    made = Heard(6.0, opened_s=0.02, subscribed_at=10.0, acknowledged_at=10.01)
    for number, age_s in enumerate(ages_s):
        stamp = None if age_s is None else int(100_000 - age_s * 1000)
        made.take(MarketDataUpdate("okx", symbol, "trade", 100.0 + number, None, None, None, stamp,
                                   100_000, 10.0 + first_after_s + number))
    return made


def words(made: Heard, *symbols: Symbol) -> list[tuple[str, str]]:
    return [(finding.level, finding.words)
            for finding in told(made, PLACE, symbols or SYMBOLS[:1], OLD_S)]


def test_the_first_tick_and_the_newest_stamp_are_told() -> None:
    assert words(heard(3.0, 0.25, 1.0)) == [
        ("ok", "connected in 20 ms, acknowledged after 10 ms, first tick of BTCUSDT after 500 ms, "
               "newest stamps 250 ms old")]


def test_of_several_symbols_the_youngest_and_the_oldest_stamp_are_told() -> None:
    made = heard(0.1)
    made.ticks |= heard(0.9, symbol="ETHUSDT", first_after_s=1.5).ticks
    ((_, text),) = words(made, *SYMBOLS)
    assert "first tick of 2 of 2 symbols after 1500 ms, newest stamps 100 ms to 900 ms old" in text


def test_a_first_push_that_is_old_is_news_no_more_and_no_price_to_compare() -> None:
    made = heard(3600.0)
    assert words(made)[0] == ("warn", "the newest word on BTCUSDT is 3,600 s old by its stamp, "
                                      "older than MAX_SOURCE_LATENCY")
    assert made.prices("okx", OLD_S) == ()
    assert [price.price for price in heard(3600.0, 0.1).prices("okx", OLD_S)] == [101.0]


def test_what_has_no_stamp_is_news() -> None:
    assert words(heard(None))[0][1].endswith("first tick of BTCUSDT after 500 ms")
    assert heard(None).prices("okx", OLD_S)[0].price == 100.0


def test_a_stamp_of_the_near_future_is_that_of_a_clock_in_step() -> None:
    assert "newest stamps 0 ms old" in words(heard(-0.01))[0][1]
    assert "newest stamps -900 ms old" in words(heard(-0.9))[0][1]


def test_silence_of_the_main_symbol_is_worse_than_that_of_others() -> None:
    assert [level for level, _ in words(heard(0.1), *SYMBOLS)] == ["warn", "ok"]
    assert [level for level, _ in words(heard(0.1, symbol="ETHUSDT"), *SYMBOLS)] == ["fail", "ok"]
    ((level, text),) = words(Heard(6.0))
    assert level == "fail" and "not acknowledged, and then nothing of BTCUSDT for 6 s" in text


def test_a_symbol_that_was_refused_is_not_called_silent_too() -> None:
    made = Heard(6.0, acknowledged_at=1.0, refusals=["60018, instId:BTC-USDT doesn't exist"] * 2)
    assert words(made) == [("fail", "60018, instId:BTC-USDT doesn't exist (and 1 more)")]
