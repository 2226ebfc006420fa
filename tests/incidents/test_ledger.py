"""The ledger, its book and its tallies: every incident once, and figures that add up."""

import random
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from bot.events import FailoverFailed, SourceJudged, SourceSwitched, VerdictChanged
from bot.incidents.book import KEPT, RETURN_S
from bot.incidents.incident import Figures, History, Incident, merged
from bot.incidents.ledger import START_S, Ledger
from bot.incidents.rehearsed import AFTER_S
from bot.model import Quote, Status
from tests.helpers import Clock

WALL = 1_790_000_000.0


class Desk:
    """A ledger whose clocks a test turns. Everything is good from the second `began` on."""

    def __init__(self, symbols: tuple[str, ...] = ("BTCUSDT",), settled: bool = True) -> None:
        self.mono = Clock(100.0)
        self.ledger = Ledger("primary", symbols, ("binance", "okx"), mono=self.mono,
                             wall=lambda: WALL + self.mono.now - 100.0)
        self.kept: list[Incident] = []
        self.ledger.keep(self.kept.append)
        if settled:
            for symbol in symbols:
                for source in ("binance", "okx"):
                    self.judged(source, None, symbol=symbol)
                self.verdict("trusted", symbol=symbol)

    def judged(self, source: str, fault: str | None, rule: str = "silence", *,
               symbol: str = "BTCUSDT", since: float | None = None) -> None:
        self.ledger.source_judged(SourceJudged(
            source, symbol, fault, rule, since, WALL, self.mono.now))

    def verdict(self, status: str | None, *, symbol: str = "BTCUSDT", why: str = "why") -> None:
        self.ledger.verdict_changed(VerdictChanged(
            symbol, None, status, 1.0, None, why, WALL, self.mono.now))

    def poll(self, tier: str | None, status: Status = "trusted", reason: str = "why") -> None:
        quote = None if tier is None else Quote(
            symbol="BTCUSDT", price=1.0, source=tier, received_at=1, age_s=0.1, status=status,
            trusted=status in ("trusted", "degraded"), reason=reason)
        self.ledger.served("BTCUSDT", quote, self.mono.now)

    def switch(self, previous: str | None, current: str, **more: Any) -> None:
        self.ledger.source_switch(SourceSwitched(
            "BTCUSDT", previous, current, WALL, "why", mono=self.mono.now, **more))

    def wait(self, seconds: float) -> None:
        self.mono.now += seconds

    def newest(self, **which: Any) -> Incident:
        return self.ledger.incidents(1, **which)[0]

    def figures(self, source: str | None) -> Figures:
        found = self.ledger.availability()
        (row,) = [row for row in (*found.served, *found.sources) if row.source == source]
        return row


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ---- sources

def test_a_fault_opens_an_incident_and_fitness_closes_it(desk: Desk) -> None:
    desk.wait(60)
    desk.judged("binance", "no data for 5012 ms", since=desk.mono.now - 5.012)
    opened = desk.newest()
    assert (opened.source, opened.symbol, opened.cause, opened.rule, opened.instance) == (
        "binance", "BTCUSDT", "no data for 5012 ms", "silence", "primary")
    assert opened.opened_at == WALL + 60 and opened.closed_at is None
    assert opened.detected_after_ms == pytest.approx(5012)
    desk.wait(12.5)
    assert desk.newest().duration_ms == pytest.approx(12_500)
    desk.judged("binance", None)
    closed = desk.newest()
    assert closed.closed_at == WALL + 72.5 and closed.duration_ms == pytest.approx(12_500)
    assert closed.id == opened.id and len(desk.ledger.incidents(10)) == 1
    assert [(one.id, one.revision) for one in desk.kept] == [(opened.id, 1), (opened.id, 2)]
    assert desk.kept[0].duration_ms is None


