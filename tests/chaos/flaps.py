"""An hour in which the connection to the preferred source comes and goes, at several rhythms."""

import random
from dataclasses import replace

from tests.chaos.faults import Fault, Schedule
from tests.chaos.market import venue
from tests.chaos.report import Result
from tests.chaos.simulation import Simulation

HOUR_S = 3600.0
RHYTHMS = ((3.0, 4.0), (12.0, 3.0), (25.0, 5.0), (60.0, 2.0), (320.0, 5.0))  # s up, s down
MOST_SWITCHES = 12

Task = tuple[float, float, int]  # s up, s down, how many sources


def tasks() -> list[Task]:
    return [(up_s, down_s, sources) for up_s, down_s in RHYTHMS for sources in (2, 3)]


def flapped(task: Task) -> Result:
    """Simulate it. The venues and the market depend on the number of sources only."""
    up_s, down_s, sources = task
    chance = random.Random(f"flaps {sources}")
    venues = tuple(replace(venue(name, chance), rest=True)
                   for name in ("binance", "okx", "third")[:sources])
    flap = Fault("flap", "binance", 30.0, 30.0 + HOUR_S, up_s, down_s)
    plan = Schedule(sources, venues, (flap,), "primary", 0.0, flap.end)
    return Result(plan, True, Simulation(plan).run().figures)


def broken(result: Result) -> list[str]:
    """What was promised and not kept, in words."""
    figures = result.figures
    found = [f"{len(figures.wrong)} wrong quotes: {first}" for first in figures.wrong[:1]]
    if len(figures.switches) > MOST_SWITCHES:
        found.append(f"{len(figures.switches)} switches in an hour")
    return found


def row(result: Result) -> str:
    fault, figures = result.plan.faults[0], result.figures
    good = figures.good / figures.quotes
    rhythm = f"{fault.value:5.0f} s up {fault.down_s:2.0f} s down"
    return (f"{rhythm}, {len(result.plan.venues)} sources: "
            f"{len(figures.switches):3} switches, {figures.quotes} quotes, {good:.2%} good, "
            f"{len(figures.wrong)} wrong, longest without a good one {figures.dark:.1f} s")
