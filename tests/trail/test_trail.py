from typing import Any

import msgspec
import pytest

from bot.events import (
    FailoverFailed, SourceActivated, SourceConnected, SourceDisconnected, SourceFault,
    SourceHandedOver, SourceJudged, SourceSwitched,
)
from bot.judging.fitness import SourceView
from bot.model import FeedHealth, Quote
from bot.trail.trail import Trail
from tests.helpers import Clock
from tests.trail.test_samples import health, view

EPOCH = 1_790_000_000.0
QUOTE = Quote(symbol="BTCUSDT", price=100.0, source="websocket", exchange="okx", received_at=0,
              age_s=0.1, trusted=True, reason="active source is fresh", status="trusted")


class Feeds:
    def healths(self) -> list[FeedHealth]:
        return [health(10), health(5, source="binance")]

    def views(self, symbol: str, healths: Any) -> list[SourceView]:
        return [view(100.0), view(101.0, source="binance")]


class Life:
    """A trail, and the clocks it goes by."""

    def __init__(self) -> None:
        self.mono, self.wall = Clock(1000.0), Clock(EPOCH)
        self.trail = Trail(("BTCUSDT", "ETHUSDT"), ("okx", "binance"), 1.0, self.mono, self.wall)

    def passes(self, seconds: float) -> None:
        self.mono.now += seconds
        self.wall.now += seconds

    def happens(self, name: str, event: object) -> None:
        self.trail.listeners[name](event)

    def told(
        self, symbol: str = "BTCUSDT", cursor: int = 0
    ) -> list[tuple[float, str, str | None, str]]:
        """s since the start, and what it was."""
        return [(round(at - EPOCH, 3), change.kind, change.source, change.word)
                for at, change in self.trail.told(symbol, cursor).changes]


@pytest.fixture
def life() -> Life:
    return Life()


def judged(fault: str | None, rule: str) -> SourceJudged:
    return SourceJudged("okx", "BTCUSDT", fault, rule, None, 0.0, 0.0)


def test_every_event_has_its_place(life: Life) -> None:
    life.happens("source_connected", SourceConnected("okx", 0.0, "connected"))
    life.happens("source_judged", judged(None, "first"))
    life.passes(1.0)
    life.happens("source_activated", SourceActivated("BTCUSDT", None, "okx", 0.0, "first data"))
    life.passes(1.0)
    life.happens("source_switch", SourceSwitched("BTCUSDT", "okx", "binance", 0.0, "why"))
    life.happens("failover_failed", FailoverFailed("BTCUSDT", "binance", 0.0, "why"))
    life.happens("source_handed_over", SourceHandedOver("okx", 0.0, "age", 1.0))
    life.happens("source_disconnected", SourceDisconnected("okx", 0.0, "reset"))
    assert life.told() == [
        (0.0, "connection", "okx", "connected"), (0.0, "state", "okx", "fit"),
        (1.0, "active", "okx", ""), (2.0, "active", "binance", "okx"),
        (2.0, "active", None, "binance"), (2.0, "connection", "okx", "replaced"),
        (2.0, "connection", "okx", "lost")]


@pytest.mark.parametrize("rule, state", [
    ("connection", "down"), ("disagreement", "away"), ("silence", "unfit"), ("clock", "unfit"),
    ("latency", "unfit")])
def test_the_rule_says_in_which_state_a_source_is(life: Life, rule: str, state: str) -> None:
    life.happens("source_judged", judged("words", rule))
    (told,) = life.trail.told("BTCUSDT").changes
    assert (told[1].word, told[1].rule, told[1].why) == (state, rule, "words")


def test_a_symbol_is_told_its_own_and_the_connections_of_all(life: Life) -> None:
    life.happens("source_judged", judged(None, "first"))
    life.happens("source_connected", SourceConnected("okx", 0.0, "connected"))
    assert life.told("ETHUSDT") == [(0.0, "connection", "okx", "connected")]


def test_what_is_told_of_a_symbol_that_nobody_asked_for_is_passed_over(life: Life) -> None:
    life.happens("failover_failed", FailoverFailed("XRPUSDT", "okx", 0.0, "why"))
    assert life.told() == []


