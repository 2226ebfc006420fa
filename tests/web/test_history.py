from typing import Any

import pytest

from bot.events import SourceJudged, SourceSwitched, VerdictChanged
from bot.incidents.incident import History
from tests.web.fakes import FakeView, quote
from tests.web.test_app import ask, problem

MS = 1704067200000


@pytest.fixture
def eventful(view: FakeView) -> FakeView:
    """BTC lost binance for 2.5 s, and ETH has no trusted price since."""
    ledger = view.ledger

    def judged(source: str, symbol: str, fault: str | None, since: float | None = None) -> None:
        ledger.source_judged(SourceJudged(source, symbol, fault, "silence", since, 0.0,
                                          view.mono.now))

    for symbol in view.symbols:
        for source in ("binance", "okx"):
            judged(source, symbol, None)
        ledger.verdict_changed(VerdictChanged(symbol, None, "trusted", 1.0, None, "", 0.0, 0.0))
    view.mono.now = 7.5
    judged("binance", "BTCUSDT", "no data for 5012 ms", 2.488)
    ledger.source_switch(SourceSwitched("BTCUSDT", "binance", "okx", 0.0, "why", -0.61234, 12.0,
                                        7.5005))
    view.mono.now = 10.0
    judged("binance", "BTCUSDT", None)
    ledger.verdict_changed(VerdictChanged("ETHUSDT", "trusted", None, None, None, "none", 0.0, 9.0))
    return view


def rows(view: FakeView, query: str = "") -> Any:
    answer = ask(view).get(f"/api/v1/incidents{query}")
    assert answer.status_code == 200
    return (answer.json or {})["incidents"]


def test_incidents_word_by_word(eventful: FakeView) -> None:
    assert ask(eventful).get("/api/v1/incidents").data == (
        b'{"incidents":[{"id":"primary-20240101T000009.000000-2","source":null,"symbol":"ETHUSDT",'
        b'"cause":"none","rule":"none","openedAt":1704067209000,"closedAt":null,'
        b'"durationMs":1000.0,"detectedAfterMs":null,"switchedAfterMs":null,"blackoutMs":null,'
        b'"priceStepBps":null,"instance":"primary",'
        b'"story":"ETHUSDT has no trusted price for 1.0 s so far.","advice":"There is no price at '
        b'all: the network of this machine first, then the status pages of the exchanges.",'
        b'"runbook":"docs/runbook.md#no-trusted-price"},'
        b'{"id":"primary-20240101T000007.500000-1","source":"binance","symbol":"BTCUSDT",'
        b'"cause":"no data for 5012 ms","rule":"silence","openedAt":1704067207500,'
        b'"closedAt":1704067210000,"durationMs":2500.0,"detectedAfterMs":5012.0,'
        b'"switchedAfterMs":0.5,"blackoutMs":12.0,"priceStepBps":-0.612,"instance":"primary",'
        b'"story":"binance was not fit for BTCUSDT for 2.5 s: no data for 5012 ms. Noticed 5.0 s '
        b'after its last good price. Another source took over 0 ms later, at a price -0.61 bps '
        b'away. Without a trusted price: 12 ms.","advice":"Nothing, while another source serves. '
        b'If it stays silent: the status page of the exchange.",'
        b'"runbook":"docs/runbook.md#source-silent"}],'
        b'"instance":"primary"}')


@pytest.mark.parametrize("trusted", [True, False])
def test_a_source_that_is_gone_needs_nothing_only_while_another_one_serves(
    view: FakeView, trusted: bool
) -> None:
    for told in (None, "no data for 5012 ms"):
        view.ledger.source_judged(SourceJudged("okx", "BTCUSDT", told, "silence", None, 0.0, 1.0))
    view.quotes["BTCUSDT"] = quote("BTCUSDT", trusted=trusted)
    [row] = rows(view)
    assert row["advice"].startswith("Nothing, while" if trusted else "No other source serves")
    [shown] = ask(view).get("/api/v1/board").json["incidents"]  # type: ignore[index]
    assert shown["advice"] == row["advice"] and shown["runbook"] == row["runbook"]


