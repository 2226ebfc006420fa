"""Sources judged by the others: put away, let back, and disputes that nobody can decide."""

import pytest

from bot.judging.fitness import Policy, SourceView
from bot.judging.judge import FLAP_S, FREE_LOSSES, Standing, failback_wait_s, judge
from bot.judging.trial import FALL, FORGIVEN_S, LONGEST_AWAY_S, PUT_AWAY_S, RISE, VOTE_S
from bot.model import Opinion

POLICY = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)


def says(source: str, price: float | None, since: float = 0.5) -> SourceView:
    up = price is not None
    return SourceView(source=source, connected_since=since if up else None,
                      age_s=0.1 if up else None, silent_s=0.1, latency_s=None, detail="lost",
                      price=price, sigma=0.0001)


class Court:
    """Judges every VOTE_S; a price for each of `sources`, None for one that is not connected."""

    def __init__(self, *sources: str) -> None:
        self.sources = sources
        self.now = 1000.0
        self.standing = Standing()

    def vote(self, *prices: float | None, times: int = 1, rest: dict[str, float] = {}) -> None:
        for _ in range(times):
            self.now += VOTE_S
            opinions = [Opinion(name, "BTCUSDT", price, None, None, None, self.now)
                        for name, price in rest.items()]
            self.standing = judge(
                self.standing, [says(*pair) for pair in zip(self.sources, prices, strict=True)],
                POLICY, self.now, opinions)

    def away(self, source: str) -> bool:
        return source in self.standing.faults

    @property
    def active(self) -> str | None:
        return self.standing.active


@pytest.fixture
def three() -> Court:
    court = Court("binance", "okx", "third")
    court.vote(60_000.0, 60_001.0, 60_002.0, times=10)
    return court


def test_an_outvoted_active_source_is_left_after_some_votes(three: Court) -> None:
    three.vote(60_300.0, 60_001.0, 60_002.0, times=FALL - 1)
    assert three.active == "binance"
    three.vote(60_300.0, 60_001.0, 60_002.0)
    assert three.active == "okx"
    assert three.standing.reason == (
        "disagrees with okx and third by +49.7 bps; put away for 10 s")
    assert three.standing.faults["binance"].rule == "disagreement"


def test_votes_that_are_not_in_a_row_do_not_count(three: Court) -> None:
    for _ in range(20):
        three.vote(60_300.0, 60_001.0, 60_002.0, times=FALL - 1)
        three.vote(60_000.0, 60_001.0, 60_002.0)
    assert three.active == "binance"


def test_however_often_it_is_judged_a_vote_is_taken_now_and_then(three: Court) -> None:
    for _ in range(50):
        three.standing = judge(
            three.standing, [says("binance", 60_300.0), says("okx", 60_001.0),
                             says("third", 60_002.0)], POLICY, three.now)
    assert three.active == "binance"


def test_who_was_put_away_is_let_back_when_his_time_is_over_and_he_agrees(three: Court) -> None:
    three.vote(60_300.0, 60_001.0, 60_002.0, times=FALL)
    put_away = three.now
    while three.away("binance"):
        three.vote(60_000.0, 60_001.0, 60_002.0)
    assert three.now - put_away == pytest.approx(PUT_AWAY_S, abs=2 * VOTE_S)
    assert three.active == "okx", "and returns only after FAILBACK_AFTER"


def test_who_goes_on_lying_stays_away(three: Court) -> None:
    three.vote(60_300.0, 60_001.0, 60_002.0, times=int(60 / VOTE_S))
    assert three.away("binance")
    three.vote(60_000.0, 60_001.0, 60_002.0, times=RISE - 1)
    assert three.away("binance")
    three.vote(60_000.0, 60_001.0, 60_002.0)
    assert not three.away("binance")


def test_each_offence_costs_twice_the_time_up_to_a_limit(three: Court) -> None:
    times = []
    for _ in range(8):
        three.vote(60_300.0, 60_001.0, 60_002.0, times=FALL)
        began = three.now
        while three.away("binance"):
            three.vote(60_000.0, 60_001.0, 60_002.0)
        times.append(three.now - began)
    expected = [min(LONGEST_AWAY_S, PUT_AWAY_S * 2 ** number) for number in range(8)]
    assert times == pytest.approx(expected, abs=2.5 * VOTE_S)


def test_offences_are_forgotten(three: Court) -> None:
    three.vote(60_300.0, 60_001.0, 60_002.0, times=FALL)
    three.vote(60_000.0, 60_001.0, 60_002.0, times=int((PUT_AWAY_S + FORGIVEN_S + 5) / VOTE_S))
    assert three.standing.trials["binance"].offences == 0