def test_a_switch_is_entered_in_the_incident_of_the_source_that_was_left(desk: Desk) -> None:
    desk.judged("okx", "late", "late")
    desk.judged("binance", "not connected", "connection")
    desk.wait(0.012)
    desk.switch("binance", "okx", step_bps=-1.5, blackout_ms=14.0)
    found = desk.newest(source="binance")
    assert found.switched_after_ms == pytest.approx(12)
    assert (found.blackout_ms, found.price_step_bps, found.revision) == (14.0, -1.5, 2)
    assert desk.newest(source="okx").switched_after_ms is None
    assert desk.kept[-1] == msgspec.structs.replace(found, duration_ms=None)


def test_a_switch_after_a_time_without_any_source_belongs_to_the_one_left_before(
    desk: Desk
) -> None:
    desk.judged("okx", "not connected", "connection")
    desk.judged("binance", "not connected", "connection")
    desk.ledger.failover_failed(FailoverFailed("BTCUSDT", "binance", WALL, "none"))
    desk.wait(3)
    desk.judged("okx", None)
    desk.switch(None, "okx", blackout_ms=3000.0)
    assert desk.newest(source="binance").switched_after_ms == pytest.approx(3000)
    assert desk.newest(source="okx").switched_after_ms is None


def test_a_return_to_the_primary_is_nobodys_incident(desk: Desk) -> None:
    desk.judged("binance", "late", "late")
    desk.switch("binance", "okx")
    desk.judged("binance", None)
    entered = len(desk.kept)
    desk.switch("okx", "binance")
    assert len(desk.kept) == entered


def test_another_rule_while_open_updates_the_cause(desk: Desk) -> None:
    desk.judged("binance", "no data for 5000 ms", "silence")
    desk.judged("binance", "no data for 6000 ms", "silence")
    assert desk.newest().cause == "no data for 5000 ms"
    desk.judged("binance", "not connected: reset", "connection")
    desk.judged("binance", "data come 6000 ms late", "late")
    found = desk.newest()
    assert found.cause == "no data for 5000 ms; then data come 6000 ms late"
    assert found.rule == "late" and desk.figures("binance").incidents == 1


def test_a_connection_that_is_back_has_its_time_until_data_come(desk: Desk) -> None:
    desk.judged("binance", "not connected: reset", "connection")
    desk.wait(1.0)
    desk.judged("binance", "connected, but no data yet", "data")
    desk.wait(0.3)
    desk.judged("binance", None)
    told = desk.newest()
    assert (told.rule, told.cause, told.revision) == ("connection", "not connected: reset", 2)


def test_a_connection_that_is_back_and_brings_nothing_is_told_as_that(desk: Desk) -> None:
    desk.judged("binance", "not connected: reset", "connection")
    desk.judged("binance", "connected, but no data yet", "data")
    desk.wait(RETURN_S - 0.1)
    assert desk.newest().rule == "connection" and len(desk.kept) == 1
    desk.wait(0.2)
    assert desk.newest().rule == "data" and len(desk.kept) == 2
    assert desk.newest().cause == "not connected: reset; then connected, but no data yet"
    desk.judged("binance", "not connected: reset again", "connection")
    desk.wait(RETURN_S + 1.0)
    assert desk.newest().rule == "connection"


def test_each_rule_that_an_incident_comes_to_is_handed_on_once(desk: Desk) -> None:
    before = len(desk.kept)
    for _ in range(3):
        desk.judged("binance", "no data", "silence")
        desk.judged("binance", "disagrees", "disagreement")
    desk.judged("binance", None)
    told = desk.kept[before:]
    assert [one.revision for one in told] == [1, 2, 3] and len({one.id for one in told}) == 1
    assert [one.rule for one in told] == ["silence", "disagreement", "disagreement"]


def test_whoever_asked_is_handed_every_incident() -> None:
    desk, others = Desk(), list[Incident]()
    desk.ledger.keep(others.append)
    desk.judged("binance", "no data")
    desk.judged("binance", None)
    assert others == desk.kept[-2:]


