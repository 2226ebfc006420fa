"""Random schedules of the sandbox's faults, and what each amounts to in the simulation."""

import random
from dataclasses import replace
from typing import NamedTuple

from bot.judging.resolution import RESOLUTIONS, Resolution
from tests.chaos.faults import Fault, Schedule, decidable
from tests.chaos.market import venue

Range = tuple[float, float]
SYMBOL = "BTCUSDT"
FIRST_S, LAST_S = 1.2, 3.5  # after the start of a run, for the beginning of a fault
LASTS_S = (0.3, 2.5)
NEEDS_CUT = ("deaf",)  # it befalls new connections only


class Trouble(NamedTuple):
    """like: the simulation's fault that has the same effect. values: the range of its value, a
    word, or None; either sign when `signed`. once: it happens at once.
    """

    like: str
    values: Range | str | None = None
    signed: bool = False
    once: bool = False


TROUBLES: dict[str, Trouble] = {
    "cut": Trouble("cut", once=True),
    "close": Trouble("cut", (1001.0, 1001.0), once=True),
    "notice": Trouble("twice", (0.0, 0.0), once=True),
    "refuse": Trouble("refuse"),
    "reject": Trouble("refuse", (503.0, 503.0)),
    "silence": Trouble("silence"),
    "mute": Trouble("half_open"),
    "symbol": Trouble("symbol", SYMBOL),
    "delay": Trouble("delay", (1000.0, 3000.0)),
    "repeat": Trouble("repeat"),
    "replay": Trouble("replay", (1.0, 1.0)),
    "slow": Trouble("slow", (50.0, 50.0)),
    "flap": Trouble("flap", (0.2, 0.6)),
    "deaf": Trouble("deaf"),
    "huge": Trouble("cut", once=True),
    "junk": Trouble("twice"),
    "crossed": Trouble("twice"),
    "empty": Trouble("twice"),
    "swap": Trouble("disorder"),
    "twice": Trouble("twice"),
    "spike": Trouble("spikes", (1.0, 5.0)),
    "frozen": Trouble("frozen"),
    "wrong": Trouble("wrong", (0.3, 5.0), True),
    "drift": Trouble("drift", (5.0, 100.0), True),
    "scale": Trouble("scale", (10.0, 10.0)),
    "invert": Trouble("invert"),
    "ahead": Trouble("ahead", (3600.0, 3600.0)),
    "behind": Trouble("behind", (3600.0, 3600.0)),
    "unit": Trouble("unit", "us"),
    "rest429": Trouble("rest_dead", (5.0, 5.0)),
    "rest503": Trouble("rest_dead"),
    "rest_hang": Trouble("rest_dead"),
    "rest_slow": Trouble("rest_dead", (1500.0, 1500.0)),
    "rest_wrong": Trouble("rest_wrong", (0.3, 5.0), True),
    "rest_stale": Trouble("rest_stale"),
}


class Thrown(NamedTuple):
    """One fault of the sandbox; start and end in s after the start of the run."""

    source: str
    name: str
    value: float | str | None
    start: float
    end: float

    def __str__(self) -> str:
        value = "" if self.value is None else f" {self.value if self.value == SYMBOL else ''}"
        if isinstance(self.value, float):
            value = f" {self.value:+.4g}"
        return f"{self.start:5.2f} to {self.end:5.2f} s  {self.source}: {self.name}{value}"


class Plan(NamedTuple):
    """shapes: by source, the preferred one first. jumps: s, and by how many per cent."""

    seed: int
    shapes: dict[str, str]
    troubles: tuple[Thrown, ...]
    jumps: tuple[tuple[float, float], ...]
    rate: float
    limit_ms: int
    resolution: Resolution

    @property
    def over(self) -> float:
        return max((one.end for one in self.troubles), default=LAST_S)

    @property
    def likeness(self) -> Schedule:
        """The same for the simulation, which knows what can be decided."""
        chance = random.Random(self.seed)
        venues = tuple(replace(venue(name, chance), rest=True) for name in self.shapes)
        return Schedule(self.seed, venues, tuple(
            Fault(TROUBLES[one.name].like, one.source, one.start, one.end)
            for one in self.troubles), self.resolution, 0.0, self.over)

    @property
    def decidable(self) -> bool:
        return decidable(self.likeness)

    def __str__(self) -> str:
        sources = ", ".join(f"{name} ({shape})" for name, shape in self.shapes.items())
        return "\n".join([
            f"seed {self.seed}: {sources}; {self.resolution}, {self.limit_ms} ms, "
            f"{self.rate:.0f} trades a second{'' if self.decidable else ', undecidable'}",
            *(f"  {one}" for one in self.troubles),
            *(f"  {at:5.2f} s  the market jumps by {percent:+.2f} %" for at, percent in self.jumps),
        ])


def drawn(seed: int) -> Plan:
    """A random plan: every tenth without any fault, every third with a single one."""
    chance = random.Random(f"sockets {seed}")
    names = ("binance", "okx", "third", "fourth", "fifth")[:chance.randint(2, 5)]
    shapes = {name: chance.choice(("binance", "okx")) for name in names}
    count = 0 if seed % 10 == 0 else 1 if seed % 3 == 0 else chance.randint(2, 6)
    troubles = sorted((one for _ in range(count) for one in _thrown(chance, names)),
                      key=lambda one: one.start)
    jumps = [(chance.uniform(FIRST_S, LAST_S), chance.choice((-1, 1)) * chance.uniform(0.3, 1.5))]
    return Plan(seed, shapes, tuple(troubles), tuple(jumps if chance.random() < 0.3 else ()),
                chance.choice((15.0, 30.0, 50.0)), chance.randint(500, 800),
                chance.choices(RESOLUTIONS, (8, 1, 1))[0])


def _thrown(chance: random.Random, names: tuple[str, ...]) -> list[Thrown]:
    source = names[0] if chance.random() < 0.5 else chance.choice(names)
    name = chance.choice(list(TROUBLES))
    start = round(chance.uniform(FIRST_S, LAST_S), 2)
    values, value = TROUBLES[name].values, None
    if isinstance(values, tuple):
        value = chance.uniform(*values)
        value = -value if TROUBLES[name].signed and chance.random() < 0.5 else value
    end = start if TROUBLES[name].once else round(start + chance.uniform(*LASTS_S), 2)
    thrown = [Thrown(source, name, values if isinstance(values, str) else value, start, end)]
    if name in NEEDS_CUT:
        thrown.append(Thrown(source, "cut", None, start, start))
    return thrown
