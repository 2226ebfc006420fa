"""Random hours of things that open and close: what must hold whatever happens.

The same seed gives the same hours again.
"""

import random
from collections import Counter, defaultdict
from functools import cache

import msgspec
import pytest

from bot.alerts.case import Told
from bot.alerts.facts import Severity
from bot.alerts.outbox import BURST, EVERY_S, MOST_UNTOLD, Bucket, Outbox, Step
from bot.events import FailoverFailed, LinkChanged, SourceSwitched
from bot.incidents.incident import LOST
from tests.alerts.making import WALL, Desk, incident, tier

SEEDS = range(30)
HAPPENINGS = 300
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
RULES = ("connection", "silence", "disagreement", "late")
TIERS = ("websocket", "kafka", "okx", "mock", None)


class World:
    """Sources, prices, tiers and links that fail as a dice says, each at a pace of its own."""

    def __init__(self, seed: int, least: Severity) -> None:
        self.dice = random.Random(seed)
        self.desk = Desk(least)
        self.serial = 0
        self.open: dict[tuple[str | None, str], tuple[str, str, float]] = {}
        self.tiers: dict[str, str | None] = dict.fromkeys(SYMBOLS, "websocket")
        self.links = {"reading a": True, "publishing to b": True}
        self.hurry = self.dice.choice((0.3, 3.0, 30.0, 100.0, 300.0))

    def live(self) -> None:
        for _ in range(HAPPENINGS):
            # now and then a pause in which something can be over
            seconds = 150.0 if self.dice.random() < 0.02 else self.dice.expovariate(1 / self.hurry)
            self.desk.wait(seconds, step=max(1.0, seconds / 50))
            self.happen()
            if self.dice.random() < 0.05:
                self.heal()

    def happen(self) -> None:
        match self.dice.randrange(8):
            case 0 | 1 | 2 | 3:
                self.incident()
            case 4:
                self.tier(self.dice.choice(SYMBOLS), self.dice.choice(TIERS))
            case 5:
                self.link(self.dice.choice(list(self.links)))
            case 6:
                self.move(self.dice.choice(SYMBOLS))
            case 7:
                self.serial += 1
                self.desk.take(incident(f"l{self.serial}", None, None, LOST, opened_at=self.wall,
                                        closed_at=self.wall, duration_ms=0.0))

    @property
    def wall(self) -> float:
        return self.desk.wall

    def incident(self) -> None:
        subject = (self.dice.choice(("binance", "okx", None)), self.dice.choice(SYMBOLS))
        rule = self.dice.choice(RULES) if subject[0] else "stale"
        if subject in self.open and self.dice.random() < 0.2:
            id, _, at = self.open[subject]
            self.open[subject] = (id, rule, at)
            self.desk.take(incident(id, *subject, rule, revision=2, opened_at=at))
        elif subject in self.open:
            self.close(subject)
        else:
            self.serial += 1
            drill = "drill: cut for 5 s" if self.dice.random() < 0.1 else "because"
            self.open[subject] = (f"i{self.serial}", rule, self.wall)
            self.desk.take(incident(f"i{self.serial}", *subject, rule, cause=drill,
                                    opened_at=self.wall))

    def close(self, subject: tuple[str | None, str]) -> None:
        id, rule, at = self.open.pop(subject)
        self.desk.take(incident(id, *subject, rule, revision=9, opened_at=at,
                                closed_at=self.wall, duration_ms=(self.wall - at) * 1000))

    def tier(self, symbol: str, current: str | None) -> None:
        before, self.tiers[symbol] = self.tiers[symbol], current
        if before != current:
            event = tier(current, before, symbol)
            self.desk.take(msgspec.structs.replace(event, at=self.wall))

    def link(self, name: str) -> None:
        self.links[name] = not self.links[name]
        self.desk.take(LinkChanged(name, self.links[name], "why", self.wall, None))

    def move(self, symbol: str) -> None:
        self.desk.take(self.dice.choice((
            SourceSwitched(symbol, "binance", "okx", WALL, "why"),
            FailoverFailed(symbol, "okx", WALL, "why"))))

    def heal(self) -> None:
        for subject in list(self.open):
            self.close(subject)
        for symbol in SYMBOLS:
            self.tier(symbol, "websocket")
        for name in [name for name, up in self.links.items() if not up]:
            self.link(name)