def test_a_source_that_is_fit_within_its_time_had_no_incident() -> None:
    desk = Desk(settled=False)
    desk.judged("binance", "not connected yet", "connection")
    desk.wait(START_S - 0.1)
    desk.poll("websocket")
    desk.judged("binance", None)
    assert desk.ledger.incidents(10) == []
    assert desk.figures("binance").share == 1.0


def test_a_source_that_never_becomes_fit_has_one_since_the_start() -> None:
    desk = Desk(settled=False)
    desk.judged("binance", None)
    desk.judged("okx", "not connected: refused", "connection")
    desk.wait(START_S)
    desk.poll("websocket")
    (found,) = desk.ledger.incidents(10)
    assert (found.source, found.cause, found.opened_at) == ("okx", "not connected: refused", WALL)
    assert desk.figures("okx").share == 0.0 and desk.figures("okx").incidents == 1


# ---- the price served

def test_the_verdict_opens_and_closes_the_incident_of_a_price(desk: Desk) -> None:
    desk.wait(10)
    desk.verdict("stale", why="no source is fit")
    desk.verdict(None, why="too old")
    desk.wait(0.75)
    found = desk.newest()
    assert (found.source, found.symbol, found.rule) == (None, "BTCUSDT", "none")
    assert found.cause == "no source is fit; then too old"
    desk.verdict("degraded")
    assert desk.newest().blackout_ms == desk.newest().duration_ms == pytest.approx(750)
    assert desk.figures(None).good_ms == pytest.approx(10_000)


def test_degraded_is_trusted(desk: Desk) -> None:
    desk.verdict("degraded")
    assert desk.ledger.incidents(10) == []


def test_a_lower_tier_saves_the_price_from_the_poll_on_that_saw_it(desk: Desk) -> None:
    desk.verdict("stale")
    desk.wait(0.4)
    desk.poll("okx")
    assert desk.newest().duration_ms == pytest.approx(400)
    assert desk.newest().cause == "why; then okx had a trusted one for readers who ask for that"
    desk.wait(5)
    desk.verdict(None)  # the streams' price has grown too old; the lower tier has one all the same
    assert desk.newest().closed_at is not None
    desk.wait(1)
    desk.poll("okx", "stale", "timed out")
    assert desk.newest().closed_at is None and desk.newest().cause == "timed out"
    assert desk.newest().detected_after_ms == pytest.approx(6000)
    assert desk.figures(None).incidents == 2


def test_a_poll_of_the_streams_does_not_overrule_their_verdict(desk: Desk) -> None:
    desk.verdict("disputed")
    desk.poll("websocket")
    assert desk.newest().closed_at is None


def test_a_poll_asked_before_the_failure_does_not_end_it(desk: Desk) -> None:
    asked = desk.mono.now
    desk.wait(0.01)
    desk.verdict("stale")
    desk.ledger.served("BTCUSDT", Quote(
        symbol="BTCUSDT", price=1.0, source="okx", received_at=1, age_s=0.1, status="trusted",
        trusted=True, reason="why"), asked)
    assert desk.newest().closed_at is None


def test_a_price_that_is_trusted_by_the_first_poll_had_no_incident() -> None:
    desk = Desk(settled=False)
    desk.verdict(None, why="nothing received")
    desk.wait(1)
    desk.verdict("trusted")
    desk.poll("websocket")
    assert desk.ledger.incidents(10) == []


def test_a_price_that_is_not_trusted_at_the_first_poll_was_missing_since_the_start() -> None:
    desk = Desk(settled=False)
    desk.wait(1)
    desk.poll("mock", "synthetic", "made up")
    desk.wait(2)
    desk.verdict("trusted")
    (found,) = [one for one in desk.ledger.incidents(10) if one.source is None]
    assert (found.opened_at, found.rule) == (WALL, "synthetic")
    assert found.duration_ms == pytest.approx(3000)


# ---- rehearsed

