"""Events -> log lines, alerts and records."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bot.events import (
    FailoverFailed, LinkChanged, SourceActivated, SourceConnected, SourceDisconnected, SourceFault,
    SourceHandedOver, SourceJudged, SourceSwitched, TierChanged, VerdictChanged,
)
from bot.logs.facts import facts_of
from bot.model import LinkStatus, MarketDataUpdate, Quote
from bot.record.recorder import Recorder
from bot.reporter import Reporter
from bot.web.hub import Hub
from tests.helpers import Clock

AT = 1_790_000_000.5


class Kept(Hub):
    """A hub that shows what it was told to send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.updates: list[MarketDataUpdate] = []

    def publish_event(self, kind: str, data: Any) -> None:
        self.sent.append((kind, json.loads(json.dumps(dict(data)))))

    def publish_update(self, update: MarketDataUpdate) -> None:
        self.updates.append(update)


class Desk:
    """A reporter with everything it wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
        caplog.set_level(logging.INFO)
        self._caplog = caplog
        self.clock = Clock()
        self.hub = Kept()
        self.recorder = Recorder(tmp_path / "never-opened.duckdb", "primary")
        self.reporter = Reporter("primary", ("BTCUSDT",), "binance", self.hub, self.recorder,
                                 mono=self.clock, wall=lambda: AT)

    @property
    def lines(self) -> list[str]:
        """Each tells its event."""
        assert all(facts_of(record).get("event") for record in self._caplog.records)
        return self._caplog.messages

    @property
    def facts(self) -> list[dict[str, str | int]]:
        return [facts_of(record) for record in self._caplog.records]


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Desk:
    return Desk(caplog, tmp_path)


def test_who_is_first_is_told_and_kept(desk: Desk) -> None:
    desk.reporter.source_activated(
        SourceActivated("BTCUSDT", None, "okx", AT, "first fresh data"))
    assert desk.lines == ["🌐 [WEBSOCKET] Active source for BTCUSDT: okx (first fresh data)"]
    assert desk.hub.sent == [], "a start is no alarm"


def update(price: float = 1.0) -> MarketDataUpdate:
    return MarketDataUpdate("binance", "BTCUSDT", "trade", price, 1.0, None, None, 1, 2, 3.0)


def quote(tier: str, synthetic: bool = False) -> Quote:
    return Quote(symbol="BTCUSDT", price=1.0, source=tier, exchange="okx", received_at=1,
                 age_s=0.1, synthetic=synthetic, trusted=not synthetic, reason="why",
                 status="synthetic" if synthetic else "trusted")


def test_every_hundredth_update_has_a_line(desk: Desk) -> None:
    """D053, D055: 250 updates, lines at 100 and 200 only."""
    for _ in range(250):
        desk.clock.now += 0.02
        desk.reporter.market_data(update())
    assert desk.lines == ["🌐 [WEBSOCKET] Updates: 100", "🌐 [WEBSOCKET] Updates: 200"]
    assert len(desk.hub.updates) == 250


def test_the_lines_come_at_most_once_a_second(desk: Desk) -> None:
    for number in range(1000):
        desk.clock.now += 0.001
        desk.reporter.market_data(update())
    assert desk.lines == ["🌐 [WEBSOCKET] Updates: 100"]


def test_a_connection_and_its_loss_have_one_line_each(desk: Desk) -> None:
    """D030, D031."""
    desk.reporter.source_connected(SourceConnected("okx", AT, "connected"))
    desk.reporter.source_disconnected(SourceDisconnected("okx", AT, "reset by peer"))
    assert desk.lines == ["✅ [OKX] WebSocket connected successfully",
                          "⚠️ [OKX] WebSocket disconnected: reset by peer"]
    assert desk.recorder.pending == 2 and desk.hub.sent == []


def test_a_handover_has_a_line_of_its_own_and_is_recorded(desk: Desk) -> None:
    desk.reporter.source_handed_over(SourceHandedOver("binance", AT, "it was 22.4 h old", 1.234))
    assert desk.lines == [
        "🤝 [BINANCE] Connection handed over: it was 22.4 h old, overlap 1.2 s"]
    assert desk.recorder.pending == 1 and desk.hub.sent == []


def test_an_error_has_one_line_with_how_often_it_came(desk: Desk) -> None:
    """D032."""
    desk.reporter.source_error(SourceFault("okx", AT, "junk", 1))
    desk.reporter.source_error(SourceFault("okx", AT, "junk", 42))
    assert desk.lines == ["❌ [OKX] junk", "❌ [OKX] junk (42 such since the last line)"]


def test_a_switch_has_its_line_and_its_alert(desk: Desk) -> None:
    """D029."""
    desk.reporter.source_switch(
        SourceSwitched("BTCUSDT", "binance", "okx", AT, "no data for 5012 ms"))
    assert desk.lines == ["🔄 [WEBSOCKET] Source switch: binance -> okx (no data for 5012 ms)"]
    assert desk.hub.sent == [("alert", {
        "severity": "warning",
        "message": "BTCUSDT: source switch binance -> okx (no data for 5012 ms)",
        "from": "binance", "to": "okx", "reason": "no data for 5012 ms",
        "timestamp": 1_790_000_000_500})]
    assert desk.recorder.pending == 1
    assert desk.facts == [{"event": "source_switch", "source": "okx", "symbol": "BTCUSDT",
                           "reason": "no data for 5012 ms", "duration_ms": 0,
                           "from": "binance", "to": "okx"}]


def test_a_switch_of_another_symbol_names_it(desk: Desk) -> None:
    desk.reporter.source_switch(SourceSwitched("ETHUSDT", None, "okx", AT, "fresh again"))
    assert desk.lines == ["🔄 [WEBSOCKET] Source switch: none -> okx (fresh again) [ETHUSDT]"]
    assert desk.hub.sent[0][1]["severity"] == "info"


@pytest.mark.parametrize("symbols, where", [
    (("BTCUSDT",), ""), (("BTCUSDT", "ETHUSDT"), " [BTCUSDT]")])
def test_of_several_symbols_the_main_one_is_named_too(
    symbols: tuple[str, ...], where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reporter = Reporter("primary", symbols, "binance", Kept(), None, wall=lambda: AT)
    for fault in ("disagrees with okx", None):
        reporter.source_judged(SourceJudged(
            "binance", "BTCUSDT", fault, "disagreement", None, AT, 0.0))
    for status in ("stale", "trusted"):
        reporter.verdict_changed(VerdictChanged("BTCUSDT", None, status, 1.0, "okx", "why", AT, 0))
    reporter.source_switch(SourceSwitched("BTCUSDT", "binance", "okx", AT, "why"))
    assert caplog.messages == [
        f"⚖️ [BINANCE]{where} Not believed: disagrees with okx",
        f"⚖️ [BINANCE]{where} Believed again", f"⚖️ [PRICE]{where} none -> stale: why",
        f"⚖️ [PRICE]{where} none -> trusted: why",
        "🔄 [WEBSOCKET] Source switch: binance -> okx (why)"]


def test_a_failed_failover_is_heard(desk: Desk) -> None:
    """K14."""
    desk.reporter.failover_failed(FailoverFailed("BTCUSDT", "binance", AT, "okx: not connected"))
    assert desk.lines == ["❌ [WEBSOCKET] No source is fit for BTCUSDT (okx: not connected)"]
    alert = desk.hub.sent[0][1]
    assert (alert["severity"], alert["from"], alert["to"]) == ("critical", "binance", None)


def test_a_tier_change_is_one_line_and_one_alert(desk: Desk) -> None:
    for tier in ("websocket", "websocket", "okx", "okx"):
        desk.reporter.served("BTCUSDT", quote(tier), {"websocket": "too old"})
    desk.reporter.served("BTCUSDT", quote("mock", synthetic=True), {"okx": "down"})
    desk.reporter.served("BTCUSDT", None, {"mock": "only in simulation"})
    desk.reporter.served("BTCUSDT", quote("websocket"), {})
    assert desk.lines == [
        "🔀 [CHAIN] BTCUSDT is served from websocket",
        "🔀 [CHAIN] Tier change for BTCUSDT: websocket -> okx (websocket: too old)",
        "🔀 [CHAIN] Tier change for BTCUSDT: okx -> mock (okx: down)",
        "🔀 [CHAIN] Tier change for BTCUSDT: mock -> none (mock: only in simulation)",
        "🔀 [CHAIN] Tier change for BTCUSDT: none -> websocket (why)",
    ]
    assert [(alert["severity"], alert["from"], alert["to"]) for _, alert in desk.hub.sent] == [
        ("warning", "websocket", "okx"), ("critical", "okx", "mock"), ("critical", "mock", None),
        ("info", None, "websocket")]
    assert desk.recorder.pending == 6 + 4  # six prices, four changes
    assert [told["event"] for told in desk.facts] == ["served_from", *["tier_change"] * 4]
    assert [(told.get("from"), told.get("to")) for told in desk.facts[1:]] == [
        ("websocket", "okx"), ("okx", "mock"), ("mock", None), (None, "websocket")]


@pytest.fixture
def rows(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The records of events, as the recorder is told them."""
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(desk.recorder, "record_event",
                        lambda kind, **fields: told.append((kind, fields)))
    return told


