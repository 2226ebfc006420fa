import json
from typing import Any

import pytest

from bot.sandbox import okx_side
from bot.sandbox.market import Listing
from bot.sandbox.side import Session
from bot.symbols import parse_symbol

LISTINGS = {"BTCUSDT": Listing(parse_symbol("BTCUSDT"), 60_000.5, 1_700_000_000_000)}
TRADES = {"channel": "trades", "instId": "BTC-USDT"}


def answered(request: object) -> list[Any]:
    text = request if isinstance(request, str) else json.dumps(request)
    reply = okx_side.reply(Session("c0ffee"), text, okx_side.catalogue(LISTINGS))
    return [json.loads(frame) for frame in reply.frames]


def test_only_the_public_path_opens_a_session() -> None:
    assert okx_side.session("/ws/v5/public", "1") is not None
    assert okx_side.session("/ws/v5/business", "1") is None


def test_a_text_ping_is_answered_by_a_text_pong() -> None:
    assert okx_side.reply(Session("1"), "ping", set()).frames == [b"pong"]


def test_each_argument_is_acknowledged_with_the_request_s_id() -> None:
    tickers = {**TRADES, "channel": "tickers"}
    assert answered({"id": "15", "op": "subscribe", "args": [TRADES, tickers]}) == [
        {"id": "15", "event": "subscribe", "arg": arg, "connId": "c0ffee"}
        for arg in (TRADES, tickers)
    ]


def test_an_unknown_instrument_does_not_harm_its_neighbours() -> None:
    unknown = {"channel": "tickers", "instId": "LTC-USD"}
    error, ack = answered({"op": "subscribe", "args": [unknown, TRADES]})
    assert error == {
        "event": "error", "code": "60018", "connId": "c0ffee",
        "msg": "Wrong URL or channel:tickers,instId:LTC-USD doesn't exist. Please use the correct"
               " URL, channel and parameters referring to API document.",
    }
    assert ack["event"] == "subscribe"


def test_lower_case_is_refused() -> None:
    assert answered({"op": "subscribe", "args": [{**TRADES, "instId": "btc-usdt"}]})[0][
        "code"] == "60018"


@pytest.mark.parametrize("request_", [
    "hello", "[]", {"op": "jump", "args": [TRADES]}, {"op": "subscribe"},
    {"op": "subscribe", "args": []}, {"op": "subscribe", "args": ["trades"]},
    {"op": "subscribe", "args": [TRADES], "id": "no-dashes"}, {"op": "ping"},
])
def test_a_malformed_request_gets_60012(request_: object) -> None:
    [error] = answered(request_)
    assert error["code"] == "60012"
    assert error["msg"].startswith("Invalid request: ")


def test_a_second_subscription_is_acknowledged_but_not_new() -> None:
    session = Session("1", topics={"trades:BTC-USDT": None})
    text = json.dumps({"op": "subscribe", "args": [TRADES]})
    reply = okx_side.reply(session, text, okx_side.catalogue(LISTINGS))
    assert len(reply.frames) == 1
    assert not reply.added


def test_everything_but_sequence_numbers_is_a_string() -> None:
    listing = LISTINGS["BTCUSDT"]
    for kind in ("trade", "ticker"):
        [(_, build)] = okx_side.frames(kind, listing)
        [row] = json.loads(build(listing))
        assert all(isinstance(value, str) for key, value in row.items() if key != "seqId")
        assert row["ts"] == "1700000000000"
        assert row.get("px", row.get("last")) == "60000.5"


def test_an_empty_side_is_an_empty_string_or_list() -> None:
    listing = Listing(parse_symbol("BTCUSDT"), 60_000.0, 1)
    listing.quote(0, 60_001)
    [(_, ticker)] = okx_side.frames("ticker", listing)
    [(_, book)] = okx_side.frames("book", listing)
    assert json.loads(ticker(listing))[0]["bidPx"] == ""
    assert json.loads(book(listing))[0]["bids"] == []


def test_the_first_trade_is_as_old_as_asked() -> None:
    first = okx_side.first("trades:BTC-USDT", LISTINGS, 1_600_000_000_000)
    assert first is not None
    assert json.loads(first.payload)[0]["ts"] == "1600000000000"
    assert okx_side.first("trades:X-Y", LISTINGS, 0) is None


def rest(path: str, **query: str) -> tuple[int, Any]:
    answer = okx_side.rest("/api/v5/" + path, query, LISTINGS, 123)
    return answer.status, json.loads(answer.body)


def test_rest_answers_in_the_envelope() -> None:
    status, answer = rest("market/ticker", instId="BTC-USDT")
    assert (status, answer["code"], answer["data"][0]["last"]) == (200, "0", "60000.5")
    assert rest("market/tickers", instType="SPOT")[1]["data"] == answer["data"]
    assert rest("market/tickers", instType="SWAP")[1]["data"] == []
    assert rest("public/time")[1]["data"] == [{"ts": "123"}]
    assert rest("public/instruments", instType="SPOT")[1]["data"][0]["state"] == "live"


def test_a_rest_error_can_come_with_status_200() -> None:
    status, answer = rest("market/ticker", instId="NO-PE")
    assert (status, answer["code"], answer["data"]) == (200, "51001", [])
    assert rest("market/ticker")[0] == 400
    assert rest("market/tickers")[0] == 400
    assert rest("nowhere")[0] == 404