def test_what_was_rehearsed_says_so(desk: Desk) -> None:
    desk.ledger.drill("binance", "drill: cut for 10 s", 10.0)
    desk.judged("binance", "not connected: drill: cut for 10 s", "connection")
    desk.verdict("stale", why="nobody is fit")
    assert desk.newest(source="binance").cause == "drill: cut for 10 s"
    assert desk.ledger.incidents(2)[0].cause == "drill: cut for 10 s (nobody is fit)"
    desk.judged("binance", None)
    desk.ledger.drill_ended()
    desk.judged("binance", "no data for 5000 ms")
    assert desk.newest(source="binance").cause == "no data for 5000 ms"


@pytest.mark.parametrize("before", [True, False])
def test_a_price_that_is_lost_with_another_source_is_no_drill(desk: Desk, before: bool) -> None:
    if before:
        desk.judged("okx", "not connected: reset", "connection")
    desk.ledger.drill("binance", "drill: cut for 10 s", 10.0)
    desk.judged("binance", "not connected: drill: cut for 10 s", "connection")
    if not before:
        desk.judged("okx", "not connected: reset", "connection")
    desk.verdict(None, why="nobody is fit")
    assert desk.newest(source="binance").cause == "drill: cut for 10 s"
    assert desk.newest(source="okx").cause == "not connected: reset"
    price = next(one for one in desk.ledger.incidents(3) if one.source is None)
    assert price.cause == "nobody is fit" and not desk.ledger.rehearsed("BTCUSDT")


def test_a_source_that_was_never_fit_is_no_drill() -> None:
    desk = Desk(settled=False)
    desk.judged("binance", None)
    desk.verdict("trusted")
    desk.ledger.drill("binance", "drill: cut for 10 s", 10.0)
    desk.verdict("stale", why="nobody is fit")
    assert desk.newest().cause == "nobody is fit"


def test_what_a_drill_does_not_explain_any_more_is_retold(desk: Desk) -> None:
    desk.ledger.drill("binance", "drill: silence for 10 s", 10.0)
    desk.judged("binance", "no data", "silence")
    desk.verdict("disputed", why="they contradict each other")
    desk.verdict(None, why="too old")
    desk.wait(5)
    desk.judged("okx", "not connected: reset", "connection")
    before = len(desk.kept)
    desk.poll(None)
    (told,) = desk.kept[before:]
    assert told.cause == "they contradict each other; then too old"
    assert (told.revision, told.rule, told.closed_at) == (3, "none", None)
    assert desk.newest(source="binance").cause == "drill: silence for 10 s (no data)"


@pytest.mark.parametrize("ended", [0.0, 300.0])
def test_what_outlives_a_drill_is_retold_some_seconds_after_it(desk: Desk, ended: float) -> None:
    """Ended at once, or, as its fault ends by itself, by nobody."""
    seconds = ended or 5.0
    desk.ledger.drill("binance", f"drill: cut for {seconds:g} s", seconds)
    desk.judged("binance", f"not connected: drill: cut for {seconds:g} s", "connection")
    desk.verdict("stale", why="nobody is fit")
    if ended:
        desk.ledger.drill_ended()
    before = len(desk.kept)
    desk.wait((0.0 if ended else 5.0) + AFTER_S - 0.1)
    desk.ledger.refused(0, "")
    assert len(desk.kept) == before and desk.ledger.rehearsed("BTCUSDT")
    desk.wait(0.1)
    desk.ledger.refused(0, "")
    desk.poll(None)
    assert {one.source: one.cause for one in desk.kept[before:]} == {
        "binance": f"not connected: cut for {seconds:g} s in a drill that is over",
        None: "nobody is fit"}
    assert [one.revision for one in desk.kept[before:]] == [2, 2]
    assert not desk.ledger.rehearsed("BTCUSDT")
    desk.judged("binance", "connected, but no data yet", "data")
    desk.wait(RETURN_S)
    assert desk.newest(source="binance").cause == (
        f"not connected: cut for {seconds:g} s in a drill that is over; "
        "then connected, but no data yet")