def test_two_that_disagree_change_nothing() -> None:
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_000.0, 60_301.0, times=100)
    assert court.active == "binance" and court.standing.agreement.disputed
    assert not court.standing.faults


def test_rest_decides_between_two() -> None:
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_300.0, 60_001.0, times=FALL, rest={"okx": 60_001.0, "binance": 60_000.0})
    assert court.active == "okx" and court.away("binance")


def test_a_put_away_source_has_no_vote_against_the_one_that_is_left() -> None:
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_000.0, 60_301.0, times=FALL, rest={"binance": 60_000.0, "okx": 60_001.0})
    assert court.away("okx")
    court.vote(60_000.0, 60_301.0, times=10)
    assert court.active == "binance" and not court.standing.agreement.disputed


def test_the_last_one_left_comes_back_by_itself() -> None:
    """A guard that refused must not outlive what it guarded."""
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_000.0, 60_301.0, times=FALL, rest={"binance": 60_000.0, "okx": 60_001.0})
    court.vote(None, 60_301.0, times=3)
    assert court.active is None
    court.vote(None, 60_301.0, times=int(PUT_AWAY_S / VOTE_S) + 1)
    assert court.active == "okx"


def test_without_a_majority_nobody_is_put_away() -> None:
    court = Court("binance", "okx", "third", "fourth")
    court.vote(60_000.0, 60_001.0, 60_002.0, 60_003.0, times=10)
    court.vote(60_000.0, 60_001.0, 60_302.0, 60_303.0, times=100)
    assert court.active == "binance" and court.standing.agreement.disputed


def test_an_outvoted_source_is_no_successor(three: Court) -> None:
    three.vote(60_000.0, 60_301.0, 60_001.0)
    three.vote(None, 60_301.0, 60_001.0, )
    assert three.active in ("okx", "third")
    court = Court("binance", "okx", "third", "fourth")
    court.vote(60_000.0, 60_001.0, 60_002.0, 60_003.0, times=10)
    court.vote(None, 60_301.0, 60_002.0, 60_003.0)
    assert court.active == "third"


def flapped(up_s: float, down_s: float, hours: float = 1.0) -> list[float]:
    """The times of all switches while the primary is up and down in turn."""
    court, switches, since = Court("binance", "okx"), [], 0.5
    court.vote(60_000.0, 60_001.0, times=5)
    end, turn = court.now + hours * 3600, court.now
    while court.now < end:
        court.now += 0.5
        phase = (court.now - turn) % (up_s + down_s)
        up = phase < up_s
        since = court.now - phase if up else since
        before = court.active
        court.standing = judge(
            court.standing, [says("binance", 60_000.0 if up else None, since),
                             says("okx", 60_001.0)], POLICY, court.now)
        if court.active != before:
            switches.append(court.now)
        assert court.active is not None and court.active in court.standing.fit_since
    return switches


@pytest.mark.parametrize("up_s, down_s", [
    (3.0, 4.0), (9.0, 1.0), (12.0, 3.0), (25.0, 5.0), (60.0, 2.0), (200.0, 5.0), (320.0, 5.0),
    (700.0, 5.0)])
def test_a_primary_that_flaps_for_an_hour_costs_few_switches(up_s: float, down_s: float) -> None:
    assert len(flapped(up_s, down_s)) <= 12


def test_the_primary_waits_longer_once_it_has_been_left_too_often() -> None:
    assert failback_wait_s(Standing(losses=(1.0,) * FREE_LOSSES), POLICY) == 10.0
    assert failback_wait_s(Standing(losses=(1.0,) * (FREE_LOSSES + 1)), POLICY) == FLAP_S
    assert failback_wait_s(Standing(losses=(1.0,) * (FREE_LOSSES + 2)), POLICY) == 2 * FLAP_S


def test_one_exchange_with_two_mouths_does_not_outvote_another() -> None:
    """Its stream and its REST API fail together."""
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_000.0, 60_601.0, times=50, rest={"okx": 60_601.0})
    assert court.active == "binance" and court.standing.agreement.disputed


def test_who_is_let_back_with_nobody_there_is_unproven_until_somebody_agrees() -> None:
    court = Court("binance", "okx")
    court.vote(60_000.0, 60_001.0, times=10)
    court.vote(60_000.0, 60_301.0, times=FALL, rest={"binance": 60_000.0, "okx": 60_001.0})
    court.vote(None, 60_301.0, times=int(PUT_AWAY_S / VOTE_S) + 1)
    assert court.active == "okx" and court.standing.trials["okx"].unproven
    court.vote(60_300.0, 60_301.0, times=2)
    assert not court.standing.trials["okx"].unproven
