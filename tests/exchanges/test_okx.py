"""What is particular to OKX, its REST ticker included."""

import json
from typing import Any

import pytest

from bot.errors import ClosingSoon, ExchangeError, ParseError
from bot.exchanges import okx
from bot.model import MarketDataUpdate
from tests.exchanges.cases import compact, natives, parse

TS = 1790000000123
TICKER = {"instType": "SPOT", "instId": "BTC-USDT", "last": "61734.5", "askPx": "61734.9",
          "bidPx": "61734.8", "vol24h": "7312.4", "volCcy24h": "451731002.1", "ts": str(TS)}


def trade(px: str = "61734.6", ts: int = TS, **fields: Any) -> dict[str, Any]:
    return {"instId": "BTC-USDT", "tradeId": "1", "px": px, "sz": "0.5", "side": "buy",
            "ts": str(ts)} | fields


def frame(channel: str, *rows: dict[str, Any], inst: str = "BTC-USDT") -> bytes:
    return compact({"arg": {"channel": channel, "instId": inst}, "data": rows})


def rest(*rows: dict[str, Any], code: str = "0", msg: str = "") -> MarketDataUpdate:
    body = compact({"code": code, "msg": msg, "data": rows})
    return okx.parse_ticker(body, natives(okx), 7, 8.0)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_every_row_of_a_batch_comes_out_in_order(count: int) -> None:
    """K27: the earlier implementation took the first one only."""
    rows = [trade(str(100 + number), TS + number) for number in range(count)]
    updates = parse(okx, frame("trades", *rows))
    assert [update.price for update in updates] == [100.0 + number for number in range(count)]
    assert [update.timestamp for update in updates] == [TS + number for number in range(count)]


def test_pong_is_text_and_no_error() -> None:
    """K26: neither sent with quotation marks nor read as JSON."""
    assert okx.PING == "ping" and okx.PONG == b"pong"
    assert parse(okx, b"pong") == []
    with pytest.raises(ParseError):
        parse(okx, b'"pong"')


@pytest.mark.parametrize("bid, ask, found", [
    ("", "", (None, None)), ("61734.1", "", (61734.1, None)), ("", "61734.9", (None, 61734.9)),
    ("0", "61734.9", (None, 61734.9)),
])
def test_empty_text_is_an_empty_side(
    bid: str, ask: str, found: tuple[float | None, float | None]
) -> None:
    (update,) = parse(okx, frame("tickers", TICKER | {"bidPx": bid, "askPx": ask}))
    assert (update.bid, update.ask) == found and update.price == 61734.5


def test_last_price_outside_bid_and_ask_is_normal() -> None:
    (update,) = parse(okx, frame("tickers", TICKER | {"last": "70000"}))
    assert update.price == 70000.0


def test_volume_is_in_the_base_currency() -> None:
    """K25."""
    assert parse(okx, frame("tickers", TICKER))[0].volume == 7312.4
    assert parse(okx, frame("trades", trade()))[0].volume == 0.5


@pytest.mark.parametrize("inst", ["BTC-USDT-SWAP", "BTC-USDT-260327", "BTC-USD", "BTC-USDC"])
def test_other_markets_of_the_same_coin_are_other_markets(inst: str) -> None:
    assert parse(okx, frame("tickers", TICKER | {"instId": inst}, inst=inst)) == []


@pytest.mark.parametrize("code", ["60012", "60018", "60014", "64001"])
def test_error_event_is_an_error_of_the_exchange_with_code_and_words(code: str) -> None:
    """K30: a channel on the wrong path is reported and not passed over."""
    with pytest.raises(ExchangeError, match=f"{code}.*doesn't exist"):
        parse(okx, compact({"event": "error", "code": code, "msg": "channel doesn't exist"}))


def test_notice_of_an_upgrade_announces_the_close_and_other_notices_nothing() -> None:
    with pytest.raises(ClosingSoon, match="okx: notice 64008, soon closed"):
        parse(okx, compact({"event": "notice", "code": "64008", "msg": "soon closed"}))
    assert parse(okx, compact({"event": "notice", "code": "64009", "msg": "news"})) == []


def test_trades_and_books_have_the_exchanges_own_number() -> None:
    """The same on every connection; a ticker has none, its stamp must do."""
    row = trade(tradeId="1051102132", seqId=7)
    book = {"asks": [["2", "1", "0", "1"]], "bids": [["1", "1", "0", "1"]], "ts": str(TS)}
    assert parse(okx, frame("trades", row))[0].event_id == 1051102132
    assert parse(okx, frame("bbo-tbt", book | {"seqId": 363996337}))[0].event_id == 363996337
    assert parse(okx, frame("bbo-tbt", book))[0].event_id is None
    assert parse(okx, frame("tickers", TICKER))[0].event_id is None


@pytest.mark.parametrize("number", ["", "x", "-1", "9" * 5000])
def test_odd_number_of_a_trade_costs_the_number_and_not_the_trade(number: str) -> None:
    assert parse(okx, frame("trades", trade(tradeId=number)))[0].event_id is None


def test_channels_are_those_of_the_public_path() -> None:
    """K30."""
    (text,) = okx.subscribe(["BTC-USDT"], ["ticker", "trade", "orderbook"])
    assert json.loads(text) == {"op": "subscribe", "args": [
        {"channel": channel, "instId": "BTC-USDT"} for channel in ("tickers", "trades", "bbo-tbt")]}
    assert okx.stream_url(okx.WS_URL) == okx.WS_URL


@pytest.mark.parametrize("base", ["http://x:1", "http://x:1/"])
def test_rest_request_names_the_instrument(base: str) -> None:
    assert okx.ticker_url(base, "BTC-USDT") == "http://x:1/api/v5/market/ticker?instId=BTC-USDT"


def test_rest_ticker_is_that_of_the_channel() -> None:
    update = rest(TICKER)
    assert (update.symbol, update.type, update.price, update.bid, update.ask, update.volume) == (
        "BTCUSDT", "ticker", 61734.5, 61734.8, 61734.9, 7312.4)
    assert (update.timestamp, update.received_at, update.received_mono) == (TS, 7, 8.0)


@pytest.mark.parametrize("code", ["51001", "50011", "50026"])
def test_rest_error_in_http_200_is_an_error(code: str) -> None:
    with pytest.raises(ExchangeError, match=f"{code}, Instrument"):
        rest(code=code, msg="Instrument ID does not exist")
    with pytest.raises(ExchangeError):
        rest(TICKER, code=code, msg="Instrument ID does not exist")


@pytest.mark.parametrize("rows", [
    (), (TICKER | {"instId": "XYZ-USDT"},), (TICKER | {"last": ""},), (TICKER | {"last": "0"},),
    (TICKER | {"ts": "soon"},), (TICKER | {"bidPx": "70000"},),
])
def test_rest_answer_without_a_possible_price_is_refused(rows: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ParseError):
        rest(*rows)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b'{"code":"0"}', b"\xff"])
def test_rest_junk_is_refused(body: bytes) -> None:
    with pytest.raises((ParseError, ExchangeError)):
        okx.parse_ticker(body, natives(okx), 7, 8.0)