def test_what_is_over_with_a_drill_stays_one(desk: Desk) -> None:
    desk.ledger.drill("binance", "drill: cut for 5 s", 5.0)
    desk.judged("binance", "not connected: drill: cut for 5 s", "connection")
    desk.wait(6)
    desk.judged("binance", None)
    desk.ledger.drill_ended()
    desk.wait(60)
    desk.poll("websocket")
    assert desk.newest().cause == "drill: cut for 5 s" and desk.kept[-1] == desk.newest()


def test_another_symbol_of_which_a_source_is_not_fit_changes_nothing() -> None:
    desk = Desk(("BTCUSDT", "ETHUSDT"))
    desk.ledger.drill("binance", "drill: cut for 5 s", 5.0)
    desk.judged("okx", "late", "late", symbol="ETHUSDT")
    assert desk.ledger.rehearsed("BTCUSDT") and not desk.ledger.rehearsed("ETHUSDT")


# ---- bounds

def test_only_the_newest_are_kept_and_the_figures_stay_exact(desk: Desk) -> None:
    for _ in range(KEPT + 500):
        desk.judged("binance", "late", "late")
        desk.wait(1)
        desk.judged("binance", None)
        desk.wait(1)
    assert len(desk.ledger.incidents(10**6)) == KEPT
    found = desk.figures("binance")
    assert (found.incidents, found.share) == (KEPT + 500, 0.5)
    assert found.mtbf_ms == pytest.approx(1000) and found.worst_gap_ms == pytest.approx(1000)


def test_what_goes_on_gives_way_to_nothing_that_is_over(desk: Desk) -> None:
    desk.judged("okx", "put away", "disagreement")
    for _ in range(KEPT + 5):
        desk.wait(1)
        desk.judged("binance", "late", "late")
        desk.judged("binance", None)
    for limit in (1, 3, KEPT):
        shown = desk.ledger.incidents(limit)
        assert len(shown) == limit and shown[-1].source == "okx"
    assert [one.source for one in desk.ledger.going_on()] == ["okx"]
    assert desk.ledger.incidents(9, source="binance")[-1].source == "binance"


def test_ids_are_never_given_twice(desk: Desk) -> None:
    for _ in range(50):
        for source in ("binance", "okx"):
            desk.judged(source, "late", "late")
            desk.judged(source, None)
    assert len({one.id for one in desk.kept}) == 100


def test_the_newest_come_first_and_can_be_chosen() -> None:
    desk = Desk(("BTCUSDT", "ETHUSDT"))
    for symbol in ("BTCUSDT", "ETHUSDT", "BTCUSDT"):
        for source in ("binance", "okx"):
            desk.wait(1)
            desk.judged(source, "late", "late", symbol=symbol)
            desk.judged(source, None, symbol=symbol)
    times = [one.opened_at for one in desk.ledger.incidents(100)]
    assert times == sorted(times, reverse=True) and len(times) == 6
    assert len(desk.ledger.incidents(2)) == 2
    assert len(desk.ledger.incidents(9, symbol="ETHUSDT")) == 2
    assert len(desk.ledger.incidents(9, "BTCUSDT", "okx")) == 2


def test_many_threads_at_once_count_every_incident_once() -> None:
    symbols = tuple(f"C{number}USDT" for number in range(8))
    ledger = Ledger("primary", symbols, ("binance",))
    kept: list[Incident] = []
    ledger.keep(kept.append)

    def flap(symbol: str) -> None:
        for number in range(401):
            ledger.source_judged(SourceJudged(
                "binance", symbol, "late" if number % 2 else None, "late", None, 0.0,
                time.monotonic()))

    threads = [threading.Thread(target=flap, args=(symbol,)) for symbol in symbols]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.incidents for row in ledger.availability().sources] == [200] * 8
    assert len(kept) == 8 * 400 and len({one.id for one in kept}) == 8 * 200


# ---- earlier lives

def old(source: str | None, since: float, to: float | None, **more: Any) -> Incident:
    return Incident(id=f"old-{source}-{since}", source=source, symbol="BTCUSDT", cause="late",
                    rule="late", opened_at=WALL + since, instance="primary",
                    closed_at=None if to is None else WALL + to, **more)


