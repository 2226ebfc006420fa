"""The policy of bot.judging.judge against random markets that try to break it."""

import random
from collections.abc import Mapping

import pytest

from bot.judging.fitness import SourceView, unfit
from bot.judging.judge import START_GRACE_S, Standing, judge
from tests.judging.test_judge import FIXED, POLICY, down, view


class RandomMarket:
    """Three sources that connect, stall, slow down and die at random."""

    names = ("binance", "okx", "third")

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.since: dict[str, float | None] = dict.fromkeys(self.names)
        self.data: dict[str, bool] = dict.fromkeys(self.names, True)

    def turn(self) -> list[SourceView]:
        self.now += self.chance.choice((0.1, 0.1, 0.5, 2.0, 6.0))
        for name in self.names:
            if self.chance.random() < 0.1:
                self.since[name] = None if self.chance.random() < 0.5 else self.now
            if self.chance.random() < 0.1:
                self.data[name] = not self.data[name]
        return [self.view(name) for name in self.names]

    def view(self, name: str) -> SourceView:
        since = self.since[name]
        if since is None:
            return down(name)
        age = self.chance.uniform(0, 5) if self.data[name] else self.chance.choice((None, 5.5))
        latency = self.chance.choice((None, 0.0, 0.1, 0.1, 0.1, 0.1, 0.1, 6.0))
        return view(name, since=since, age=age, latency=latency)


class Witness:
    """Keeps, by itself, since when the primary has been fit without a break."""

    def __init__(self) -> None:
        self.fit_from: float | None = None

    def see(self, primary: SourceView, now: float) -> float:
        """Seconds of unbroken fitness."""
        if unfit(primary, POLICY) is not None:
            self.fit_from = None
            return 0.0
        begun = now if self.fit_from is None else self.fit_from
        self.fit_from = max(begun, primary.connected_since or 0.0)
        return now - self.fit_from


@pytest.mark.parametrize("seed", range(40))
def test_policy_holds_in_any_market(seed: int) -> None:
    """K4, K5, K14 for three sources and 500 moments each."""
    market, witness, standing = RandomMarket(seed), Witness(), Standing()
    switches, seen_primary, first_choice_at = 0, False, -1.0
    for _ in range(500):
        views = market.turn()
        faults: Mapping[str, str | None] = {seen.source: unfit(seen, POLICY) for seen in views}
        waited = witness.see(views[0], market.now)
        before, standing = standing, judge(standing, views, POLICY, market.now)
        active = standing.active
        if all(faults.values()):
            assert active is None, "no unfit source is ever chosen, nor kept"
            continue
        assert active is not None and faults[active] is None, "a fit source is always found"
        if first_choice_at < 0:
            first_choice_at = market.now
        if before.active not in (None, active):
            switches += 1
        if before.active != active and faults.get(str(before.active), "none") is None:
            assert active == "binance", "a fit source is left for the primary only"
            assert waited >= POLICY.failback_after_s or (
                not seen_primary and market.now - first_choice_at < START_GRACE_S)
        seen_primary |= active == "binance"
    assert switches > 5, "the market did move"


@pytest.mark.parametrize("seed", range(10))
def test_without_failover_nothing_changes_in_any_market(seed: int) -> None:
    market, standing = RandomMarket(seed), Standing()
    for _ in range(300):
        standing = judge(standing, market.turn(), FIXED, market.now)
        assert standing.active == "binance"
