"""What happens, read as facts: how bad it is, whose, and whether it is over."""

import pytest

from bot.alerts.facts import Facts, Move, Severity
from bot.events import FailoverFailed, LinkChanged, RecordingChanged, SourceSwitched
from bot.incidents.incident import DOWN, LOST, UNRECORDED, Incident
from tests.alerts.making import WALL, incident, price, tier

INFO, WARNING, CRITICAL = Severity


@pytest.mark.parametrize("happened, severity", [
    (price(rule="disputed"), CRITICAL),
    (incident(rule="disagreement"), WARNING),
    (incident(rule="connection"), INFO),
    (incident(source=None, symbol=None, rule=UNRECORDED), WARNING),
    (incident(source=None, symbol=None, rule=LOST, closed_at=WALL), WARNING),
    (incident(source=None, symbol=None, rule=DOWN, closed_at=WALL, duration_ms=60_001.0), WARNING),
    (incident(source=None, symbol=None, rule=DOWN, closed_at=WALL, duration_ms=59_000.0), INFO),
    (price(cause="drill: cut for 5 s (no data)"), INFO),
    (incident(rule="disagreement", cause="drill: cut for 5 s"), INFO),
])
def test_how_bad_an_incident_is(happened: Incident, severity: Severity) -> None:
    fact, move = Facts("websocket").of(happened)
    assert fact is not None and move is None
    assert fact.severity == severity and fact.is_drill == happened.cause.startswith("drill")


@pytest.mark.parametrize("home, current, over, severity, rule", [
    ("websocket", "websocket", True, WARNING, "tier"),
    ("websocket", "kafka", False, WARNING, "tier"),
    ("websocket", "okx", False, WARNING, "tier"),
    ("websocket", "mock", False, CRITICAL, "synthetic"),
    ("websocket", None, False, CRITICAL, "none"),
    ("kafka", "kafka", True, WARNING, "tier"),
    ("kafka", "okx", False, WARNING, "tier"),
    ("mock", "mock", True, CRITICAL, "synthetic"),
    ("nowhere", None, True, CRITICAL, "none"),
])
def test_a_tier_below_the_usual_one_is_wrong(
    home: str, current: str | None, over: bool, severity: Severity, rule: str
) -> None:
    fact, _ = Facts(home).of(tier(current))
    assert fact is not None
    assert (fact.over, fact.severity, fact.rule) == (over, severity, rule)
    assert fact.subject == ("tier", "BTCUSDT") and fact.cause == "the streams are silent"


def test_a_tier_that_is_left_during_a_drill_is_of_the_drill() -> None:
    facts = Facts("websocket")
    facts.of(incident("d", cause="drill: cut for 5 s"))
    drilled, _ = facts.of(tier("mock"))
    other, _ = facts.of(tier("mock", symbol="ETHUSDT"))
    facts.of(incident("d", cause="drill: cut for 5 s", closed_at=WALL + 5))
    later, _ = facts.of(tier("mock"))
    assert drilled is not None and drilled.is_drill and drilled.severity == INFO
    assert other is not None and not other.is_drill
    assert later is not None and not later.is_drill and later.severity == CRITICAL


def test_links_and_the_record_are_warnings_until_they_are_well() -> None:
    facts = Facts("websocket")
    down, _ = facts.of(LinkChanged("reading prices", False, "no answer", WALL, None))
    up, _ = facts.of(LinkChanged("reading prices", True, "", WALL, 5.0))
    assert down is not None and up is not None
    assert (down.subject, down.over, down.severity) == (("kafka", "reading prices"), False, WARNING)
    assert (up.subject, up.over) == (down.subject, True)
    bad, _ = facts.of(RecordingChanged(False, "record", "disk full", WALL))
    low, _ = facts.of(RecordingChanged(False, "disk", "the disk runs low", WALL))
    good, _ = facts.of(RecordingChanged(True, "good", "recording", WALL))
    assert bad is not None and low is not None and good is not None
    assert (bad.rule, low.rule) == ("record", "disk") and good.over
    assert bad.subject == low.subject == good.subject


def test_switches_and_changes_of_tier_are_moves_but_for_the_first_tier() -> None:
    facts = Facts("websocket")
    assert facts.of(tier("websocket", None))[1] is None
    assert facts.of(tier(None))[1] == Move("tier", "BTCUSDT", "websocket", "nowhere")
    assert facts.of(FailoverFailed("BTCUSDT", "okx", WALL, "silent")) == (
        None, Move("source", "BTCUSDT", "okx", "none"))
    assert facts.of(SourceSwitched("BTCUSDT", None, "okx", WALL, "fresh")) == (
        None, Move("source", "BTCUSDT", "none", "okx"))


def test_only_what_is_known_when_it_is_over_is_told_then() -> None:
    facts = Facts("websocket")
    notices = [facts.of(one)[0] for one in (
        incident(source=None, symbol=None, rule=DOWN, closed_at=WALL),
        incident(source=None, symbol=None, rule=LOST, closed_at=WALL))]
    others = [facts.of(one)[0] for one in (
        incident(source=None, symbol=None, rule=UNRECORDED, closed_at=WALL),
        price(closed_at=WALL), incident(closed_at=WALL))]
    assert all(fact is not None and fact.is_notice for fact in notices)
    assert not any(fact is None or fact.is_notice for fact in others)


def test_a_cause_that_says_no_more_than_the_rule_is_none() -> None:
    fact, _ = Facts("websocket").of(
        incident(source=None, symbol=None, rule=DOWN, cause=DOWN, closed_at=WALL))
    assert fact is not None and fact.cause == ""
