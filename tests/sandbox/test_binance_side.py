import json
from typing import Any

import pytest

from bot.sandbox import binance_side
from bot.sandbox.market import Listing
from bot.sandbox.side import Push, Session
from bot.symbols import parse_symbol

LISTINGS = {"BTCUSDT": Listing(parse_symbol("BTCUSDT"), 60_000.0, 1_700_000_000_000)}


def answered(text: str, session: Session | None = None) -> Any:
    reply = binance_side.reply(session or Session("1", True), text, set())
    assert len(reply.frames) == 1
    return json.loads(reply.frames[0])


@pytest.mark.parametrize(("path", "combined", "topics"), [
    ("/stream", True, []),
    ("/stream?streams=btcusdt@trade/ethusdt@ticker", True, ["btcusdt@trade", "ethusdt@ticker"]),
    ("/stream?streams=btcusdt%40trade", True, ["btcusdt@trade"]),
    ("/ws", False, []),
    ("/ws/btcusdt@trade", False, ["btcusdt@trade"]),
])
def test_every_documented_path_opens_a_session(
    path: str, combined: bool, topics: list[str]
) -> None:
    session = binance_side.session(path, "1")
    assert session is not None
    assert (session.combined, list(session.topics)) == (combined, topics)


def test_other_paths_open_nothing() -> None:
    assert binance_side.session("/wss", "1") is None


@pytest.mark.parametrize("stream", ["btcusdt@trade", "BTCUSDT@trade", "nonsense"])
def test_any_stream_name_is_acknowledged(stream: str) -> None:
    request = json.dumps({"method": "SUBSCRIBE", "params": [stream], "id": "a1"})
    assert answered(request) == {"result": None, "id": "a1"}


@pytest.mark.parametrize(("text", "code", "part"), [
    ("{", 3, "Invalid JSON"),
    ("[]", 2, "expected a map"),
    ('{"id":1}', 2, "missing field `method`"),
    ('{"method":"JUMP","id":1}', 2, "unknown variant `JUMP`, expected one of `SUBSCRIBE`"),
    ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2, "request ID must be"),
    ('{"method":"SUBSCRIBE","params":["a"],"id":"%s"}' % ("x" * 37), 2, "request ID must be"),
    ('{"method":"SUBSCRIBE","id":1}', 2, "list of stream names"),
    ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
    ('{"method":"SET_PROPERTY","params":[5,true],"id":1}', 2, "must be a string"),
    ('{"method":"GET_PROPERTY","params":["combined","x"],"id":1}', 2, "too many parameters"),
])
def test_a_bad_request_gets_a_flat_error(text: str, code: int, part: str) -> None:
    error = answered(text)
    assert error["code"] == code
    assert part in error["msg"]
    assert "id" not in error


def test_an_unknown_property_is_answered_with_the_id() -> None:
    assert answered('{"method":"GET_PROPERTY","params":["x"],"id":9}') == {
        "code": 0, "msg": "Unknown property", "id": 9}


def test_the_envelope_is_a_property() -> None:
    session = Session("1", True)
    assert answered('{"method":"GET_PROPERTY","params":["combined"],"id":1}', session) == {
        "result": True, "id": 1}
    answered('{"method":"SET_PROPERTY","params":["combined",false],"id":2}', session)
    assert binance_side.wrapped(session, Push("btcusdt@trade", "BTCUSDT", b"{}")) == b"{}"


def test_subscriptions_are_listed_in_their_order() -> None:
    session = Session("1", True, {"b@trade": None, "a@trade": None})
    assert answered('{"method":"LIST_SUBSCRIPTIONS","id":3}', session) == {
        "result": ["b@trade", "a@trade"], "id": 3}


def test_the_messages_have_the_documented_fields() -> None:
    listing = LISTINGS["BTCUSDT"]
    built = {topic: json.loads(build(listing)) for kind in ("trade", "ticker", "book")
             for topic, build in binance_side.frames(kind, listing)}
    assert set(built) == binance_side.catalogue(LISTINGS)
    assert set(built["btcusdt@trade"]) == set("eEstpqTmM")
    assert set(built["btcusdt@bookTicker"]) == set("usbBaA")
    assert set(built["btcusdt@miniTicker"]) == set("eEscohlvq")
    assert set(built["btcusdt@ticker"]) == set("eEspPwxcQbBaAohlvqOCFLn")
    assert built["btcusdt@trade"]["p"] == "60000.00000000"


def rest(path: str, **query: str) -> tuple[int, Any]:
    answer = binance_side.rest(path, query, LISTINGS, 123)
    return answer.status, json.loads(answer.body)


def test_rest_answers_one_object_for_symbol_and_an_array_otherwise() -> None:
    one = {"symbol": "BTCUSDT", "price": "60000.00000000"}
    assert rest("/api/v3/ticker/price", symbol="BTCUSDT") == (200, one)
    assert rest("/api/v3/ticker/price", symbols='["BTCUSDT"]') == (200, [one])
    assert rest("/api/v3/ticker/price") == (200, [one])
    assert rest("/api/v3/time") == (200, {"serverTime": 123})
    assert rest("/api/v3/ping") == (200, {})
    assert rest("/api/v3/ticker/bookTicker", symbol="BTCUSDT")[1]["bidQty"] == "1.50000000"
    assert rest("/api/v3/ticker/24hr", symbol="BTCUSDT")[1]["closeTime"] == 123
    assert rest("/api/v3/exchangeInfo", symbol="BTCUSDT")[1]["symbols"][0]["baseAsset"] == "BTC"


@pytest.mark.parametrize(("query", "code"), [
    ({"symbol": "NOPE"}, -1121), ({"symbols": '["BTCUSDT","NOPE"]'}, -1121),
    ({"symbols": "BTCUSDT"}, -1100), ({"symbol": "BTCUSDT", "symbols": "[]"}, -1101),
])
def test_rest_refuses_bad_symbols_with_400(query: dict[str, str], code: int) -> None:
    status, error = rest("/api/v3/ticker/price", **query)
    assert (status, error["code"]) == (400, code)


def test_an_unknown_rest_path_is_404() -> None:
    assert rest("/api/v1/ticker")[0] == 404
