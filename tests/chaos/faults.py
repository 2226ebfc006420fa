"""What can go wrong, and random schedules of it."""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bot.judging.resolution import RESOLUTIONS, Resolution
from tests.chaos.market import Venue, venue

Effect = Literal["lie", "absent", "stamps", "harmless", "rest lie", "rest absent"]

WARM_UP_S = 30.0
SPAN_S = 60.0
OPINION_LASTS_S = 6.0  # a REST answer speaks along for so long


class Kind(NamedTuple):
    """effect: what it makes of the mouth it befalls (of a venue's two: its stream, its REST API).

    values: the range of the value, in `unit`; either sign when `signed`. lasts: range in s.
    everywhere: it befalls all sources, or the process. early: it begins with the run, and befalls
    a share of the runs beside the other faults.
    """

    effect: Effect
    lasts: tuple[float, float] = (2.0, 40.0)
    values: tuple[float, float] = (0.0, 0.0)
    unit: str = ""
    signed: bool = False
    everywhere: bool = False
    early: float = 0.0


KINDS: dict[str, Kind] = {
    "cut": Kind("absent", (0.1, 0.1)),
    "flap": Kind("absent", (30.0, 120.0), (3.0, 3.0), "s up"),
    "refuse": Kind("absent", (10.0, 60.0)),
    "silence": Kind("absent"),
    "symbol": Kind("absent"),
    "half_open": Kind("absent"),
    "deaf": Kind("absent"),
    "junk": Kind("absent"),
    "slow": Kind("absent"),
    "delay": Kind("absent", (5.0, 40.0), (3.0, 10.0), "s"),
    "growing": Kind("absent", (5.0, 20.0), (0.2, 1.0), "s/s"),
    "repeat": Kind("absent"),
    "replay": Kind("absent", (2.0, 40.0), (5.0, 90.0), "s"),
    "ping": Kind("absent", (16.0, 50.0), (6.0, 20.0), "s"),
    "disorder": Kind("harmless"),
    "twice": Kind("harmless"),
    "spikes": Kind("harmless", (5.0, 60.0), (5.0, 5.0), "%", True),
    "frozen": Kind("lie", (5.0, 60.0)),
    "wrong": Kind("lie", (2.0, 60.0), (0.3, 5.0), "%", True),
    "drift": Kind("lie", (5.0, 60.0), (0.2, 5.0), "bps/s", True),
    "scale": Kind("lie"),
    "invert": Kind("lie"),
    "ahead": Kind("stamps", (2.0, 60.0), (3600.0, 3600.0), "s"),
    "behind": Kind("stamps", (2.0, 60.0), (3600.0, 3600.0), "s"),
    "unit": Kind("stamps", (2.0, 60.0), (0.0, 2.999), "s, us, ns"),
    "rest_dead": Kind("rest absent", (5.0, 60.0)),
    "rest_stale": Kind("rest lie", (5.0, 60.0), (5.0, 300.0), "s"),
    "rest_wrong": Kind("rest lie", (5.0, 60.0), (0.3, 5.0), "%", True),
    "wall": Kind("harmless", (1.0, 60.0), (3600.0, 3600.0), "s", True, True),
    "all_silent": Kind("absent", (2.0, 30.0), everywhere=True),
    "stall": Kind("absent", (1.0, 8.0), everywhere=True),
    "late": Kind("absent", (60.0, 150.0), (1.5, 10.0), "s", early=0.06),
}
TIMING = ("delay", "growing", "replay", "repeat", "disorder", "late")
SAME_LIES = ("scale", "invert")  # whoever tells one of them tells the same as the others
FLAP_DOWN_S = 4.0


class Fault(NamedTuple):
    """One fault. source: None for one that befalls everything. down_s: of a flap, each time."""

    kind: str
    source: str | None
    start: float
    end: float
    value: float = 0.0
    down_s: float = FLAP_DOWN_S

    def __str__(self) -> str:
        unit = KINDS[self.kind].unit
        value = f" {self.value:+.4g} {unit}" if unit else ""
        return f"{self.start:6.1f} to {self.end:6.1f} s  {self.source or 'all'}: {self.kind}{value}"


class Schedule(NamedTuple):
    """seconds: when the faults are over. wall_s: how far our clock is wrong from the start."""

    seed: int
    venues: tuple[Venue, ...]
    faults: tuple[Fault, ...]
    resolution: Resolution
    wall_s: float
    seconds: float

    def __str__(self) -> str:
        sources = ", ".join(f"{one.name} ({one.shape}{'' if one.rest else ', no REST'})"
                            for one in self.venues)
        return "\n".join([f"seed {self.seed}: {sources}; {self.resolution}",
                          *(f"  {fault}" for fault in self.faults)])