def test_availability_word_by_word(eventful: FakeView) -> None:
    fine = b'"fit":1.0,"fitMs":10000,"worstGapMs":0,"incidents":0,"mtbfMs":null}'
    assert ask(eventful).get("/api/v1/availability").data == (
        b'{"since":1704067200000,"observedMs":10000,"served":[{"symbol":"BTCUSDT","trusted":1.0,'
        b'"trustedMs":10000,"worstGapMs":0,"incidents":0,"mtbfMs":null},{"symbol":"ETHUSDT",'
        b'"trusted":0.9,"trustedMs":9000,"worstGapMs":1000,"incidents":1,"mtbfMs":9000}],'
        b'"sources":[{"source":"binance","symbol":"BTCUSDT","fit":0.75,"fitMs":7500,'
        b'"worstGapMs":2500,"incidents":1,"mtbfMs":7500},'
        b'{"source":"binance","symbol":"ETHUSDT",' + fine + b','
        b'{"source":"okx","symbol":"BTCUSDT",' + fine + b','
        b'{"source":"okx","symbol":"ETHUSDT",' + fine + b'],"instance":"primary"}')


@pytest.mark.parametrize("query, sources", [
    ("", [None, "binance"]), ("?limit=1", [None]), ("?limit=1000", [None, "binance"]),
    ("?symbol=BTCUSDT", ["binance"]), ("?symbol=eth-usdt", [None]),
    ("?source=binance", ["binance"]), ("?source=okx", []),
    ("?source=binance&symbol=ETHUSDT&limit=9", []),
])
def test_incidents_can_be_chosen(eventful: FakeView, query: str, sources: list[str | None]) -> None:
    assert [row["source"] for row in rows(eventful, query)] == sources


def test_the_time_without_a_bot_concerns_every_symbol(view: FakeView) -> None:
    view.ledger.adopt(History(MS / 1000 - 100, MS / 1000 - 40))
    (down,) = rows(view, "?symbol=ETHUSDT")
    assert (down["source"], down["symbol"], down["cause"]) == (None, None, "down")
    assert down["durationMs"] == 40_000
    body: Any = ask(view).get("/api/v1/availability").json
    assert body["since"] == MS - 100_000
    assert {row["trusted"] for row in body["served"]} == {0.6}
    assert {row["fit"] for row in body["sources"]} == {0.6}


def test_a_hundred_incidents_are_given_unless_asked_for_more(view: FakeView) -> None:
    for number in range(301):
        view.ledger.source_judged(SourceJudged(
            "okx", "BTCUSDT", "late" if number % 2 else None, "late", None, 0.0, float(number)))
    assert (len(rows(view)), len(rows(view, "?limit=120"))) == (100, 120)


@pytest.mark.parametrize("query, told", [
    ("limit=0", "limit: must be a whole number from 1 to 1000, got '0'; write ?limit=100"),
    ("limit=1001", "limit: must be a whole number from 1 to 1000"),
    ("limit=%2B5", "limit: must be"), ("limit=%D9%A3", "limit: must be"), ("limit=", "limit: must"),
    ("limit=1&limit=2", "limit: must be given once, got '1, 2'"),
    ("symbol=XRPUSDT", "symbol: must be one of BTCUSDT, ETHUSDT, got 'XRPUSDT'"),
    ("symbol=nonsense", "symbol: must be one of BTCUSDT, ETHUSDT, got 'nonsense'"),
    ("source=krakken", "source: must be one of binance, okx, got 'krakken'"),
    ("source=", "source: must be one of binance, okx, got ''"),
    ("sorce=okx", "unknown parameter 'sorce'; there are limit, symbol, source"),
])
def test_what_cannot_be_asked_is_refused_with_what_can(
    view: FakeView, query: str, told: str
) -> None:
    assert told in problem(ask(view).get(f"/api/v1/incidents?{query}"), 400)["detail"]


def test_availability_takes_no_parameters(view: FakeView) -> None:
    body = problem(ask(view).get("/api/v1/availability?symbol=BTCUSDT"), 400)
    assert body["detail"] == "unknown parameter 'symbol'; there are none"
