"""The judgement put together, from updates to the price served, on a clock of the test's own."""

from contextlib import suppress

import pytest

from bot.errors import ImplausibleStamp
from bot.events import Publisher, SourceActivated, SourceJudged, SourceSwitched, VerdictChanged
from bot.feeds.intake import Intake
from bot.judging.announcer import Announcer
from bot.judging.desk import Desk
from bot.judging.fitness import Policy
from bot.model import FeedHealth, MarketDataUpdate, Opinion, Quote, UpdateType

EPOCH = 1_790_000_000.0
EVENTS = ("market_data", "source_switch", "source_judged", "verdict_changed", "failover_failed",
          "doubt", "source_disconnected", "source_activated")
SYMBOL = "BTCUSDT"


class Market:
    """Sources that are told what to say, judged five times a second."""

    def __init__(self, *sources: str, primary: str = "binance") -> None:
        self.now = 1000.0
        self.publisher = Publisher(EVENTS)
        policy = Policy(primary=primary, failover=True, max_latency_s=5.0, failback_after_s=10.0)
        self.desk = Desk(policy, "primary", 10.0)
        self.connected: dict[str, float | None] = dict.fromkeys(sources, 999.0)
        self.events: list[object] = []
        for name in ("source_switch", "source_activated", "source_judged", "verdict_changed"):
            self.publisher.on(name, self.events.append)
        self.announcer = Announcer(self.publisher, self.mono, self.wall)
        for source in sources:
            self.desk.intakes[source] = Intake(
                source, self.desk.store, self.publisher, self.desk.reference, self.mono, self.wall)

    def mono(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now - 1000.0

    def says(self, source: str, price: float, type: UpdateType = "trade", ahead_s: float = 0.0,
             identity: int | None = None, stamp: int | None = None) -> int:
        ms = round((self.wall() + ahead_s) * 1000) if stamp is None else stamp
        return self.desk.intakes[source].take([MarketDataUpdate(
            source, SYMBOL, type, price, 1.0, price - 1, price + 1, ms, round(self.wall() * 1000),
            self.now, identity)], self.now)

    def healths(self) -> list[FeedHealth]:
        return [FeedHealth(
            source=source, connected_since=since, latency_s=0.05, event_lag_s=0.0,
            clock_offset_s=self.desk.intakes[source].clock_offset_s, messages_received=1, errors=0,
            last_update=None, detail="lost") for source, since in self.connected.items()]

    def judge(self) -> None:
        before, case, _ = self.desk.judge(SYMBOL, self.healths(), self.now)
        self.announcer.judged(before, case, self.desk.outcome(case), 5.0)

    def run(self, seconds: float, **prices: float) -> None:
        """Each source says its price ten times a second."""
        for turn in range(round(seconds * 10)):
            self.now += 0.1
            for source, price in prices.items():
                self.says(source, price)
            if turn % 2:
                self.judge()

    def quote(self) -> Quote:
        return self.desk.quote(SYMBOL, self.healths(), self.now)

    def of(self, kind: type) -> list[object]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def both() -> Market:
    market = Market("binance", "okx")
    market.run(10, binance=60_000.0, okx=60_010.0)
    return market


def test_all_is_well(both: Market) -> None:
    quote = both.quote()
    assert (quote.status, quote.exchange, quote.sources_used) == (
        "trusted", "binance", ("binance", "okx"))
    assert quote.confidence is not None and 10.0 < quote.confidence < 60.0
    assert [event.status for event in both.of(VerdictChanged)] == [  # type: ignore[attr-defined]
        "trusted"]


def test_the_first_one_that_is_active_is_told_and_it_is_no_switch() -> None:
    market = Market("binance", "okx")
    market.connected["binance"] = None
    market.run(0.4, okx=60_010.0)
    market.connected["binance"] = market.now
    market.run(0.4, okx=60_010.0, binance=60_000.0)
    assert [(event.previous, event.current, event.reason)  # type: ignore[attr-defined]
            for event in market.of(SourceActivated)] == [
        (None, "okx", "first fresh data"), ("okx", "binance", "primary has just connected")]
    assert market.of(SourceSwitched) == []


def test_who_is_put_away_is_told_until_when(both: Market) -> None:
    three = Market("binance", "okx", "third")
    three.run(5, binance=60_000.0, okx=60_010.0, third=60_005.0)
    three.run(3, binance=60_000.0, okx=60_010.0, third=61_000.0)
    legs = {leg.source: leg for leg in three.desk.explain(SYMBOL, three.healths(), three.now).legs}
    assert legs["third"].rule == "disagreement" and "put away" in legs["third"].words
    assert legs["third"].back_in_ms is not None and 5_000 < legs["third"].back_in_ms < 10_000
    assert legs["okx"].back_in_ms is None
    (told,) = [event for event in three.events
               if isinstance(event, SourceJudged) and event.rule == "disagreement"]
    assert told.since is None, "when it was right last is not known; it has just spoken"


def test_why_a_source_is_active_names_the_one_that_it_is_about() -> None:
    three = Market("binance", "okx", "third")
    three.run(5, binance=60_000.0, okx=60_010.0, third=60_005.0)
    assert three.desk.explain(SYMBOL, three.healths(), three.now).why == "first fresh data"
    three.run(3, binance=61_000.0, okx=60_010.0, third=60_005.0)
    told = three.desk.explain(SYMBOL, three.healths(), three.now)
    assert told.active == "okx"
    assert told.why.startswith("in place of binance: disagrees with okx and third by +")


def test_a_wild_tick_is_not_served_for_a_moment(both: Market) -> None:
    both.now += 0.01
    both.says("binance", 63_000.0)
    quote = both.quote()
    assert (quote.price, quote.status) == (60_000.0, "trusted")


def test_a_source_that_goes_wrong_is_never_trusted_with_two_the_tie_is_told(both: Market) -> None:
    for _ in range(100):
        both.now += 0.1
        both.says("binance", 60_300.0)
        both.says("okx", 60_010.0)
        both.judge()
        quote = both.quote()
        assert quote.price == 60_000.0 or not quote.trusted
    assert quote.status == "disputed" and "disagrees with okx by" in quote.reason


def test_a_market_that_jumps_is_followed_at_once(both: Market) -> None:
    both.now += 0.1
    both.says("binance", 60_600.0)
    both.says("okx", 60_610.0)
    for _ in range(4):
        both.now += 0.1
        both.says("binance", 60_600.0)
        both.says("okx", 60_610.0)
    both.judge()
    assert both.quote().price == 60_600.0 and both.quote().trusted
    assert not both.of(SourceSwitched)


def test_rest_breaks_the_tie_and_the_liar_is_left(both: Market) -> None:
    both.run(3, binance=60_300.0, okx=60_010.0)
    both.desk.opine(Opinion("binance", SYMBOL, 60_000.0, None, None, None, both.now))
    both.run(1, binance=60_300.0, okx=60_010.0)
    (switch,) = both.of(SourceSwitched)
    assert isinstance(switch, SourceSwitched) and switch.current == "okx"
    assert switch.step_bps == pytest.approx(-48.1, abs=0.1)
    assert both.quote().exchange == "okx" and both.quote().trusted


def test_a_feed_that_repeats_itself_is_frozen_whatever_it_sends(both: Market) -> None:
    stamp = round(both.wall() * 1000)
    for _ in range(60):
        both.now += 0.1
        both.says("binance", 60_000.0, stamp=stamp)
        both.says("okx", 60_010.0)
        both.judge()
    assert both.desk.standing(SYMBOL).active == "okx"
    fault = both.desk.standing(SYMBOL).faults["binance"]
    assert fault.rule == "frozen" and fault.words.startswith("nothing but repetitions for ")


def test_a_replay_of_old_events_is_no_news(both: Market) -> None:
    for turn in range(60):
        both.now += 0.1
        both.says("binance", 59_000.0 + turn, stamp=round((both.wall() - 60 + turn / 10) * 1000))
        both.says("okx", 60_010.0)
        both.judge()
        assert both.quote().price in (60_000.0, 60_010.0)
    assert both.desk.standing(SYMBOL).active == "okx"


def test_stamps_of_another_unit_are_refused(both: Market) -> None:
    with pytest.raises(ImplausibleStamp):
        both.says("binance", 60_000.0, stamp=round(both.wall()))


def test_a_source_whose_stamps_run_ahead_wins_nothing(both: Market) -> None:
    with pytest.raises(ImplausibleStamp):
        both.says("okx", 60_010.0, ahead_s=3600.0)


def test_a_source_that_is_an_hour_late_from_the_start_is_late_against_the_others() -> None:
    market = Market("binance", "okx")
    for turn in range(100):
        market.now += 0.1
        market.says("binance", 60_000.0, ahead_s=-3600.0)
        market.says("okx", 60_010.0)
        if turn % 2:
            market.judge()
    assert market.desk.standing(SYMBOL).active == "okx"
    assert market.desk.standing(SYMBOL).faults["binance"].rule in ("clock", "late")


def test_our_own_clock_that_is_an_hour_off_harms_nobody() -> None:
    market = Market("binance", "okx")
    for turn in range(100):
        market.now += 0.1
        market.says("binance", 60_000.0, ahead_s=-3600.0)
        market.says("okx", 60_010.0, ahead_s=-3600.0)
        if turn % 2:
            market.judge()
    assert market.quote().trusted and market.quote().age_s < 0.5


def test_a_quiet_market_that_rest_confirms_stays_where_it_is() -> None:
    """Pauses of seconds are usual there, and REST says the same price."""
    market = Market("binance")
    for turn in range(400):
        market.now += 0.1
        if turn % 40 == 0:
            market.says("binance", 60_000.0 + turn)
        market.judge()
    last = 60_000.0 + 360
    for turn in range(70):
        market.now += 0.1
        market.desk.opine(Opinion("binance", SYMBOL, last, last - 1, last + 1, None, market.now))
        market.judge()
    assert market.desk.standing(SYMBOL).active == "binance"
    assert market.quote().trusted and market.quote().age_s < 1.0
    assert not market.of(SourceSwitched)


def test_silence_while_rest_tells_another_price_is_a_dead_stream(both: Market) -> None:
    for _ in range(60):
        both.now += 0.1
        both.desk.opine(Opinion("binance", SYMBOL, 60_001.0, 60_000.0, 60_002.0, None, both.now))
        both.says("okx", 60_010.0)
        both.judge()
    assert both.desk.standing(SYMBOL).active == "okx"


def test_a_clock_that_ran_ahead_and_came_back_is_believed_again(both: Market) -> None:
    for ahead_s in (3600.0, 0.0):
        for _ in range(100):
            both.now += 0.1
            with suppress(ImplausibleStamp):
                both.says("binance", 60_000.0, ahead_s=ahead_s)
            both.says("okx", 60_010.0)
            both.judge()
        assert not both.desk.standing(SYMBOL).faults


def test_one_that_is_only_slow_to_follow_is_not_put_away() -> None:
    market = Market("binance", "okx", "third")
    market.run(10, binance=60_000.0, okx=60_010.0, third=60_005.0)
    market.run(3, binance=60_600.0, third=60_605.0)
    assert "okx" in market.desk.standing(SYMBOL).agreement.outside
    assert not market.desk.standing(SYMBOL).faults
    market.run(2, binance=60_600.0, okx=60_010.0, third=60_605.0)
    assert market.desk.standing(SYMBOL).faults["okx"].rule == "disagreement"


def test_a_source_that_is_fit_at_the_first_look_is_told_as_such() -> None:
    """Else nobody would know, and it would be held to be down since the start."""
    market = Market("binance")
    market.says("binance", 60_000.0)
    market.judge()
    market.judge()
    (judged,) = market.of(SourceJudged)
    assert isinstance(judged, SourceJudged)
    assert (judged.source, judged.fault, judged.rule) == ("binance", None, "first")


def test_a_lost_connection_is_a_switch_with_its_blackout_and_step(both: Market) -> None:
    both.desk.intakes["binance"].disconnected(both.now)
    both.connected["binance"] = None
    both.now += 0.002
    both.judge()
    (switch,) = both.of(SourceSwitched)
    assert isinstance(switch, SourceSwitched)
    assert switch.blackout_ms == pytest.approx(2.0)
    assert switch.step_bps == pytest.approx(1.67, abs=0.01)
    judged = both.of(SourceJudged)[-1]
    assert isinstance(judged, SourceJudged)
    assert (judged.source, judged.rule, judged.fault) == (
        "binance", "connection", "not connected: lost")
    assert both.quote().status == "degraded"
    assert both.quote().reason.endswith("no other source confirms it")


def test_alone_its_own_rest_can_contradict_it() -> None:
    market = Market("binance")
    market.run(10, binance=60_000.0)
    market.desk.opine(Opinion("binance", SYMBOL, 60_300.0, None, None, None, market.now))
    assert market.quote().status == "disputed"
    market.desk.opine(Opinion("binance", SYMBOL, 60_000.0, None, None, None, market.now))
    assert market.quote().status == "degraded"


def test_every_leg_is_explained(both: Market) -> None:
    both.run(2, binance=60_300.0, okx=60_010.0)
    both.desk.opine(Opinion("binance", SYMBOL, 60_000.0, None, None, None, both.now))
    told = both.desk.explain(SYMBOL, both.healths(), both.now)
    legs = {(leg.source, leg.kind): leg for leg in told.legs}
    assert told.members == ("okx", "binance rest") and told.outside == ("binance",)
    wrong, right = legs["binance", "stream"], legs["okx", "stream"]
    assert (wrong.accepted, wrong.rule) == (False, "disagreement") and "okx" in wrong.words
    assert right.accepted and right.low is not None and right.low < 60_010.0 < (right.high or 0)
    assert right.offset_ms == pytest.approx(0.0, abs=5.0) and right.age_ms == pytest.approx(0.0)
    assert legs["binance", "rest"].accepted
