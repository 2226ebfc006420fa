from typing import Any

from bot.events import SourceJudged
from bot.incidents.incident import Activation, History, Incident
from bot.judging.fitness import SourceView
from bot.model import FeedHealth
from tests.trail.test_samples import health
from tests.trail.test_samples import view as source_view
from tests.web.fakes import FakeView, quote
from tests.web.test_app import NOW, ask, problem

MS = 1704067200000


class Feeds:
    def healths(self) -> list[FeedHealth]:
        return [health(10, 0.0123), health(5, source="binance")]

    def views(self, symbol: str, healths: Any) -> list[SourceView]:
        return [source_view(100.0, 0.0456), source_view(None, None, source="binance")]


def trail(view: FakeView, query: str = "") -> Any:
    answer = ask(view).get(f"/api/v1/trail{query}")
    assert answer.status_code == 200
    return answer.json


def test_the_hour_word_by_word(view: FakeView) -> None:
    view.trail.listeners["source_judged"](
        SourceJudged("okx", "BTCUSDT", "no data for 5012 ms", "silence", None, 0.0, 0.0))
    view.trail.served("BTCUSDT", quote(), {})
    view.trail.sample(Feeds())
    assert ask(view).get("/api/v1/trail").data == (
        b'{"symbol":"BTCUSDT","timestamp":1704067200456,"instance":"primary",'
        b'"startedAt":1704067200000,"knownSince":1704067200000,'
        b'"tiers":["websocket","kafka","okx","mock"],'
        b'"statuses":["trusted","degraded","disputed","stale","synthetic"],"cursor":3,'
        b'"since":1704067200000,"everyMs":2000,"changes":['
        b'[1704067200000,"state","okx","unfit","silence","no data for 5012 ms"],'
        b'[1704067200000,"served","websocket","trusted","","active source is fresh"]],'
        b'"samples":{"at":[1704067200000],"price":[50000.1],"tier":[0],"status":[0],'
        b'"sources":{"binance":{"price":[null],"rate":[null],"lagMs":[null],"silentMs":[null]},'
        b'"okx":{"price":[100.0],"rate":[null],"lagMs":[12.3],"silentMs":[45.6]}}},'
        b'"pastSince":1704067200000,"past":[]}')


def test_what_earlier_lives_left_stands_before_the_start(view: FakeView) -> None:
    start = MS / 1000
    view.ledger.adopt(History(start - 7200, start - 60, (
        incident("a", "okx", "disagreement", start - 900, start - 800),
        incident("b", None, "stale", start - 700, start - 650),
        incident("c", "okx", "connection", start - 100, None),
        incident("d", "okx", "silence", start - 5000, start - 4000))))
    told = trail(view)
    assert told["pastSince"] == round(NOW * 1000) - 3_600_000
    assert [[to_s(row[0]), to_s(row[1]), *row[2:6]] for row in told["past"]] == [
        [-900, -800, "state", "okx", "away", "disagreement"],
        [-700, -650, "served", None, "stale", "stale"],
        [-100, -60, "state", "okx", "down", "connection"],
        [-60, 0, "off", None, "off", "down"]]


def test_who_was_active_before_is_told_until_the_next_or_the_end_of_that_life(
    view: FakeView
) -> None:
    start = MS / 1000
    history = History(start - 7200, start - 60, (), (
        Activation("BTCUSDT", "okx", start - 5000, "first data"),
        Activation("BTCUSDT", "binance", start - 4990, "primary has just connected"),
        Activation("BTCUSDT", None, start - 900, "none is fit"),
        Activation("BTCUSDT", "okx", start - 890, "fresh again"),
        Activation("ETHUSDT", "okx", start - 800, "another symbol")))
    view.ledger.adopt(history)
    view.trail.adopt(history)
    told = [row for row in trail(view)["past"] if row[2] == "active"]
    assert [[to_s(row[0]), to_s(row[1]), row[3], row[6]] for row in told] == [
        [-4990, -900, "binance", "primary has just connected"],
        [-890, -60, "okx", "fresh again"]]


def to_s(ms: int) -> int:
    return (ms - MS) // 1000


def incident(name: str, source: str | None, rule: str, opened: float, closed: float | None
             ) -> Incident:
    return Incident(id=name, source=source, symbol="BTCUSDT", cause=f"because {rule}", rule=rule,
                    opened_at=opened, closed_at=closed, instance="primary",
                    duration_ms=None if closed is None else (closed - opened) * 1000)


def test_incidents_of_this_life_are_told_by_its_changes_alone(view: FakeView) -> None:
    for fault in (None, "silent"):
        view.ledger.source_judged(SourceJudged("okx", "BTCUSDT", fault, "silence", None, 0., 1.))
    assert trail(view)["past"] == []


def test_what_cannot_be_asked_is_refused(view: FakeView) -> None:
    assert "symbol: must be one of" in problem(
        ask(view).get("/api/v1/trail?symbol=XRPUSDT"), 400)["detail"]
    assert "unknown parameter" in problem(ask(view).get("/api/v1/trail?after=1"), 400)["detail"]