def schedule(seed: int, kinds: Sequence[str] = tuple(KINDS)) -> Schedule:
    """A random schedule: every tenth without any fault, every third with a single one.

    Faults that begin with the run are drawn apart, so that the others of a seed stay the same.
    """
    chance = random.Random(f"schedule {seed}")
    names = ("binance", "okx", "third", "fourth", "fifth")[:chance.randint(2, 5)]
    venues = tuple(venue(name, chance) for name in names)
    count = 0 if seed % 10 == 0 else 1 if seed % 3 == 0 else chance.randint(1, 5)
    later = [kind for kind in kinds if not KINDS[kind].early]
    faults = [_fault(chance, names, later) for _ in range(count if later else 0)]
    early = random.Random(f"early {seed}")
    faults += [_fault(early, names, [kind]) for kind in kinds
               if seed % 10 and early.random() < KINDS[kind].early]
    faults.sort(key=lambda one: one.start)
    resolution = chance.choices(RESOLUTIONS, (8, 1, 1))[0]
    wall_s = chance.choice((0.0, 0.1, -0.3, 2.0, 3600.0, -3600.0))
    end = max((fault.end for fault in faults), default=WARM_UP_S + SPAN_S)
    return Schedule(seed, venues, tuple(faults), resolution, wall_s, end)


def _fault(chance: random.Random, names: Sequence[str], kinds: Sequence[str]) -> Fault:
    kind = chance.choice(kinds)
    known = KINDS[kind]
    start = 0.0 if known.early else WARM_UP_S + chance.uniform(0.0, SPAN_S)
    value = chance.uniform(*known.values)
    if known.signed and chance.random() < 0.5:
        value = -value
    # the preferred source is the one whose faults matter most
    source = names[0] if chance.random() < 0.5 else chance.choice(names)
    return Fault(kind, None if known.everywhere else source,
                 round(start, 2), round(start + chance.uniform(*known.lasts), 2), value)


class Mouths(NamedTuple):
    """Who speaks, at one moment: how many venues, and mouths, lie and tell the truth."""

    lying: tuple[int, int]
    honest: tuple[int, int]


def decidable(plan: Schedule) -> bool:
    """Whether the truth can be known at every moment, from the schedule alone.

    Every venue has two mouths, its stream and its REST API. A mouth lies from the beginning of a
    lie until 2 s after its end (a REST answer: 6 s, for so long it speaks along). A mouth is
    absent, and speaks for nobody, during anything else but what is harmless, and for as long again
    after it, at least 15 and at most 60 s: it has to reconnect first, or to catch up.

    It is not decidable once the lying outweigh the honest: more venues with a lying mouth than with
    an honest one or, with as many venues, more lying mouths than honest. At a tie the truth cannot
    be known either, but that can be: nothing may be trusted then. Nor is it decidable when half of
    the clocks, ours among them, are wrong, or when one source's stamps are while it is late; nor
    when half of the venues tell the same lie, or all streams lie at once: REST is asked seldom.
    """
    if any(_in_chorus(plan, kind) for kind in SAME_LIES):
        return False
    false_clocks = {one.source for one in plan.faults if KINDS[one.kind].effect == "stamps"}
    if any(one.kind in TIMING and one.source in false_clocks for one in plan.faults):
        return False
    false_clocks |= {one.source for one in plan.faults if one.kind == "late"}  # seen from outside
    if false_clocks and 2 * (len(false_clocks) + (abs(plan.wall_s) > 1.0)) > len(plan.venues):
        return False
    moments = {0.0, *(fault.start for fault in plan.faults), *(
        fault.end + 0.01 for fault in plan.faults)}
    if any(all(mouth_lies(plan, one, at, False) for one in plan.venues) for at in moments):
        return False
    return all(mouths.lying <= mouths.honest or mouths.lying == (0, 0)
               for at in moments for mouths in [mouths_at(plan, at)])


def _in_chorus(plan: Schedule, kind: str) -> bool:
    """Whether half of the venues, and at least two, tell that lie within one run."""
    choir = len({one.source for one in plan.faults if one.kind == kind})
    return choir > 1 and 2 * choir >= len(plan.venues)


def mouths_at(plan: Schedule, at: float) -> Mouths:
    lying = [mouth_lies(plan, one, at, rest) for one in plan.venues for rest in (False, True)]
    honest = [mouth_honest(plan, one, at, rest) for one in plan.venues for rest in (False, True)]
    return Mouths(_counted(lying), _counted(honest))


def mouth_lies(plan: Schedule, venue: Venue, at: float, rest: bool) -> bool:
    wanted, lasts = ("rest lie", OPINION_LASTS_S) if rest else ("lie", 2.0)
    return any(KINDS[fault.kind].effect == wanted and fault.source == venue.name
               and fault.start <= at <= fault.end + lasts for fault in plan.faults)


def mouth_honest(plan: Schedule, venue: Venue, at: float, rest: bool) -> bool:
    """Whether it speaks and tells the truth."""
    if rest and not venue.rest or mouth_lies(plan, venue, at, rest):
        return False
    effects = ("rest absent",) if rest else ("absent", "stamps")
    return not any(KINDS[fault.kind].effect in effects and fault.source in (None, venue.name)
                   and fault.start <= at <= fault.end + after_s(fault) for fault in plan.faults)


def after_s(fault: Fault) -> float:
    """How long its consequences may last."""
    return max(15.0, min(60.0, fault.end - fault.start))


def _counted(mouths: Sequence[bool]) -> tuple[int, int]:
    venues = sum(any(mouths[index:index + 2]) for index in range(0, len(mouths), 2))
    return venues, sum(mouths)
