"""What each exchange answers of its clock, its symbols and a subscription: what doctor asks."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.errors import ExchangeError, ParseError
from bot.exchanges import ALL, binance, okx
from bot.exchanges.base import Exchange
from bot.sandbox.server import Sandbox
from bot.symbols import Symbol
from tests.exchanges.cases import compact

EACH = pytest.mark.parametrize("exchange", ALL.values(), ids=ALL)
BTC = Symbol("BTC", "USDT")
RECORDED = Path(os.environ.get("BOT_RECORDINGS", "/nowhere"))


def of_okx(*rows: dict[str, Any], code: str = "0") -> bytes:
    return compact({"code": code, "msg": "words", "data": rows})


def test_clocks_are_read() -> None:
    assert binance.parse_time(b'{"serverTime":1499827319559}') == 1499827319559
    assert okx.parse_time(of_okx({"ts": "1597026383085"})) == 1597026383085


@EACH
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"<html>", b"\xff", b"{}", b'{"code":"0"}',
                                  b'{"serverTime":"soon"}', b'{"code":"0","data":[{"ts":"-1"}]}'])
def test_junk_is_no_time(exchange: Exchange, body: bytes) -> None:
    with pytest.raises((ParseError, ExchangeError)):
        exchange.parse_time(body)


def test_an_error_in_place_of_the_time_is_one_of_the_exchange() -> None:
    with pytest.raises(ExchangeError, match="-1003, banned"):
        binance.parse_time(b'{"code":-1003,"msg":"banned"}')
    with pytest.raises(ExchangeError, match="50011"):
        okx.parse_time(of_okx(code="50011"))


@pytest.mark.parametrize("status", ["TRADING", "HALT", "BREAK", "CANCEL_ONLY"])
def test_the_state_of_a_symbol_is_the_word_of_binance(status: str) -> None:
    body = compact({"symbols": [{"symbol": "ETHUSDT", "status": "X"},
                                {"symbol": "BTCUSDT", "status": status}]})
    assert binance.parse_instrument(body, "BTCUSDT") == status


@pytest.mark.parametrize("status, allowed, traded", [
    ("TRADING", True, True), ("TRADING", False, False), ("HALT", True, False),
    ("HALT", False, False)])
def test_what_is_not_allowed_on_spot_is_not_traded_at_binance(
    status: str, allowed: bool, traded: bool
) -> None:
    body = compact({"symbols": [{"symbol": "BTCUSDT", "status": status,
                                 "isSpotTradingAllowed": allowed}]})
    state = binance.parse_instrument(body, "BTCUSDT")
    assert (state == binance.TRADING) is traded
    assert state == (status if allowed or status == "HALT" else "TRADING, but not on spot")


@pytest.mark.parametrize("state", ["live", "suspend", "preopen", "test"])
def test_the_state_of_a_symbol_is_the_word_of_okx(state: str) -> None:
    body = of_okx({"instId": "BTC-USDT", "state": state, "tickSz": "0.1", "instIdCode": None})
    assert okx.parse_instrument(body, "BTC-USDT") == state


def test_a_symbol_that_is_not_listed_has_no_state() -> None:
    assert binance.parse_instrument(b'{"code":-1121,"msg":"Invalid symbol."}', "X") is None
    assert okx.parse_instrument(of_okx(code="51001"), "X-Y") is None
    assert okx.parse_instrument(of_okx({"instId": "BTC-USDT", "state": "live"}), "X-Y") is None


@EACH
@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"\xff", b'{"symbols":5,"data":5}'])
def test_junk_is_no_listing(exchange: Exchange, body: bytes) -> None:
    with pytest.raises((ParseError, ExchangeError)):
        exchange.parse_instrument(body, "BTCUSDT")


def test_an_error_in_place_of_a_listing_is_not_taken_for_a_symbol_not_listed() -> None:
    with pytest.raises(ExchangeError):
        binance.parse_instrument(b'{"code":-1003,"msg":"banned"}', "BTCUSDT")
    with pytest.raises(ExchangeError):
        okx.parse_instrument(of_okx(code="50011"), "BTC-USDT")


@pytest.mark.parametrize("exchange, frame, taken", [
    (binance, b'{"result":null,"id":1}', True),
    (binance, b'{"id":1,"result":null}', True),
    (binance, b'{"result":["btcusdt@ticker"],"id":3}', False),
    (binance, b'{"code":2,"msg":"Invalid request","id":1}', False),
    (binance, b'{"e":"trade","s":"BTCUSDT","p":"1","q":"1","E":1}', False),
    (okx, b'{"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"}}', True),
    (okx, b'{"id": "7", "event": "subscribe", "arg": {"channel": "trades"}}', True),
    (okx, b'{"event":"error","code":"60018","msg":"doesn\'t exist"}', False),
    (okx, b"pong", False),
])
def test_an_acknowledgement_is_told_from_everything_else(
    exchange: Exchange, frame: bytes, taken: bool
) -> None:
    assert exchange.is_acknowledgement(frame) is taken


@EACH
def test_the_practice_exchange_answers_as_the_real_one_does(exchange: Exchange) -> None:
    with Sandbox(rate=0) as sandbox:
        base, native = sandbox.rest_url(exchange.NAME), exchange.native(BTC)

        def get(url: str) -> bytes:
            return requests.get(url, timeout=5).content

        def state(native: str) -> str | None:
            return exchange.parse_instrument(get(exchange.instrument_url(base, native)), native)

        assert exchange.parse_time(get(exchange.time_url(base))) > 1_700_000_000_000
        assert state(native) == exchange.TRADING
        assert state(exchange.native(Symbol("NO", "PE"))) is None
        sandbox.fault(exchange.NAME, "halt", "btc-usdt")
        assert state(native) not in (None, exchange.TRADING)
        assert state(exchange.native(Symbol("ETH", "USDT"))) == exchange.TRADING
        sandbox.heal()
        assert state(native) == exchange.TRADING
        sandbox.fault(exchange.NAME, "rest_reject")
        assert requests.get(exchange.time_url(base), timeout=5).status_code == 451


@EACH
def test_the_recorded_list_of_symbols_is_understood(exchange: Exchange) -> None:
    file = RECORDED / exchange.NAME / "rest_symbols.jsonl.gz"
    if not file.exists():
        pytest.skip("BOT_RECORDINGS does not name a folder with recordings")
    with gzip.open(file, "rt") as lines:
        body = json.loads(next(lines))["raw"].encode()
    assert exchange.parse_instrument(body, exchange.native(BTC)) == exchange.TRADING
    assert exchange.parse_instrument(body, exchange.native(Symbol("NO", "PE"))) is None
