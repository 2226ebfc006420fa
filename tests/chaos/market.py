"""The true market: a fair price that wanders, rests, bursts and jumps, and what each venue trades.

Nothing here knows of faults or of the product. All of it is drawn in advance from one seed.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

START_PRICE = 60_000.0
STEP_S = 0.05
JUMPS = 0.5  # so many bursts begin with a jump
# Standard deviation of a second's move as a share of the price, and how many times as much is done.
PHASES = {"calm": (0.00012, 1.0), "burst": (0.0008, 3.0), "quiet": (0.0, 0.0)}
WEIGHTS = {"calm": 14, "burst": 2, "quiet": 3}
LASTS_S = {"calm": (8.0, 30.0), "burst": (3.0, 12.0), "quiet": (3.0, 20.0)}
FIRST_TRADE_ID = 1_000_000

Shape = Literal["binance", "okx"]


@dataclass(frozen=True)
class Venue:
    """One exchange as it is. basis, noise, half_spread: shares of the price.

    follow_s: how long after the fair price it moves. latency_s, jitter_s: of its messages' way to
    us. clock_s: how far its stamps are ahead of the true time. rest: whether its REST API can be
    asked.
    """

    name: str
    shape: Shape
    basis: float
    noise: float
    half_spread: float
    follow_s: float
    trades_per_s: float
    books_per_s: float
    latency_s: float
    jitter_s: float
    clock_s: float
    rest: bool


class Tick(NamedTuple):
    """A venue's state after an event: a trade, or a change of its book only."""

    at: float
    price: float
    bid: float
    ask: float
    trade_id: int
    size: float
    volume: float
    traded: bool


class Phase(NamedTuple):
    start: float
    end: float
    name: str


def venue(name: str, chance: random.Random) -> Venue:
    """A venue as liquid or thin, near or far, as real ones are."""
    return Venue(
        name, chance.choice(("binance", "okx")), basis=chance.uniform(-0.0004, 0.0004),
        noise=chance.uniform(0.0, 0.00005), half_spread=chance.uniform(0.000005, 0.0001),
        follow_s=chance.uniform(0.0, 0.3), trades_per_s=chance.choice((0.5, 2.0, 4.0)),
        books_per_s=chance.choice((1.0, 3.0)), latency_s=chance.uniform(0.005, 0.15),
        jitter_s=chance.uniform(0.001, 0.03), clock_s=chance.uniform(-0.2, 0.2),
        rest=chance.random() < 0.85)


class Market:
    """fair: the price every STEP_S; ticks: by venue, in order of time; phases: what went on."""

    def __init__(self, venues: Sequence[Venue], seconds: float, seed: int) -> None:
        chance = random.Random(f"market {seed}")
        self.phases = list(_phases(seconds, chance))
        self.jumps = [phase.start for phase in self.phases
                      if phase.name == "burst" and chance.random() < JUMPS]
        self.fair = self._walk(seconds, chance)
        self.ticks = {one.name: self._trade(one, seconds, random.Random(f"{seed} {one.name}"))
                      for one in venues}
        self._times = {name: [tick.at for tick in ticks] for name, ticks in self.ticks.items()}

    def fair_at(self, at: float) -> float:
        return self.fair[max(0, min(len(self.fair) - 1, int(at / STEP_S)))]

    def tick(self, venue: str, at: float) -> Tick:
        """What the venue would truly tell at that moment."""
        return self.ticks[venue][max(0, bisect_right(self._times[venue], at) - 1)]

    def prices(self, venue: str, start: float, end: float) -> Iterator[float]:
        """Every last price that was the venue's true one at some moment from start to end."""
        times, ticks = self._times[venue], self.ticks[venue]
        for index in range(max(0, bisect_right(times, start) - 1), bisect_right(times, end)):
            yield ticks[index].price

    def quiet(self, start: float, end: float) -> bool:
        """Whether nothing was traded anywhere for some of that time."""
        return any(phase.name == "quiet" and phase.start < end and phase.end > start
                   for phase in self.phases)

    def _walk(self, seconds: float, chance: random.Random) -> list[float]:
        fair: list[float] = []
        price, jumps = START_PRICE, list(self.jumps)
        for phase in self.phases:
            sigma = PHASES[phase.name][0] * math.sqrt(STEP_S)
            for _ in range(round((phase.end - phase.start) / STEP_S)):
                price *= math.exp(chance.gauss(0.0, sigma)) if sigma else 1.0
                if jumps and len(fair) * STEP_S >= jumps[0]:
                    jumps.pop(0)
                    price *= 1.0 + chance.choice((-1, 1)) * chance.uniform(0.002, 0.02)
                fair.append(price)
        return fair

    def _trade(self, venue: Venue, seconds: float, chance: random.Random) -> list[Tick]:
        moments = [(0.0, True)]
        for phase in self.phases:
            busy = PHASES[phase.name][1]
            for rate, traded in ((venue.trades_per_s, True), (venue.books_per_s, False)):
                moments += [(at, traded) for at in
                            _poisson(rate * busy, phase.start, phase.end, chance)]
        # whoever follows a jump is traded at once
        moments += [(at + venue.follow_s + 2 * STEP_S, True) for at in self.jumps]
        ticks: list[Tick] = []
        last, trade_id, volume = START_PRICE, FIRST_TRADE_ID, 5_000.0
        for at, traded in sorted(moments):
            here = self.fair_at(at - venue.follow_s) * (1.0 + venue.basis)
            size = 0.0
            if traded:
                last = round(here * (1.0 + chance.gauss(0.0, venue.noise)), 2)
                size = round(chance.expovariate(20.0) + 0.00001, 5)
                trade_id, volume = trade_id + 1, round(volume + size, 5)
            half = here * venue.half_spread
            ticks.append(Tick(at, last, round(here - half, 2), round(here + half, 2), trade_id,
                              size, volume, traded))
        return ticks


def _phases(seconds: float, chance: random.Random) -> Iterator[Phase]:
    start = 0.0
    while start < seconds:
        name = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if start == 0.0:
            name = "calm"
        end = start + STEP_S * round(chance.uniform(*LASTS_S[name]) / STEP_S)
        yield Phase(start, end, name)
        start = end


def _poisson(rate: float, start: float, end: float, chance: random.Random) -> Iterator[float]:
    at = start
    while rate and (at := at + chance.expovariate(rate)) < end:
        yield at