def test_each_change_of_a_link_is_one_line_and_one_record(
    desk: Desk, rows: list[tuple[str, dict[str, Any]]]
) -> None:
    link = "reading Prices"
    for event in (LinkChanged(link, True, "", AT, None),
                  LinkChanged(link, False, "broken pipe", AT, 61.26),
                  LinkChanged(link, True, "", AT, 600.0)):
        desk.reporter.link_changed(event)
    assert desk.lines == [
        "📨 [KAFKA] Reading Prices",
        "📨 [KAFKA] Not reading Prices any more after 61.3 s: broken pipe",
        "📨 [KAFKA] Reading Prices again after 600.0 s"]
    assert [(kind, row["source"], row["symbol"], row["reason"]) for kind, row in rows] == [
        ("kafka_up", "kafka", None, link), ("kafka_down", "kafka", None, "broken pipe"),
        ("kafka_up", "kafka", None, link)]
    assert {row["at_ms"] for _, row in rows} == {1_790_000_000_500}
    assert [row["detail"] for _, row in rows] == [{"link": link}] * 3
    assert [told["event"] for told in desk.facts] == ["kafka_up", "kafka_down", "kafka_up"]
    assert [told.get("duration_ms") for told in desk.facts] == [None, 61_260, 600_000]


def test_a_start_without_a_broker_is_a_warning_and_no_loss(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.reporter.link_changed(
        LinkChanged("publishing to prices.served", False, "connection refused", AT, None))
    assert caplog.record_tuples == [(
        "bot.reporter", logging.WARNING,
        "📨 [KAFKA] Not publishing to prices.served: connection refused")]
    assert desk.recorder.pending == 1 and desk.hub.sent == []


def test_records_that_cannot_be_used_have_a_line_with_how_many_and_a_record(
    desk: Desk, rows: list[tuple[str, dict[str, Any]]]
) -> None:
    desk.reporter.kafka_fault("record skipped: junk", 1)
    desk.reporter.kafka_fault("prices refuses a record: too large", 41)
    assert desk.lines == [
        "❌ [KAFKA] record skipped: junk",
        "❌ [KAFKA] prices refuses a record: too large (41 such since the last line)"]
    assert [(row["source"], row["reason"], row["at_ms"]) for _, row in rows] == [
        ("kafka", "record skipped: junk", 1_790_000_000_500),
        ("kafka", "prices refuses a record: too large", 1_790_000_000_500)]


def test_without_a_recorder_kafka_has_its_lines_all_the_same(
    caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reporter = Reporter("primary", ("BTCUSDT",), "binance", Kept(), None, wall=lambda: AT)
    reporter.link_changed(LinkChanged("reading prices", True, "", AT, None))
    reporter.kafka_fault("junk", 1)
    assert caplog.messages == ["📨 [KAFKA] Reading prices", "❌ [KAFKA] junk"]


def test_a_link_that_was_never_up_is_not_up_again(desk: Desk) -> None:
    for up in (False, True):
        desk.reporter.link_changed(LinkChanged("reading prices", up, "no broker", AT, 5.0))
    assert desk.lines == ["📨 [KAFKA] Not reading prices: no broker", "📨 [KAFKA] Reading prices"]


def test_the_health_line_tells_why_kafka_is_down_now_and_not_at_first(desk: Desk) -> None:
    desk.reporter.links = lambda: [
        LinkStatus("prices", "read", False, "authentication failed", 9.0, 0, {}),
        LinkStatus("out", "write", True, "", 9.0, 0, {})]
    desk.recorder.active = True
    desk.reporter.health({"healthy": True, "active_source": "okx", "sources": []})
    (line,) = desk.lines
    assert line.endswith("; cannot read prices: authentication failed")


def test_what_is_switched_off_is_no_reason_for_a_return(desk: Desk) -> None:
    off = {"websocket": "switched off (ENABLE_WEBSOCKET_FEEDS)"}
    desk.reporter.served("BTCUSDT", quote("okx"), off | {"kafka": "no answer"})
    desk.reporter.served("BTCUSDT", quote("kafka"), off)
    assert desk.lines[-1] == "🔀 [CHAIN] Tier change for BTCUSDT: okx -> kafka (why)"


def test_tiers_and_links_are_handed_on_and_the_first_tier_too(desk: Desk) -> None:
    handed: list[object] = []
    desk.reporter.tell = handed.append
    desk.reporter.served("BTCUSDT", None, {"okx": "timed out"})
    desk.reporter.served("BTCUSDT", None, {"okx": "timed out"})
    desk.reporter.served("BTCUSDT", Quote(
        symbol="BTCUSDT", price=1.0, source="okx", received_at=1, age_s=0.1, trusted=True,
        status="degraded", reason="polled"), {})
    link = LinkChanged("reading prices", False, "no answer", AT, None)
    desk.reporter.link_changed(link)
    assert handed == [
        TierChanged("BTCUSDT", None, None, AT, "okx: timed out"),
        TierChanged("BTCUSDT", None, "okx", AT, "polled"), link]