def test_what_is_served_is_noted_when_its_tier_or_status_changes(life: Life) -> None:
    for quote, passed in ((QUOTE, {}), (QUOTE, {}),
                          (msgspec.structs.replace(QUOTE, status="stale"), {}),
                          (None, {"websocket": "nothing", "kafka": "switched off (X)"})):
        life.trail.served("BTCUSDT", quote, passed)
    told = [change for _, change in life.trail.told("BTCUSDT").changes]
    assert [(one.source, one.word) for one in told] == [
        ("websocket", "trusted"), ("websocket", "stale"), (None, "none")]
    assert told[0].why == "active source is fresh" and told[2].why == "websocket: nothing"


def test_an_answer_goes_on_from_an_earlier_one(life: Life) -> None:
    life.trail.served("BTCUSDT", QUOTE, {})
    life.trail.sample(Feeds())
    first = life.trail.told("BTCUSDT")
    assert (len(first.changes), first.price) == (1, [100.0])
    assert life.trail.told("BTCUSDT", first.cursor).changes == []
    assert life.trail.told("BTCUSDT", first.cursor).at == []
    life.passes(2.0)
    life.trail.sample(Feeds())
    later = life.trail.told("BTCUSDT", first.cursor)
    assert (later.at, later.sources["binance"].price) == ([EPOCH + 2.0], [101.0])
    assert later.changes == [] and later.cursor > first.cursor


def test_samples_are_taken_without_feeds_as_well(life: Life) -> None:
    life.trail.served("BTCUSDT", QUOTE, {})
    life.trail.sample(None)
    assert life.trail.told("BTCUSDT").price == [100.0]


def test_a_poll_too_early_takes_no_sample(life: Life) -> None:
    life.trail.sample(Feeds())
    life.passes(0.5)
    life.trail.sample(Feeds())
    assert len(life.trail.told("BTCUSDT").at) == 1


def test_after_an_hour_the_state_before_it_is_still_known(life: Life) -> None:
    life.happens("source_judged", judged(None, "first"))
    life.happens("source_connected", SourceConnected("okx", 0.0, "connected"))
    for _ in range(2000):
        life.passes(2.0)
        life.trail.sample(Feeds())
    told = life.trail.told("BTCUSDT")
    assert len(told.at) == 1800 and told.since == EPOCH + 400.0
    assert [change.kind for _, change in told.changes] == ["state"]


def test_times_are_right_although_the_wall_clock_was_set(life: Life) -> None:
    life.happens("source_judged", judged(None, "first"))
    life.mono.now += 10.0
    life.wall.now += 3610.0
    assert life.told() == [(3600.0, "state", "okx", "fit")]


def test_a_flapping_source_cannot_fill_the_memory(life: Life) -> None:
    for number in range(10_000):
        life.happens("source_judged", judged("x" * 1000 if number % 2 else None, "silence"))
        life.passes(0.01)
    told = life.trail.told("BTCUSDT")
    assert len(told.changes) <= 6_001
    assert max(len(change.why) for _, change in told.changes) == 240
    assert told.since == pytest.approx(EPOCH + 39.99, abs=0.02), "nothing is missing from here on"


def test_knows_how_it_went_with_a_source(life: Life) -> None:
    assert life.trail.contact("okx").fault is None
    for _ in range(2):
        life.happens("source_connected", SourceConnected("okx", 0.0, "connected"))
    life.happens("source_error", SourceFault("okx", EPOCH + 1.0, "unreadable frame", 3))
    life.happens("source_error", SourceFault("kraken", EPOCH, "unheard of", 1))
    found = life.trail.contact("okx")
    assert (found.connects, found.fault, found.fault_at) == (2, "unreadable frame", EPOCH + 1.0)


def test_says_since_when_who_is_active(life: Life) -> None:
    assert life.trail.active_since("BTCUSDT") == (None, None)
    life.happens("source_activated", SourceActivated("BTCUSDT", None, "okx", 0.0, "first data"))
    life.passes(5.0)
    assert life.trail.active_since("BTCUSDT") == ("okx", EPOCH)


def test_knows_the_status_at_the_last_poll(life: Life) -> None:
    assert life.trail.status("BTCUSDT") is None
    life.trail.served("BTCUSDT", QUOTE, {})
    assert life.trail.status("BTCUSDT") == "trusted"
