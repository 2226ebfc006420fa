import logging
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot import __version__
from bot.judging.explanation import Explanation, LegVerdict
from bot.model import Quote
from bot.web.app import create_app, endpoints
from bot.web.guard import trusted_hosts
from bot.web.pages import PAGES
from tests.web.fakes import FakeView, quote

NOW = 1704067200.456
PRICE = (
    b'{"symbol":"BTCUSDT","price":50000.1,"bid":50000.0,"ask":50000.2,"volume":12345.6,'
    b'"source":"websocket","exchange":"binance","timestamp":1704067200000,'
    b'"receivedAt":1704067200087,"ageMs":120,"synthetic":false,"trusted":true,'
    b'"reason":"active source is fresh","instance":"primary","status":"trusted",'
    b'"confidence":12.5,"sourcesUsed":["binance","okx"]}')
ETH = PRICE.replace(b"BTC", b"ETH")
SOURCES = (
    b'"sources":[{"exchange":"binance","connected":true,"latency":87,"lastUpdate":1704067200000,'
    b'"messagesReceived":15234,"errors":0},{"exchange":"okx","connected":true,"latency":142,'
    b'"lastUpdate":1704067199500,"messagesReceived":12891,"errors":1}]')
ENDPOINTS = endpoints(create_app(FakeView(), token=None, trusted_hosts=None))
# that a GET without parameters is answered by, and not to be kept
PATHS = [path.replace("<symbol>", "BTCUSDT") for path in ENDPOINTS
         if path not in ("/ws", "/api/v1/snapshot", "/openapi.json", "/static/<name>", "/login",
                         "/logout", "/api/analytics/<name>")]


def ask(
    view: FakeView, token: str | None = None, hosts: Sequence[str] | None = None
) -> FlaskClient:
    return create_app(view, token=token, trusted_hosts=hosts, clock=lambda: NOW).test_client()


@pytest.mark.parametrize("path, body", [
    ("/api", b'{"name":"autonomous-bot","version":"' + __version__.encode() + b'",'
             b'"instance":"primary","endpoints":["/dashboard","/","/static/<name>","/login",'
             b'"/logout","/api","/healthz","/readyz","/ws","/api/websocket/health",'
             b'"/api/websocket/sources","/api/websocket/active-source",'
             b'"/api/v1/prices/<symbol>","/api/v1/prices","/api/v1/kafka","/api/v1/recorder",'
             b'"/api/v1/alerts","/api/v1/board","/api/v1/trail","/api/v1/incidents",'
             b'"/api/v1/availability","/api/v1/drill","/api/analytics","/api/analytics/<name>",'
             b'"/api/v1/snapshot","/metrics","/openapi.json"]}'),
    ("/healthz", b'{"status":"ok","instance":"primary"}'),
    ("/readyz", b'{"status":"ready","symbol":"BTCUSDT","source":"websocket",'
                b'"reason":"active source is fresh","instance":"primary"}'),
    ("/api/websocket/health",
     b'{"healthy":true,"activeSource":"binance","connectedSources":2,"totalSources":2,'
     + SOURCES + b',"updateCount":28125,"lastUpdate":1704067200000,"instance":"primary",'
                 b'"timestamp":1704067200456}'),
    ("/api/websocket/sources", b"{" + SOURCES + b"}"),
    ("/api/websocket/active-source",
     b'{"activeSource":"binance","instance":"primary","timestamp":1704067200456}'),
    ("/api/v1/prices/BTCUSDT", PRICE),
    ("/api/v1/prices", b'{"prices":[' + PRICE + b"," + ETH + b'],"instance":"primary",'
                       b'"timestamp":1704067200456}'),
])
def test_answers_word_by_word(view: FakeView, path: str, body: bytes) -> None:
    answer = ask(view).get(path)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "application/json", body)


