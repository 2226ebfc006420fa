"""What is particular to Binance."""

import json
from typing import Any

import pytest

from bot.errors import ClosingSoon, ExchangeError, ParseError
from bot.exchanges import binance
from tests.exchanges.cases import compact, parse

TRADE = {"e": "trade", "E": 1790000000002, "s": "BTCUSDT", "t": 1, "p": "61734.55", "q": "0.0025",
         "T": 1790000000001, "m": False, "M": True}
TICKER = {"e": "24hrTicker", "E": 1790000000123, "s": "BTCUSDT", "c": "61734.51", "b": "61734.50",
          "a": "61734.53", "v": "7312.4"}
BOOK = {"u": 5, "s": "BTCUSDT", "b": "100.0", "B": "2.0", "a": "101.0", "A": "3.0"}


def only(message: dict[str, Any]) -> Any:
    (update,) = parse(binance, compact(message))
    return update


@pytest.mark.parametrize("field, twin", [
    ("c", "C"), ("b", "B"), ("a", "A"), ("v", "V"), ("e", "E"), ("s", "S"), ("p", "P"), ("q", "Q"),
])
def test_fields_that_differ_only_in_case_are_different_fields(field: str, twin: str) -> None:
    """K39: the mapping of the earlier implementation was wrong."""
    for message in (TICKER, TRADE):
        if field in message and twin not in message:
            other = 7 if isinstance(message[field], int) else "7.0"
            assert only(message) == only({**message, twin: other})
    assert not parse(binance, compact({key.upper(): value for key, value in TRADE.items()}))


def test_order_ids_of_old_trades_are_no_prices() -> None:
    update = only({**TRADE, "b": 88010203040, "a": 3})
    assert (update.price, update.bid, update.ask) == (61734.55, None, None)


@pytest.mark.parametrize("message, number", [
    (TRADE | {"t": 4101000001, "a": 3, "b": 88010203040}, 4101000001),
    (TRADE | {"e": "aggTrade", "a": 700100200, "f": 1, "l": 2}, 700100200),
    (BOOK | {"u": 51000000001}, 51000000001),
    (TICKER, None),
])
def test_trades_and_books_have_the_exchanges_own_number(
    message: dict[str, Any], number: int | None
) -> None:
    """The same on every connection; a ticker has none, its stamp must do."""
    update = only(message)
    assert update.event_id == number and type(update.event_id) is type(number)


def test_shutdown_is_announced_raw_and_in_the_envelope() -> None:
    message = {"e": "serverShutdown", "E": 1790000000123}
    for frame in (message, {"stream": "!serverShutdown", "data": message}):
        with pytest.raises(ClosingSoon, match="binance: serverShutdown"):
            parse(binance, compact(frame))


def test_book_ticker_is_known_by_its_shape_and_has_no_time() -> None:
    """K23: it is the top of the book itself, not a row of the diff stream."""
    update = only(BOOK)
    assert (update.type, update.price, update.timestamp, update.volume) == (
        "orderbook", 100.5, None, None)


@pytest.mark.parametrize("side", ["a", "b"])
@pytest.mark.parametrize("empty", ["0.00000000", None])
def test_book_with_an_empty_side_has_no_middle(side: str, empty: str | None) -> None:
    assert parse(binance, compact({**BOOK, side: empty})) == []


def test_diff_of_a_book_is_never_taken_for_its_top() -> None:
    """K23."""
    diff = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "b": [["1.0", "0"]], "a": [["9.0", "1"]]}
    assert parse(binance, compact(diff)) == []


@pytest.mark.parametrize("message", [TRADE, TICKER, BOOK])
def test_envelope_of_a_combined_stream_makes_no_difference(message: dict[str, Any]) -> None:
    assert parse(binance, compact({"stream": "x", "data": message})) == [only(message)]


@pytest.mark.parametrize("error", [
    {"code": 0, "msg": "Unknown property", "id": 4},
    {"code": 2, "msg": "Invalid request: missing field `method`"},
    {"error": {"code": 2, "msg": "Invalid request: nested"}, "id": 4},
])
def test_refusal_is_an_error_of_the_exchange_with_its_words(error: dict[str, Any]) -> None:
    """K24: somebody reads the answer to a subscription."""
    with pytest.raises(ExchangeError, match="Unknown property|Invalid request"):
        parse(binance, compact(error))


def test_volume_of_a_trade_is_its_size_and_of_a_ticker_that_of_the_day() -> None:
    """K25."""
    assert (only(TRADE).volume, only(TICKER).volume) == (0.0025, 7312.4)


def test_crossed_book_is_refused() -> None:
    """D063."""
    with pytest.raises(ParseError, match="bid .* above ask"):
        only({**BOOK, "b": "102.0"})


def test_stream_names_are_lower_case_though_payloads_are_upper_case() -> None:
    """A stream name in upper case is acknowledged, and then nothing ever comes."""
    (text,) = binance.subscribe(["BTCUSDT", "ETHBTC"], ["ticker", "trade", "orderbook"])
    request = json.loads(text)
    assert request["method"] == "SUBSCRIBE"
    assert request["params"] == [
        "btcusdt@ticker", "btcusdt@trade", "btcusdt@bookTicker",
        "ethbtc@ticker", "ethbtc@trade", "ethbtc@bookTicker"]


@pytest.mark.parametrize("base", ["wss://x.example:9443", "wss://x.example:9443/"])
def test_combined_streams_are_opened(base: str) -> None:
    assert binance.stream_url(base) == "wss://x.example:9443/stream"
