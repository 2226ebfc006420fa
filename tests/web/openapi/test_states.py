"""What a bot shows when all is not well, against the description: its examples are of a good day.
"""

from typing import Any

import jsonschema_rs
import pytest

from bot.events import (
    FailoverFailed, SourceActivated, SourceConnected, SourceDisconnected, SourceFault,
    SourceHandedOver, SourceJudged, VerdictChanged,
)
from bot.incidents.incident import DOWN, Activation, History, Incident
from bot.judging.explanation import Explanation, LegVerdict
from bot.model import (
    AlertStatus, ArchiveStatus, ChannelStatus, LinkStatus, OpenAlert, RecordStatus,
)
from tests.web.fakes import FakeView, quote
from tests.web.openapi.test_openapi import DOCUMENT, in_order, schema_of
from tests.web.test_app import ask

START = 1704067200.0


def shown(view: FakeView, path: str, query: str = "", status: int = 200) -> Any:
    """The answer, which is as described."""
    answer = ask(view).get(path + query)
    assert answer.status_code == status
    described = DOCUMENT["paths"][path]["get"]["responses"][str(status)]
    schema = schema_of(described, answer.headers["Content-Type"])
    jsonschema_rs.validate(schema, answer.json)
    assert in_order(schema, answer.json)
    return answer.json


def happen(view: FakeView, **events: Any) -> None:
    for name, event in events.items():
        view.trail.listeners[name](event)


def everything(view: FakeView) -> None:
    """One of each change."""
    happen(view, source_connected=SourceConnected("okx", START, "connected"),
           source_activated=SourceActivated("BTCUSDT", None, "okx", START, "first"),
           source_judged=SourceJudged("okx", "BTCUSDT", "silent", "silence", None, START, 0.0),
           failover_failed=FailoverFailed("BTCUSDT", "okx", START, "none is fit"),
           source_error=SourceFault("okx", START, "unreadable frame", 1),
           source_handed_over=SourceHandedOver("okx", START, "planned", 0.5),
           source_disconnected=SourceDisconnected("okx", START, "reset"))
    happen(view, source_judged=SourceJudged("okx", "BTCUSDT", None, "first", None, START, 0.0))
    view.trail.served("BTCUSDT", quote(), {})
    view.trail.served("BTCUSDT", None, {"websocket": "no data"})
    view.trail.sample(None)


def past(name: str, source: str | None, symbol: str | None, rule: str) -> Incident:
    return Incident(id=name, source=source, symbol=symbol, cause="because", rule=rule,
                    opened_at=START - 900, closed_at=START - 800, instance="primary")


def leg(source: str, rule: str, **more: Any) -> LegVerdict:
    return LegVerdict(source=source, kind="stream", price=None, accepted=rule == "alone", rule=rule,
                      words="words", **more)


def test_the_board_without_a_price_or_a_fit_source(view: FakeView) -> None:
    view.quotes.clear()
    view.mono.now = 3.0
    everything(view)
    view.explanation = Explanation(None, "none is fit", (), ("okx",), False, (
        leg("binance", "disagreement", back_in_ms=1500.4), leg("okx", "silence", age_ms=5012.3)))
    view.ledger.verdict_changed(
        VerdictChanged("BTCUSDT", None, "trusted", None, None, "none", START, 1.0))
    view.ledger.verdict_changed(
        VerdictChanged("BTCUSDT", "trusted", None, None, None, "none", START, 2.0))
    body = shown(view, "/api/v1/board")
    assert body["served"]["price"] is None and body["sources"][0]["state"] == "away"
    assert body["now"]["severity"] == "critical" and "news" not in body


def test_the_board_with_the_feeds_off_and_all_of_kafka_and_the_record(view: FakeView) -> None:
    view.feeds_enabled, view.statuses = False, []
    view.explanation = Explanation("okx", "words", ("okx",), (), True, (leg("okx", "alone"),))
    view.links = [LinkStatus("prices", "read", None, "not asked yet", 0.0, 0, {"taken": 0})]
    view.record = RecordStatus(
        active=False, state="the disk is full", waiting=5, capacity=10, written=0, dropped=1,
        rejected=0, losses=1, last_commit_at=None, commit_last_ms=None, commit_p99_ms=None,
        commit_max_ms=None, file_bytes=None, wal_bytes=None, free_bytes=None, is_low=True,
        lost_window_ms=0, archive=ArchiveStatus("2023-12-31", "the share hangs"))
    view.drills.told = None
    body = shown(view, "/api/v1/board")
    assert body["sources"][0]["connected"] is None and body["recorder"]["losses"] == 1
    assert shown(view, "/api/v1/recorder")["archive"]["lastDay"] == "2023-12-31"
    assert shown(view, "/api/v1/kafka")["links"][0]["up"] is None


def test_what_has_happened_since_is_told_as_the_trail_does(view: FakeView) -> None:
    everything(view)
    body = shown(view, "/api/v1/board", "?after=0")
    told = shown(view, "/api/v1/trail")
    assert body["news"]["changes"] == told["changes"] and len(told["changes"]) == 9
    assert {change[1] for change in told["changes"]} == {
        "state", "active", "served", "connection"}
    assert (told["samples"]["tier"], told["samples"]["status"]) == ([-1], [-1])


def test_what_earlier_lives_left_in_the_trail(view: FakeView) -> None:
    history = History(START - 7200, START - 60, (
        past("a", "okx", "BTCUSDT", "disagreement"), past("b", None, "BTCUSDT", "disputed"),
        past("c", None, "BTCUSDT", "none"), past("d", None, None, DOWN)), (
        Activation("BTCUSDT", "okx", START - 5000, "first data"),))
    view.ledger.adopt(history)
    view.trail.adopt(history)
    assert {row[2] for row in shown(view, "/api/v1/trail")["past"]} == {
        "state", "served", "off", "active"}
    assert len(shown(view, "/api/v1/incidents")["incidents"]) == 5


def test_alerts_that_go_on_through_a_channel_that_fails(view: FakeView) -> None:
    view.alerts = AlertStatus("warning", (
        ChannelStatus("slack", "hooks.slack.com", False, "answered 404", 1, 2, 0, 1, 1704067200000),
        ChannelStatus("telegram", "-100 by api.telegram.org", None, "", 0, 0, 0, 0, None)),
        (OpenAlert("primary-1", "critical", "No trusted price", START),), 3, 0)
    assert shown(view, "/api/v1/alerts")["open"][0]["openedAt"] == 1704067200000


@pytest.mark.parametrize("path", ["/api/v1/prices", "/readyz"])
def test_no_price_at_all(view: FakeView, path: str) -> None:
    view.quotes.clear()
    shown(view, path, status=503)
