from typing import Any

import msgspec
import pytest

from bot.events import SourceActivated, SourceConnected, SourceFault, SourceJudged, VerdictChanged
from bot.judging.explanation import Explanation, LegVerdict
from bot.web.glance import seen
from tests.web.fakes import FakeView, quote
from tests.web.test_app import ask, problem

MS = 1704067200000


def leg(source: str = "binance", rule: str = "agrees", **more: Any) -> LegVerdict:
    whole = LegVerdict(
        source=source, kind="stream", price=50000.1, age_ms=120.4, lag_ms=1.26, offset_ms=87.04,
        accepted=rule in ("agrees", "alone"), rule=rule, words="words")
    return msgspec.structs.replace(whole, **more)


def explained(*legs: LegVerdict, active: str | None = "binance") -> Explanation:
    return Explanation(active, "first fresh data", (), (), True, legs)


def board(view: FakeView, query: str = "") -> Any:
    answer = ask(view).get(f"/api/v1/board{query}")
    assert answer.status_code == 200
    return answer.json


def test_tells_the_price_as_the_prices_do(view: FakeView) -> None:
    body = board(view)
    assert body["symbol"] == "BTCUSDT"
    assert body["served"] == ask(view).get("/api/v1/prices/BTCUSDT").json


def test_another_symbol_may_be_asked_for_in_any_spelling(view: FakeView) -> None:
    assert board(view, "?symbol=eth-usdt")["served"]["symbol"] == "ETHUSDT"


def test_no_price_is_told_with_the_reasons(view: FakeView) -> None:
    view.quotes.clear()
    body = board(view)
    assert body["served"]["price"] is None
    assert body["served"]["reason"] == "websocket: nothing received; okx: timed out"
    assert [(row["tier"], row["state"], row["why"]) for row in body["tiers"]] == [
        ("websocket", "passed over", "nothing received"),
        ("kafka", "off", "switched off (ENABLE_KAFKA)"),
        ("okx", "passed over", "timed out"), ("mock", "standing by", "")]


def test_the_tier_that_serves_says_why(view: FakeView) -> None:
    told = board(view)["tiers"][0]
    assert told == {"tier": "websocket", "state": "serving", "why": "active source is fresh"}


def test_a_source_is_told_with_all_that_is_known_of_it(view: FakeView) -> None:
    view.explanation = explained(leg(price=50005.1), active="okx")
    view.trail.listeners["source_connected"](SourceConnected("binance", 0.0, "connected"))
    view.trail.listeners["source_connected"](SourceConnected("binance", 0.0, "connected"))
    view.trail.listeners["source_error"](SourceFault("binance", MS / 1000, "unreadable frame", 1))
    assert board(view)["sources"][0] == {
        "exchange": "binance", "connected": True, "state": "fit", "rule": None, "words": "words",
        "backInMs": None, "price": 50005.1, "bps": 1.0, "ageMs": 120, "pingMs": 87, "lagMs": 1.3,
        "offsetMs": 87.0, "messages": 15234, "rate": None, "errors": 0,
        "lastError": "unreadable frame", "lastErrorAt": MS, "reconnects": 1, "active": False}


def test_nobody_is_a_distance_from_a_price_that_is_made_up(view: FakeView) -> None:
    view.explanation = explained(leg(price=50005.1), active="okx")
    view.quotes["BTCUSDT"] = quote(source="mock", exchange=None, synthetic=True, trusted=False,
                                   status="synthetic")
    row = board(view)["sources"][0]
    assert (row["price"], row["bps"]) == (50005.1, None)


def test_an_old_incident_that_goes_on_is_shown_before_newer_ones_that_are_over(
    view: FakeView
) -> None:
    for source, times in (("okx", 1), ("binance", 20)):
        for number in range(times):
            for told in (None, "silent", *([None] if source == "binance" else [])):
                view.ledger.source_judged(SourceJudged(
                    source, "BTCUSDT", told, "silence", None, 0.0, 1.0 + number))
    body = board(view)
    assert body["openIncidents"] == 1 and body["now"]["severity"] == "warning"
    assert "okx" in {one["source"] for one in body["incidents"]}


def test_a_source_of_which_nothing_is_known_is_down(view: FakeView) -> None:
    view.explanation = explained()
    row = board(view)["sources"][1]
    assert (row["state"], row["price"], row["bps"], row["ageMs"]) == ("down", None, None, None)


@pytest.mark.parametrize("told, state", [
    (leg(), "fit"), (leg(rule="alone"), "fit"), (leg(rule="connection"), "down"), (None, "down"),
    (leg(rule="silence"), "unfit"), (leg(rule="disagreement"), "doubted"),
    (leg(rule="disagreement", back_in_ms=0.0), "away")])
def test_the_rule_says_what_a_source_is(told: LegVerdict | None, state: str) -> None:
    assert seen(told) == state