def test_a_first_start_was_never_down(desk: Desk) -> None:
    desk.ledger.adopt(History(None, None))
    desk.wait(5)
    found = desk.ledger.availability()
    assert found.since == WALL and found.observed_ms == pytest.approx(5000)
    assert desk.ledger.incidents(10) == [] and desk.kept == []


@pytest.mark.parametrize("in_order, cause", [
    (True, "down"), (None, "down"),
    (False, "it did not end in order: killed, crashed, or the machine lost power")])
def test_how_the_last_life_ended_is_said_where_it_is_known(
    desk: Desk, in_order: bool | None, cause: str
) -> None:
    desk.ledger.adopt(History(WALL - 100, WALL - 20, ended_in_order=in_order))
    (down,) = desk.ledger.incidents(10)
    assert (down.cause, down.rule) == (cause, "down")


def test_the_time_without_a_bot_counts_against_everybody(desk: Desk) -> None:
    desk.ledger.adopt(History(WALL - 100, WALL - 20))
    desk.wait(100)
    (down,) = desk.ledger.incidents(10)
    assert (down.source, down.symbol, down.cause, down.rule) == (None, None, "down", "down")
    assert (down.opened_at, down.closed_at) == (WALL - 20, WALL)
    assert down.duration_ms == down.blackout_ms == pytest.approx(20_000)
    assert desk.kept == [down]
    for source in (None, "binance", "okx"):
        row = desk.figures(source)
        assert row.share == pytest.approx(0.9) and row.incidents == 1
        assert row.worst_gap_ms == pytest.approx(20_000)
        assert row.mtbf_ms == pytest.approx(180_000)


def test_a_pause_of_the_process_counts_against_everybody_that_was_good(desk: Desk) -> None:
    desk.judged("okx", "no data")
    desk.wait(10.0)
    desk.ledger.paused(4.0)
    told = desk.kept[-1]
    assert told in desk.ledger.incidents(5)
    assert (told.rule, told.source, told.symbol) == ("paused", None, None)
    assert told.closed_at == WALL + 10.0 and told.duration_ms == told.blackout_ms == 4000
    figures = [desk.figures(one) for one in (None, "binance", "okx")]
    assert [(one.incidents, one.good_ms, one.worst_gap_ms) for one in figures] == [
        (1, 6000, 4000), (1, 6000, 4000), (1, 0, 10_000)]
    _, begun = desk.ledger.counts()
    assert begun["paused"] == 1


def test_what_an_earlier_life_saw_is_counted_once_where_it_overlaps(desk: Desk) -> None:
    desk.ledger.adopt(History(WALL - 100, WALL - 10, (
        old("binance", -200, -90), old("binance", -50, -40), old("binance", -45, -35),
        old(None, -30, -29))))
    row = desk.figures("binance")
    assert row.good_ms == pytest.approx(1000 * (100 - 10 - 15 - 10)) and row.incidents == 4
    assert row.worst_gap_ms == pytest.approx(15_000)
    assert desk.figures(None).good_ms == pytest.approx(89_000)
    assert desk.figures("okx").good_ms == pytest.approx(90_000)


def test_an_incident_that_was_open_ends_with_the_last_sign_of_life(desk: Desk) -> None:
    desk.ledger.adopt(History(WALL - 100, WALL - 10, (old("okx", -30, None, revision=2),)))
    ended = desk.kept[0]
    assert ended.cause == "late; open when the bot ended" and ended.revision == 3
    assert ended.closed_at == WALL - 10 and ended.duration_ms == pytest.approx(20_000)
    assert desk.newest(source="okx") == ended
    assert desk.figures("okx").worst_gap_ms == pytest.approx(30_000)  # it, and the time down