@pytest.mark.parametrize("path, body", [
    ("health", b'{"error":"WebSocket not enabled","enabled":false}'),
    ("sources", b'{"error":"WebSocket not enabled"}'),
    ("active-source", b'{"error":"WebSocket not enabled"}'),
])
def test_says_that_the_feeds_are_disabled(view: FakeView, path: str, body: bytes) -> None:
    view.feeds_enabled = False
    answer = ask(view).get(f"/api/websocket/{path}")
    assert (answer.status_code, answer.mimetype, answer.data) == (503, "application/json", body)


def test_prices_are_served_with_the_feeds_disabled(view: FakeView) -> None:
    view.feeds_enabled = False
    assert ask(view).get("/api/v1/prices/BTCUSDT").data == PRICE


@pytest.mark.parametrize("spelling", ["BTC-USDT", "BTC/USDT", "BTC%2FUSDT", "btcusdt", "btc_usdt"])
def test_a_symbol_may_be_spelled_in_any_way(view: FakeView, spelling: str) -> None:
    assert ask(view).get(f"/api/v1/prices/{spelling}").data == PRICE


@pytest.mark.parametrize("symbol", ["XRPUSDT", "BTCUSD", "nonsense", "a b", "%00", "x" * 5000])
def test_an_unknown_symbol_is_not_found(view: FakeView, symbol: str) -> None:
    answer = ask(view).get(f"/api/v1/prices/{symbol}")
    problem(answer, 404)
    assert len(answer.data) < 700


def test_an_unknown_symbol_is_told_which_there_are(view: FakeView) -> None:
    body = problem(ask(view).get("/api/v1/prices/xrpusdt"), 404)
    assert body["detail"] == "unknown symbol 'xrpusdt'; there are BTCUSDT, ETHUSDT"


@pytest.mark.parametrize("text", ["-1", "abc", "", "1.5", "1e3", "٣", "+5", "9" * 5000])
@pytest.mark.parametrize("path", ["/api/v1/prices", "/api/v1/prices/BTCUSDT"])
def test_an_impossible_age_limit_is_refused(view: FakeView, path: str, text: str) -> None:
    body = problem(ask(view).get(path, query_string={"max_age_ms": text}), 400)
    assert body["detail"].startswith("max_age_ms: must be one integer >= 0, in milliseconds, got '")
    assert body["detail"].endswith("write ?max_age_ms=500")


@pytest.mark.parametrize("query", ["max_age=500", "maxAgeMs=500", "max_age_ms=1&max_age_ms=9"])
def test_a_misspelt_age_limit_is_refused_rather_than_ignored(view: FakeView, query: str) -> None:
    assert "max_age_ms" in problem(ask(view).get(f"/api/v1/prices/BTCUSDT?{query}"), 400)["detail"]


def test_an_age_limit_is_handed_on_in_seconds(view: FakeView) -> None:
    assert ask(view).get("/api/v1/prices/BTCUSDT?max_age_ms=120").data == PRICE
    assert ask(view).get("/api/v1/prices?max_age_ms=120").status_code == 200


@pytest.mark.parametrize("poor", [
    quote(age_s=0.5), quote(synthetic=True), quote(trusted=False)])
def test_a_read_with_an_age_limit_fails_closed(view: FakeView, poor: Quote) -> None:
    view.quotes["BTCUSDT"] = poor
    body = problem(ask(view).get("/api/v1/prices/BTCUSDT?max_age_ms=499"), 503)
    assert "price" not in body
    assert body["reasons"] == {"websocket": "too old"}


def test_no_price_is_a_503_with_the_reason_of_each_tier(view: FakeView) -> None:
    view.quotes.clear()
    assert ask(view).get("/api/v1/prices/BTCUSDT").data == (
        b'{"type":"about:blank","title":"Service Unavailable","status":503,'
        b'"detail":"no price of BTCUSDT to give","symbol":"BTCUSDT",'
        b'"reason":"every tier was passed over","reasons":{"websocket":"nothing received",'
        b'"okx":"timed out"},"instance":"primary"}')


