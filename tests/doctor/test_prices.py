"""Do the exchanges agree about a symbol."""

import pytest

from bot.doctor.finding import PriceSeen
from bot.doctor.prices import compare_prices


BOTH = ("binance", "okx")


def seen(exchange: str, price: float, symbol: str = "BTCUSDT", at: float = 1.0) -> PriceSeen:
    return PriceSeen(exchange, symbol, price, at)


@pytest.mark.parametrize("other, level, words", [
    (50_010.0, "ok", "okx is 2.0 bps above binance"),
    (49_990.0, "ok", "okx is 2.0 bps below binance"),
    (50_100.0, "warn", "okx is 20.0 bps above binance"),
    (50_250.0, "fail", "okx is 50.0 bps above binance")])
def test_a_difference_is_told_with_what_is_usual(other: float, level: str, words: str) -> None:
    (finding,) = compare_prices(
        [seen("binance", 50_000.0), seen("okx", other, at=1.4)], ["BTCUSDT"], BOTH)
    assert finding.level == level and words in finding.words
    assert "10 bps are usual" in finding.words and "0.4 s apart" in finding.words


def test_symbols_that_agree_share_a_line_and_those_that_do_not_have_their_own() -> None:
    prices = [seen("binance", 100.0), seen("okx", 100.0), seen("binance", 10.0, "ETHUSDT"),
              seen("okx", 11.0, "ETHUSDT"), seen("binance", 5.0, "SOLUSDT"),
              seen("okx", 5.0, "SOLUSDT")]
    found = compare_prices(prices, ["BTCUSDT", "ETHUSDT", "SOLUSDT"], BOTH)
    assert [(finding.level, finding.subject) for finding in found] == [
        ("fail", "ETHUSDT"), ("ok", "")]


@pytest.mark.parametrize("prices, words", [
    ([], ["BTCUSDT, ETHUSDT: nothing to compare, for binance and okx told no fresh price"]),
    ([seen("okx", 1.0), seen("okx", 1.0, "ETHUSDT")],
     ["BTCUSDT, ETHUSDT: nothing to compare, for binance told no fresh price"]),
    ([seen("okx", 1.0), seen("binance", 2.0, "ETHUSDT")],
     ["BTCUSDT: nothing to compare, for binance told no fresh price",
      "ETHUSDT: nothing to compare, for okx told no fresh price"])])
def test_one_voice_is_no_comparison_and_it_is_said_whose_is_missing(
    prices: list[PriceSeen], words: list[str]
) -> None:
    found = compare_prices(prices, ["BTCUSDT", "ETHUSDT"], BOTH)
    assert [(finding.level, finding.words) for finding in found] == [
        ("warn", text) for text in words]
    assert all("stream" in finding.remedy for finding in found)


def test_with_one_exchange_or_none_there_is_nothing_to_compare() -> None:
    for exchanges, words in ((("okx",), "only okx is"), ((), "no exchange is")):
        (finding,) = compare_prices([], ["BTCUSDT"], exchanges)
        assert finding.level == "ok" and f"nothing to compare: {words}" in finding.words