def test_a_source_put_away_says_when_it_may_come_back(view: FakeView) -> None:
    view.explanation = explained(leg("okx", "disagreement", back_in_ms=7301.4))
    row = board(view)["sources"][1]
    assert (row["state"], row["rule"], row["backInMs"]) == ("away", "disagreement", 7301)


def test_says_who_is_active_since_when_and_why(view: FakeView) -> None:
    view.explanation = explained()
    assert board(view)["active"] == {"source": "binance", "since": None, "why": "first fresh data"}
    view.mono.now = 5.0
    view.trail.listeners["source_activated"](
        SourceActivated("BTCUSDT", None, "binance", 0.0, "primary has just connected"))
    assert board(view)["active"] == {
        "source": "binance", "since": MS + 5000, "why": "first fresh data"}
    view.explanation = explained(active=None)
    assert board(view)["active"] == {"source": None, "since": None, "why": "first fresh data"}


def test_with_the_feeds_off_the_sources_are_those_of_kafka(view: FakeView) -> None:
    view.feeds_enabled, view.statuses = False, []
    view.explanation = explained(leg("kraken"))
    body = board(view)
    assert [row["exchange"] for row in body["sources"]] == ["kraken"]
    assert body["sources"][0]["connected"] is None and body["active"]["source"] is None


def test_every_symbol_says_whether_something_is_amiss(view: FakeView) -> None:
    view.trail.served("ETHUSDT", quote("ETHUSDT", status="degraded"), {})
    fail(view, "ETHUSDT")
    assert board(view)["symbols"] == [
        {"symbol": "BTCUSDT", "status": None, "openIncidents": 1},
        {"symbol": "ETHUSDT", "status": "degraded", "openIncidents": 1}]


def fail(view: FakeView, symbol: str) -> None:
    """Its price is lost, and a source is not fit."""
    ledger = view.ledger
    for told in (None, "no data for 5012 ms"):
        ledger.source_judged(SourceJudged("okx", "BTCUSDT", told, "silence", None, 0.0, 1.0))
    for status in ("trusted", None):
        ledger.verdict_changed(VerdictChanged(symbol, None, status, None, None, "none", 0.0, 2.0))


def test_with_nothing_open_there_is_nothing_to_do(view: FakeView) -> None:
    body = board(view)
    assert body["now"] == {"severity": "none", "advice": "Nothing to do.", "runbook": ""}
    assert (body["openIncidents"], body["incidents"]) == (0, [])


def test_what_to_do_is_that_of_the_worst_incident(view: FakeView) -> None:
    fail(view, "BTCUSDT")
    body = board(view)
    assert body["openIncidents"] == 2 and len(body["incidents"]) == 2
    assert body["now"]["severity"] == "critical"
    assert body["now"]["runbook"] == "docs/runbook.md#no-trusted-price"
    assert board(view, "?symbol=ETHUSDT")["openIncidents"] == 0


def test_says_how_the_process_and_what_surrounds_it_do(view: FakeView) -> None:
    body = board(view)
    assert (body["mode"], body["startedAt"], body["uptimeMs"]) == ("simulation", MS, 0)
    assert body["dashboards"] == {"connected": 1, "dropped": 0, "lostEvents": 0}
    assert (body["logLinesDropped"], body["recorder"], body["kafka"]) == (
        0, {"enabled": False}, [])


def test_says_whether_drills_are_allowed_and_how_the_last_went(view: FakeView) -> None:
    view.drills.refused = "drills are switched off"
    told = board(view)["drills"]
    assert (told["refused"], told["symbol"], told["faults"]) == (
        "drills are switched off", "BTCUSDT", ["cut", "silence"])
    assert told["last"]["state"] == "done" and told["last"]["report"]["switchedAfterMs"] == 12


def test_with_a_token_the_page_is_told_that_there_is_a_log_out(view: FakeView) -> None:
    assert board(view)["needsLogin"] is False
    told = ask(view, token="geheim").get("/api/v1/board", headers={
        "Authorization": "Bearer geheim"}).json
    assert told is not None and told["needsLogin"] is True


def test_news_come_to_whoever_says_what_he_has(view: FakeView) -> None:
    assert "news" not in board(view)
    view.trail.served("BTCUSDT", quote(), {})
    news = board(view, "?after=0")["news"]
    assert [change[1:4] for change in news["changes"]] == [["served", "websocket", "trusted"]]
    assert board(view, f"?after={news['cursor']}")["news"]["changes"] == []


@pytest.mark.parametrize("query, told", [
    ("symbol=XRPUSDT", "symbol: must be one of BTCUSDT, ETHUSDT, got 'XRPUSDT'"),
    ("after=-1", "after: must be the `cursor` of an earlier answer, got '-1'"),
    ("after=1e9", "after: must be"), ("since=1", "unknown parameter 'since'; there are symbol"),
])
def test_what_cannot_be_asked_is_refused(view: FakeView, query: str, told: str) -> None:
    assert told in problem(ask(view).get(f"/api/v1/board?{query}"), 400)["detail"]
