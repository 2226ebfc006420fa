"""Drills, and what goes wrong in earnest meanwhile: from the ledger to what people are told."""

import msgspec
import pytest

from bot.alerts.facts import Facts, Severity
from bot.events import SourceJudged, VerdictChanged
from bot.incidents.ledger import Ledger
from bot.incidents.rehearsed import AFTER_S
from bot.incidents.story import duty
from tests.alerts.making import WALL, Desk, tier


class House:
    """A ledger and those whom it tells, on one clock."""

    def __init__(self, *sources: str, least: Severity = Severity.WARNING) -> None:
        self.desk = Desk(least)
        self.ledger = Ledger("primary", ("BTCUSDT",), sources, lambda: self.desk.now,
                             lambda: self.desk.wall)
        self.desk.facts = Facts("websocket", self.ledger.rehearsed)
        for source in sources:
            self.judged(source, None)
        self.verdict("trusted")
        self.desk.take(tier("websocket", None))
        self.ledger.keep(self.desk.take)
        self.wait(10)

    def judged(self, source: str, fault: str | None) -> None:
        self.ledger.source_judged(SourceJudged(
            source, "BTCUSDT", fault, "connection", None, self.desk.wall, self.desk.now))

    def verdict(self, status: str | None) -> None:
        self.ledger.verdict_changed(VerdictChanged(
            "BTCUSDT", None, status, 1.0, None, "nobody is fit", WALL, self.desk.now))

    def tier(self, current: str | None, previous: str | None) -> None:
        event = tier(current, previous)
        self.desk.take(msgspec.structs.replace(event, at=self.desk.wall))

    def cut(self, seconds: float = 5.0) -> None:
        words = f"drill: cut for {seconds:g} s"
        self.ledger.drill("binance", words, seconds)
        self.judged("binance", f"not connected: {words}")

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.desk.wait(1.0)
            self.ledger.refused(0, "")  # as the main loop does


def test_an_outage_that_begins_during_a_drill_is_told_at_once() -> None:
    house = House("binance", "okx")
    house.cut(60.0)
    house.wait(2)
    house.judged("okx", "not connected: reset")
    house.verdict(None)
    house.tier(None, "websocket")
    house.wait(4)
    assert house.desk.events == ["opened"] and house.desk.last.severity == Severity.CRITICAL
    drilled = {item.fact.kind: item.fact.is_drill for item in house.desk.last.items}
    assert not drilled["price"] and not drilled["tier"]
    found = house.ledger.incidents(10)
    assert "drill" not in duty(found, None)[1]


@pytest.mark.parametrize("tells_end", [True, False])
def test_what_is_not_over_with_the_drill_is_told_then(tells_end: bool) -> None:
    house = House("binance")
    house.cut()
    house.verdict(None)
    house.tier("mock", "websocket")
    house.wait(5)
    if tells_end:
        house.ledger.drill_ended()
    house.wait(AFTER_S - 1)
    assert house.desk.told == []
    house.wait(5)
    [(_, told)] = house.desk.told
    assert told.severity == Severity.CRITICAL and told.opened_at == WALL + 10.0
    assert not any(item.fact.is_drill for item in told.items)
    house.judged("binance", None)
    house.verdict("trusted")
    house.tier("websocket", "mock")
    house.wait(40)
    assert house.desk.events == ["opened", "closed"]


def test_a_tier_that_stays_low_after_a_drill_is_told() -> None:
    house = House("binance", "okx")
    house.cut()
    house.tier("okx", "websocket")
    house.wait(5)
    house.judged("binance", None)
    house.ledger.drill_ended()
    house.wait(AFTER_S + 5)
    assert [(told.event, told.severity) for _, told in house.desk.told] == [
        ("opened", Severity.WARNING)]


def test_a_drill_that_goes_well_wakes_nobody() -> None:
    house = House("binance")
    house.cut()
    house.verdict(None)
    house.tier("okx", "websocket")
    house.wait(9)
    house.judged("binance", None)
    house.verdict("trusted")
    house.wait(1)
    house.tier("websocket", "okx")
    house.ledger.drill_ended()
    house.wait(100)
    assert house.desk.told == []
    assert {one.cause for one in house.ledger.incidents(10)} == {
        "drill: cut for 5 s", "drill: cut for 5 s (nobody is fit)"}


def test_who_is_told_of_drills_is_told_that_it_is_one_no_more() -> None:
    house = House("binance", least=Severity.INFO)
    house.cut()
    house.verdict(None)
    house.wait(30)
    assert [(told.event, told.severity, told.items[0].fact.is_drill)
            for _, told in house.desk.told] == [
        ("opened", Severity.INFO, True), ("updated", Severity.CRITICAL, False)]
