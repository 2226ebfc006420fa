"""What happens, read as facts: how bad it is, whose, and whether it is over."""

import math

import msgspec
import pytest

from bot.alerts.facts import LATEST, Facts, Move, Severity
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


def test_a_tier_that_is_left_during_a_drill_is_of_the_drill_until_that_is_over() -> None:
    drilled = {"BTCUSDT"}
    facts = Facts("websocket", lambda symbol: symbol in drilled)
    rehearsed, _ = facts.of(tier("mock"))
    other, _ = facts.of(tier("mock", symbol="ETHUSDT"))
    assert rehearsed is not None and rehearsed.is_drill and rehearsed.severity == INFO
    assert other is not None and not other.is_drill and other.severity == CRITICAL
    assert facts.is_waiting
    assert facts.retold() == []
    drilled.clear()
    [retold] = facts.retold()
    assert not retold.is_drill and retold.severity == CRITICAL and retold.to == "mock"
    assert facts.retold() == []


def test_a_tier_that_is_well_again_is_not_retold() -> None:
    facts = Facts("websocket", lambda symbol: True)
    facts.of(tier("mock"))
    facts.of(tier("websocket", "mock"))
    assert not facts.is_waiting


def test_incidents_of_a_drill_that_end_before_they_begin_mute_nothing() -> None:
    facts = Facts("websocket")
    facts.of(incident("d", cause="drill: cut for 5 s", closed_at=WALL + 5, revision=2))
    facts.of(incident("d", cause="drill: cut for 5 s"))
    facts.of(incident("lost", cause="drill: cut for 5 s"))  # its end finds no room
    later, _ = facts.of(tier("mock"))
    assert later is not None and later.severity == CRITICAL


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, -5.0, 1e300])
def test_numbers_that_cannot_be_told_are_made_some_that_can(odd: float) -> None:
    found, _ = Facts("websocket").of(price(opened_at=odd, closed_at=odd, duration_ms=odd,
                                           blackout_ms=odd))
    assert found is not None and found.lasted_s is not None
    for number in (found.at, found.lasted_s, found.blackout_ms):
        assert 0.0 <= number <= LATEST


def test_what_no_text_may_hold_is_shown_by_its_number() -> None:
    facts = Facts("websocket")
    found, _ = facts.of(incident("d\udc80", cause="no \ud83d"))
    link, _ = facts.of(LinkChanged("reading \udcff", False, "\udfff", WALL, None))
    _, move = facts.of(SourceSwitched("BTCUSDT", "a\ud800", "b\ud800", WALL, "why"))
    for one in (found, link, move):
        assert one is not None
        msgspec.json.encode(one)
    assert found is not None and found.cause == r"no \ud83d"


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