def test_a_symbol_without_price_does_not_hide_the_others(view: FakeView) -> None:
    del view.quotes["ETHUSDT"]
    answer = ask(view).get("/api/v1/prices")
    assert answer.status_code == 200
    assert answer.data == (
        b'{"prices":[' + PRICE + b',{"symbol":"ETHUSDT","price":null,'
        b'"reason":"every tier was passed over","reasons":{"websocket":"nothing received",'
        b'"okx":"timed out"},"instance":"primary"}],"instance":"primary",'
        b'"timestamp":1704067200456}')


def test_all_prices_are_a_503_only_when_there_is_none(view: FakeView) -> None:
    view.quotes.clear()
    body = problem(ask(view).get("/api/v1/prices"), 503)
    assert body["reason"] == "every tier was passed over"
    assert [price["symbol"] for price in body["prices"]] == ["BTCUSDT", "ETHUSDT"]


@pytest.mark.parametrize("poor", [quote(synthetic=True), quote(trusted=False)])
def test_is_not_ready_without_a_trusted_real_price(view: FakeView, poor: Quote) -> None:
    view.quotes["BTCUSDT"] = poor
    body = problem(ask(view).get("/readyz"), 503)
    assert body["detail"] == "no trusted real price of BTCUSDT"
    assert body["reasons"] == {"websocket": "too old"}


def test_is_not_ready_without_any_price_but_alive(view: FakeView) -> None:
    view.quotes.clear()
    assert problem(ask(view).get("/readyz"), 503)["reasons"] == view.reasons
    assert ask(view).get("/healthz").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_token_protects_everything_but_healthz(view: FakeView, path: str) -> None:
    client = ask(view, token="geheim")
    bare = client.get(path)
    assert bare.status_code == (200 if path == "/healthz" else 401)
    if path != "/healthz":
        assert bare.headers["WWW-Authenticate"].lower().startswith("bearer")
    assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == (
        bare.status_code)
    assert client.get(path, headers={"Authorization": "Bearer geheim"}).status_code == 200


@pytest.mark.parametrize("path", ["/nope", "/ws"])
def test_a_token_is_asked_for_before_anything_is_told(view: FakeView, path: str) -> None:
    problem(ask(view, token="geheim").get(path), 401)


@pytest.mark.parametrize("path", PATHS)
def test_a_foreign_host_is_refused_on_loopback(view: FakeView, path: str) -> None:
    client = ask(view, hosts=trusted_hosts("127.0.0.1"))
    assert client.get(path, headers={"Host": "evil.example:3001"}).status_code == 400
    assert client.get(path, headers={"Host": "[::1]:3001"}).status_code == 200


def test_a_request_without_a_host_is_told_what_is_missing(view: FakeView) -> None:
    body = problem(ask(view, hosts=trusted_hosts("127.0.0.1")).get("/api", headers={"Host": ""}),
                   400)
    assert body["detail"] == (
        "there is no header Host; address this server as 127.0.0.1 or localhost or [::1]")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", [path for path in PATHS if path != "/api/v1/drill"])
