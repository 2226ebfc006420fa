"""Drills against feeds that only note what they are told."""

import logging
import math
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bot.drills import rehearsal
from bot.drills.rehearsal import Drills, DrillState, Stage, why_refused
from bot.drills.witness import Report
from bot.errors import DrillRunning, NoQuote
from bot.events import SourceJudged
from bot.feeds.drill import DrillFault
from bot.incidents.ledger import Ledger
from bot.model import Quote
from bot.worker import Deadline, stop_all
from tests.helpers import eventually


class Part:
    """A feed as a drill sees it."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.off = threading.Event()

    def drill(self, fault: DrillFault, seconds: float) -> None:
        self.told.append((fault, seconds))
        self.off.set()

    def end_drill(self) -> None:
        self.told.append("end")
        self.off.clear()


class House:
    """A bot whose prices come from binance, or from okx while binance is off."""

    def __init__(self) -> None:
        self.feeds = {"binance": Part(), "okx": Part()}
        self.ledger = Ledger("primary", ("BTCUSDT",), ("binance", "okx"))
        self.without = False
        self.stuck = False
        stage = Stage("BTCUSDT", self.feeds, self.active, self.fit, self.quote, 0.0)
        self.drills = Drills(stage, self.ledger)

    def active(self) -> str | None:
        return "binance" if self.fit("binance") else "okx"

    def fit(self, source: str) -> bool:
        return not self.feeds[source].off.is_set() and not self.stuck

    def quote(self, symbol: str, max_age_s: float | None) -> Quote:
        if self.without or max_age_s == math.inf and self.stuck:
            raise NoQuote("none")
        return Quote(
            symbol=symbol, price=100.0 if self.active() == "binance" else 100.1,
            source="websocket", exchange=self.active(), received_at=1, age_s=0.05, trusted=True,
            reason="why", status="trusted")

    def done(self) -> tuple[DrillState, Report]:
        def state() -> DrillState | None:
            found = self.drills.state()
            return found if found and found.state != "running" else None
        found = eventually(state)
        assert found.report is not None
        return found, found.report


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(rehearsal, "SHORTEST_S", 0.05)
    house = House()
    yield house
    assert stop_all(house.drills.end(), Deadline(5)) == []


def test_a_drill_cuts_measures_and_restores(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    # the feed's own timer; a real one ends the fault by itself
    threading.Timer(0.25, house.feeds["binance"].off.clear).start()
    began = house.drills.begin("binance", "cut", 0.1)
    assert (began.state, began.source, began.fault, began.seconds, began.symbol) == (
        "running", "binance", "cut", 0.1, "BTCUSDT")
    state, report = house.done()
    assert state.state == "done"
    assert house.feeds["binance"].told == [("cut", 0.1), "end"] and not house.feeds["okx"].told
    assert (report.active_before, report.active_during, report.active_after) == (
        "binance", "okx", "binance")
    assert report.switched_after_ms is not None and report.switched_after_ms < 100
    assert report.price_step_bps == pytest.approx(10.0)
    assert report.blackout_trusted_ms == report.blackout_any_ms == 0.0
    assert report.came_back and not report.interrupted
    assert [line.partition(" ended: ")[0] for line in caplog.messages] == [
        "🧪 [DRILL] binance: cut for 0.1 s begins", "🧪 [DRILL] binance: cut"]
    assert "binance -> okx, switched after" in caplog.messages[1]


def test_readers_without_a_price_are_counted(house: House) -> None:
    house.without = True
    house.drills.begin("okx", "silence", 0.1)
    threading.Timer(0.25, house.feeds["okx"].off.clear).start()
    _, report = house.done()
    assert report.blackout_any_ms == report.blackout_trusted_ms >= 100
    assert report.switched_after_ms is None


def test_what_happens_meanwhile_is_marked_as_rehearsed(house: House) -> None:
    house.ledger.source_judged(SourceJudged("binance", "BTCUSDT", None, "", None, 0.0, 1.0))
    house.drills.begin("binance", "silence", 0.5)
    eventually(house.feeds["binance"].off.is_set)
    house.ledger.source_judged(SourceJudged("binance", "BTCUSDT", "no data", "silence", None, 0, 2))
    (found,) = house.ledger.incidents(10)
    assert found.cause == "drill: silence for 0.5 s (no data)"


def test_there_is_one_drill_at_a_time(house: House) -> None:
    assert house.drills.state() is None
    house.drills.begin("binance", "cut", 60)
    with pytest.raises(DrillRunning):
        house.drills.begin("okx", "cut", 60)
    assert house.drills.state() == house.drills.state() is not None


def test_a_second_drill_may_follow_the_first(house: House) -> None:
    for source in ("okx", "binance"):
        threading.Timer(0.05, house.feeds[source].off.clear).start()
        house.drills.begin(source, "cut", 0.05)
        assert house.done()[0].source == source


@pytest.mark.parametrize("wish, told", [
    (("krakken", "cut", 10), "source: must be one of binance, okx, got 'krakken'"),
    (("binance", "fire", 10), "fault: must be one of cut, silence, got 'fire'"),
    (("binance", "cut", 301), "seconds: must be from 0.05 to 300, got 301"),
    (("binance", "cut", 0.01), "seconds: must be from 0.05 to 300, got 0.01"),
    (("binance", "cut", math.nan), "seconds: must be from 0.05 to 300, got nan"),
])
def test_what_cannot_be_is_refused_with_what_can(house: House, wish: Any, told: str) -> None:
    with pytest.raises(ValueError) as error:
        house.drills.begin(*wish)
    assert str(error.value) == told


def test_a_stop_ends_the_drill_and_takes_the_fault_off(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    house.drills.begin("binance", "cut", 300)
    eventually(house.feeds["binance"].off.is_set)
    assert stop_all(house.drills.end(), Deadline(1)) == []
    assert house.feeds["binance"].told == [("cut", 300), "end"]
    assert house.done()[1].interrupted and "interrupted" in caplog.text
    with pytest.raises(DrillRunning):
        house.drills.begin("binance", "cut", 10)


def test_a_source_that_stays_away_is_not_waited_for_without_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "RECOVER_S", 0.1)
    house.drills.begin("binance", "cut", 0.05)
    _, report = house.done()
    assert not report.came_back and not report.interrupted


def test_one_that_is_fit_but_not_active_again_is_not_waited_for_either(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsal, "RETURN_S", 0.1)
    states = iter(["binance"])
    stage = Stage("BTCUSDT", house.feeds, lambda: next(states, "okx"), lambda _: True,
                  house.quote, 0.0)
    drills = Drills(stage, house.ledger)
    drills.begin("binance", "cut", 0.05)

    def report() -> Report | None:
        told = drills.state()
        return told.report if told else None

    found = eventually(report)
    assert found.came_back and found.back_after_ms is None
    assert stop_all(drills.end(), Deadline(5)) == []


def test_a_fault_of_the_program_takes_the_cut_off_and_is_shown(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(symbol: str, max_age_s: float | None) -> Quote:
        raise RuntimeError("broken")

    drills = Drills(Stage("BTCUSDT", house.feeds, house.active, house.fit, broken, 0.0),
                    house.ledger)
    drills.begin("okx", "cut", 60)
    eventually(lambda: (told := drills.state()) and told.state == "failed")
    assert house.feeds["okx"].told[-1] == "end" and "broken" in caplog.text


@pytest.mark.parametrize("enabled, token, missing", [
    (False, None, "ENABLE_DRILL=true and API_TOKEN"), (True, None, "set API_TOKEN and"),
    (False, "x", "set ENABLE_DRILL=true and start"),
])
def test_what_has_to_be_set_is_told(enabled: bool, token: str | None, missing: str) -> None:
    assert missing in (why_refused(enabled, token) or "")
    assert why_refused(True, "x") is None