@pytest.mark.parametrize("adopted_late", [False, True])
def test_an_outage_across_a_restart_is_one_gap(adopted_late: bool) -> None:
    desk = Desk(settled=False)
    history = History(WALL - 100, WALL - 10, (old(None, -30, None),))
    if not adopted_late:
        desk.ledger.adopt(history)
    desk.wait(1)
    desk.poll(None)
    desk.wait(4)
    desk.verdict("trusted")
    if adopted_late:
        desk.ledger.adopt(history)
    assert desk.figures(None).worst_gap_ms == pytest.approx(35_000)
    assert desk.figures(None).incidents == 3


def test_a_sign_of_life_from_the_future_is_no_time_down(desk: Desk) -> None:
    desk.ledger.adopt(History(WALL + 50, WALL + 100))
    assert desk.ledger.incidents(10) == []
    assert desk.ledger.availability().since == WALL


def test_old_incidents_stand_behind_those_of_this_life(desk: Desk) -> None:
    desk.judged("okx", "late", "late")
    desk.judged("okx", None)
    desk.ledger.adopt(History(WALL - 100, WALL - 10, tuple(
        old("okx", -90 + number / 100, -90 + (number + 0.5) / 100) for number in range(KEPT))))
    found = desk.ledger.incidents(10**6)
    assert len(found) == KEPT and found[0].opened_at == WALL and found[1].rule == "down"


# ---- against plain arithmetic

def walk(seed: int) -> Iterator[tuple[float, bool]]:
    """(moment, whether it is good from then on)"""
    dice, at = random.Random(seed), 100.0
    yield at, True
    for _ in range(200):
        at += dice.expovariate(1.0)
        yield at, dice.random() < 0.5


@pytest.mark.parametrize("seed", range(20))
def test_the_figures_are_those_of_a_plain_count(seed: int) -> None:
    desk = Desk()
    steps = [*walk(seed)]
    for at, good in steps:
        desk.mono.now = at
        desk.verdict("trusted" if good else "stale")
    end = desk.mono.now = steps[-1][0] + 1.0
    spans = [(at, after, good) for (at, good), (after, _) in pairwise([*steps, (end, True)])]
    bad = merged([(at, after) for at, after, good in spans if not good], 100.0, end)
    row = desk.figures(None)
    assert row.good_ms == pytest.approx(1000 * (end - 100.0 - sum(b - a for a, b in bad)))
    assert row.worst_gap_ms == pytest.approx(1000 * max(b - a for a, b in bad))
    assert row.incidents == len(bad)


@pytest.mark.parametrize("spans, expected", [
    ([], []),
    ([(1, 2), (2, 3)], [(1, 3)]),
    ([(5, 6), (1, 4), (2, 3)], [(1, 4), (5, 6)]),
    ([(-5, 2), (8, 20), (30, 40)], [(0, 2), (8, 10)]),
    ([(4, 3)], []),
])
def test_spans_are_merged(
    spans: list[tuple[float, float]], expected: list[tuple[float, float]]
) -> None:
    assert merged(spans, 0, 10) == expected


def test_incidents_are_counted_by_rule_while_they_go_on_and_since_the_start(desk: Desk) -> None:
    desk.judged("okx", "silent", "silence")
    desk.judged("okx", "gone", "connection")
    desk.judged("binance", "silent", "silence")
    desk.verdict("stale")
    assert desk.ledger.counts() == (
        {"connection": 1, "silence": 1, "stale": 1}, {"silence": 2, "stale": 1})
    desk.judged("binance", None)
    desk.judged("binance", "silent", "silence")
    assert desk.ledger.counts() == (
        {"connection": 1, "silence": 1, "stale": 1}, {"silence": 3, "stale": 1})


def test_what_concerns_the_bot_itself_is_counted_once(desk: Desk) -> None:
    desk.ledger.adopt(History(WALL - 100, WALL - 10))
    desk.ledger.refused(0, "")
    desk.ledger.refused(5, "full")
    assert desk.ledger.counts() == ({"unrecorded": 1}, {"down": 1, "unrecorded": 1})
    desk.wait(60.0)
    desk.ledger.refused(5, "full")
    desk.ledger.lost(old(None, -5, -4))
    assert desk.ledger.counts()[1].total() == 3 and not desk.ledger.counts()[0]