def test_only_get_and_head_are_allowed(view: FakeView, path: str, method: str) -> None:
    answer = ask(view).open(path, method=method)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    if path.startswith("/api/websocket/"):
        assert answer.json == {
            "error": "not with this method; the header Allow names those that are possible"}
    else:
        problem(answer, 405)


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(view: FakeView, path: str) -> None:
    head, whole = ask(view).head(path), ask(view).get(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers == whole.headers


@pytest.mark.parametrize("path", [
    *(path for path in PATHS if path not in PAGES), "/nope", "/api/websocket/nope",
    "/api/v1/prices/nope"])
def test_nothing_is_cached_or_sniffed(view: FakeView, path: str) -> None:
    headers = ask(view).get(path).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_errors_under_api_websocket_are_plain(view: FakeView) -> None:
    answer = ask(view).get("/api/websocket/nope")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert list(answer.json or ()) == ["error"]


@pytest.mark.parametrize("path", ["/nope", "/api/v1//prices", "/healthz/", "/static/x"])
def test_an_unknown_path_is_not_found_and_never_redirected(view: FakeView, path: str) -> None:
    body = problem(ask(view).get(path), 404)
    assert body["detail"] == "nothing is at this address; GET /api lists what there is"


def test_an_internal_fault_is_logged_and_not_shown(
    view: FakeView, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode() -> None:
        raise RuntimeError("geheim")

    monkeypatch.setattr(view, "source_statuses", explode)
    monkeypatch.setattr(view, "quote", lambda *_: explode())
    with caplog.at_level(logging.ERROR):
        plain = ask(view).get("/api/websocket/health")
        told = ask(view).get("/api/v1/prices/BTCUSDT")
    assert plain.status_code == 500 and list(plain.json or ()) == ["error"]
    assert problem(told, 500)["detail"] == "an internal fault; it is in the bot's log"
    assert b"geheim" not in plain.data + told.data and b"Traceback" not in plain.data + told.data
    assert "geheim" in caplog.text


def test_the_instance_of_a_problem_is_a_uri_reference(view: FakeView) -> None:
    view.instance = "zweite ü"
    assert problem(ask(view).get("/nope"), 404)["instance"] == "zweite%20%C3%BC"


def test_the_websocket_address_tells_plain_requests_what_it_is(view: FakeView) -> None:
    assert "WebSocket" in problem(ask(view).get("/ws"), 400)["detail"]
    foreign = ask(view).get("/ws", headers={"Origin": "http://evil.example"})
    assert "'http://evil.example'" in problem(foreign, 403)["detail"]


def problem(answer: Any, status: int) -> dict[str, Any]:
    """The body, after a look at what every problem has."""
    body: dict[str, Any] = answer.json
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert list(body)[:4] == ["type", "title", "status", "detail"]
    assert body["status"] == status and "instance" in body
    return body


LEG = LegVerdict(source="binance", kind="stream", price=50000.1, age_ms=120.0, lag_ms=1.25,
                 offset_ms=87.0, low=49980.0, high=50020.0, basis_bps=0.5, noise_bps=0.25,
                 accepted=True, rule="agrees", words="agrees with the others")
TOLD = Explanation("binance", "first fresh data", ("binance", "okx"), (), True, (LEG,))


def test_explains_every_leg_when_asked_to(view: FakeView) -> None:
    view.explanation = TOLD
    body = ask(view).get("/api/v1/prices/btc-usdt?explain=true").get_json()
    assert body["price"] == 50000.1
    assert body["explain"]["activeSource"] == "binance"
    assert body["explain"]["agreeing"] == ["binance", "okx"] and body["explain"]["majority"]
    (leg,) = body["explain"]["legs"]
    assert (leg["ageMs"], leg["lagMs"], leg["offsetMs"], leg["low"], leg["high"]) == (
        120.0, 1.25, 87.0, 49980.0, 50020.0)
    assert (leg["accepted"], leg["rule"], leg["bid"]) == (True, "agrees", None)


def test_explains_also_why_there_is_no_price(view: FakeView) -> None:
    view.explanation = TOLD
    view.quotes.clear()
    body = problem(ask(view).get("/api/v1/prices/BTCUSDT?explain=true"), 503)
    assert body["explain"]["legs"]


@pytest.mark.parametrize("query", ["", "?explain=false"])
def test_explains_nothing_unasked(view: FakeView, query: str) -> None:
    view.explanation = TOLD
    assert ask(view).get(f"/api/v1/prices/BTCUSDT{query}").data == PRICE


def test_explain_is_true_or_false(view: FakeView) -> None:
    body = problem(ask(view).get("/api/v1/prices/BTCUSDT?explain=maybe"), 400)
    assert body["detail"] == "explain: must be true or false, got 'maybe'; write ?explain=true"