@cache
def lived(seed: int) -> World:
    world = World(seed, random.Random(seed).choice(list(Severity)))
    world.live()
    world.heal()
    world.desk.wait(1300.0, step=1.0)
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_every_case_that_is_told_is_told_once_each_way_and_closed(seed: int) -> None:
    world = lived(seed)
    assert not world.desk.cases.is_busy
    by_case: dict[str, list[Told]] = defaultdict(list)
    for _, told in world.desk.told:
        by_case[told.id].append(told)
    assert by_case or world.desk.cases.brief
    for tellings in by_case.values():
        events = [told.event for told in tellings]
        assert events[-1] == "closed" and events.count("closed") == 1
        assert events.count("opened") == (0 if len(events) == 1 else 1)
        assert len(events) == 1 or events[0] == "opened"
        for before, after in zip(tellings, tellings[1:]):
            assert after.bells - before.bells in (0, 1) and after.severity >= before.severity
            worse, back = after.severity > before.severity, before.is_quiet and not after.is_quiet
            assert not worse or after.bells > before.bells
            again = any(item.is_open and item.severity == Severity.CRITICAL for item in after.items)
            assert worse or back or again or after.bells == before.bells
            assert after != before and after.opened_at == pytest.approx(before.opened_at)
        last = tellings[-1]
        assert last.closed_at == pytest.approx(last.opened_at + last.lasted_s)
        assert last.lasted_s <= world.desk.now


@pytest.mark.parametrize("seed", SEEDS)
def test_updates_that_do_not_ring_are_a_minute_apart(seed: int) -> None:
    told_at: dict[str, tuple[float, int]] = {}
    for now, told in lived(seed).desk.told:
        before = told_at.get(told.id)
        if before is not None and told.event == "updated" and told.bells == before[1]:
            assert now - before[0] >= 60.0 - 1e-6
        told_at[told.id] = (now, told.bells)


class Wall:
    """A chat that now and then is not there, and what it shows at the end."""

    def __init__(self, seed: int, has_updates: bool, names: bool) -> None:
        self.dice = random.Random(seed)
        self.outbox = Outbox(has_updates, Bucket(0.0))
        self.names = names
        self.shown: dict[str, Told] = {}  # by the name of the message, or its number
        self.taken: list[tuple[float, Step]] = []
        self.tries = 0
        self.away_until = 0.0

    def turn(self, now: float) -> None:
        step = self.outbox.next(now)
        if step is None:
            return
        self.outbox.sent(now)
        self.tries += 1
        if self.dice.random() < 0.05:
            self.away_until = now + self.dice.choice((5.0, 2000.0))
        if now < self.away_until:
            return
        if step.edit is not None and self.dice.random() < 0.05:
            self.shown.pop(step.edit)
            self.outbox.gone(step)
            return
        name = step.edit or f"{len(self.taken) + 1}"
        self.shown[name] = step.told
        self.taken.append((now, step))
        self.outbox.done(step, name if self.names else None)


@pytest.mark.parametrize("has_updates, names", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_channel_shows_every_end_and_is_never_flooded(
    seed: int, has_updates: bool, names: bool
) -> None:
    wall, tellings = Wall(seed, has_updates, names), list(lived(seed).desk.told)
    ends = tellings[-1][0] if tellings else 0.0
    for now in range(0, int(ends) + 6 * 3600, 5):
        while tellings and tellings[0][0] <= now:
            wall.outbox.put(tellings.pop(0)[1])
        wall.turn(float(now))
        assert wall.outbox.waiting <= MOST_UNTOLD + 20
    assert wall.tries <= BURST + now / EVERY_S
    assert wall.outbox.waiting == 0
    assert all(step.told.event != "closed" or step.told.closed_at for _, step in wall.taken)
    last = {step.told.id: step.told.event for _, step in wall.taken}
    assert set(last.values()) <= {"closed"}
    if names:
        assert {told.event for told in wall.shown.values()} <= {"closed"}
    rung = Counter((step.told.id, step.told.event) for _, step in wall.taken if not names)
    assert all(count == 1 for (_, event), count in rung.items() if event != "updated")
