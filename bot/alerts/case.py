"""One incident as people know it: everything that is wrong together, and how to tell it."""

from typing import Literal

import msgspec

from bot.alerts.facts import Fact, Move, Severity, Subject

Event = Literal["opened", "updated", "closed", "test"]
LONGEST_PATH = 8


class Pace(msgspec.Struct, frozen=True):
    """How long things wait until they are told, in s.

    gather: what is over before is not told. settle: the same for what comes back. join: what opens
    so soon after the last change in a case belongs to it. calm: a case is over when nothing in it
    was wrong for so long; twice as long for each time that something came back, up to calm_most.
    update: between two tellings that ring no bell.
    """

    gather: float = 3.0
    settle: float = 1.0
    join: float = 60.0
    calm: float = 30.0
    calm_most: float = 600.0
    update: float = 60.0


class Item(msgspec.Struct, frozen=True):
    """One thing of a case. fact, severity: as it is, or at its worst when it is over. times: that
    it went wrong. at: epoch s of the first. lasted_s: all times together, so far. blackout_ms: how
    long there was no trusted price because of it, all times together.
    """

    fact: Fact
    severity: Severity
    is_open: bool
    times: int
    at: float
    lasted_s: float
    blackout_ms: float


class Path(msgspec.Struct, frozen=True):
    """What the bot did about a symbol: the sources, or the tiers, that it went through. stops: the
    first and the last ones. moves: how many there were."""

    kind: str
    symbol: str
    stops: tuple[str, ...]
    moves: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A case as of one moment.

    revision: which telling of it this is, from 1. severity: worst so far. bells: how often, after
    it was told, people had to look again: it grew worse, or was wrong again after it had been told
    as quiet. items: worst first. opened_at, closed_at: epoch s; closed_at None while it is open.
    is_quiet: nothing that counts is wrong now, but may come back. before: its title, where no more
    is known of it, for it is of an earlier life.
    """

    id: str
    revision: int
    event: Event
    severity: Severity
    bells: int
    items: tuple[Item, ...]
    paths: tuple[Path, ...]
    instance: str
    opened_at: float
    closed_at: float | None
    lasted_s: float
    is_quiet: bool = False
    before: str = ""


class Thing:
    """Something that is wrong, or was. Times are monotonic s."""

    def __init__(self, fact: Fact, began: float, now: float) -> None:
        """began: when it went wrong, which may be before it was known."""
        self.fact = fact
        self.began = began
        self.since = now  # of its newest opening, or of its growing worse
        self.ended: float | None = None
        self.times = 1
        self.worst = fact.severity
        self._at_worst = fact
        self.ripe: Severity | None = None  # the worst that lasted long enough to be told
        self._at = fact.at
        self._past_s = 0.0
        self._blackout_ms = 0.0

    @property
    def is_open(self) -> bool:
        return self.ended is None

    def changed(self, fact: Fact, now: float) -> bool:
        """A newer fact about what is wrong already. Returns: whether people should know."""
        news = fact.rule != self.fact.rule or fact.severity != self.fact.severity
        if fact.severity > self.fact.severity:
            self.since = now
        self._take(fact)
        return news

    def over(self, fact: Fact, now: float) -> None:
        length_s = max(0.0, now - self.began) if fact.lasted_s is None else fact.lasted_s
        self._past_s += length_s
        self._blackout_ms += fact.blackout_ms
        if fact.id:  # others, when they end, have no words for what was
            self._take(fact)
        self.ended = min(now, self.began + length_s)

    def again(self, fact: Fact, began: float, now: float) -> None:
        self._take(fact)
        self.began, self.since, self.ended = began, now, None
        self.times += 1

    def ripen(self, pace: Pace, now: float) -> None:
        """Note whether it has lasted, or come back, so that it is worth telling."""
        came_back = self.times > 1
        until = now if came_back or self.fact.is_notice else self.ended or now
        if self._lasted(pace, until):
            self.ripe = max(self.ripe or Severity.INFO, self.fact.severity)

    def stands(self, pace: Pace, now: float) -> bool:
        """Whether it is wrong, has lasted, and is worth a bell."""
        return self.is_open and self.fact.severity >= Severity.WARNING and self._lasted(pace, now)

    def _lasted(self, pace: Pace, until: float) -> bool:
        return until - self.since >= (pace.settle if self.times > 1 else pace.gather)

    def item(self, now: float) -> Item:
        going_on_s = max(0.0, now - self.began) if self.is_open else 0.0
        fact = self.fact if self.is_open else self._at_worst
        return Item(fact, fact.severity, self.is_open, self.times, self._at,
                    self._past_s + going_on_s, self._blackout_ms)

    def _take(self, fact: Fact) -> None:
        self.fact = fact
        if fact.severity >= self.worst:
            self.worst, self._at_worst = fact.severity, fact


class Case:
    """What went wrong together, from its first thing on. Times are monotonic s.

    least: lesser things are told with the others, but make no case and hold none open.
    """

    def __init__(self, id: str, instance: str, least: Severity, pace: Pace, now: float) -> None:
        self.id = id
        self.things: dict[Subject, Thing] = {}
        self.began = now  # of the first that counts
        self.last = now  # of the last that counts, opening or ending
        self.grown = now  # of the last that counts and opened for the first time
        self.told: Severity | None = None
        self.told_at = now
        self.is_dirty = False
        self.bells = 0
        self.was_quiet = False  # when it was told last
        self._tellings = 0
        self._instance = instance
        self._least = least
        self._pace = pace
        self._paths: dict[tuple[str, str], Path] = {}

    def counts(self, thing: Thing) -> bool:
        return thing.worst >= self._least

    @property
    def counting(self) -> list[Thing]:
        return [thing for thing in self.things.values() if self.counts(thing)]

    @property
    def calm_s(self) -> float:
        """How long nothing must be wrong until it is over: the longer, the more it flapped."""
        returns = max((thing.times for thing in self.counting), default=1) - 1
        return min(self._pace.calm_most, self._pace.calm * 2.0 ** min(returns, 30))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing that counts is wrong at the moment."""
        return not any(thing.is_open for thing in self.counting)

    def is_hushed(self, now: float) -> bool:
        """Whether it is too early to tell that it is quiet, for it came back before."""
        return self.is_quiet and now - self.last < self.calm_s - self._pace.calm

    def is_back(self, now: float) -> bool:
        """Whether something is wrong again that had been told as quiet."""
        return self.was_quiet and any(thing.stands(self._pace, now) for thing in self.counting)

    def takes_in(self, subject: Subject, now: float) -> bool:
        """Whether what opens now belongs to it: what it had before, while that may come and go; and
        what is new, but not for as long as something flaps, for then nobody would be told of it."""
        if subject in self.things and self._is_recent(now):
            return True
        return now - self.grown <= self._pace.join

    def concerns(self, symbol: str, now: float) -> bool:
        """Whether what the bot does about a symbol now is done about this."""
        return any(thing.fact.symbol == symbol and (thing.is_open or self._is_recent(now))
                   for thing in self.things.values())

    def _is_recent(self, now: float) -> bool:
        return now - self.last <= max(self._pace.join, self.calm_s)

    def is_over(self, now: float) -> bool:
        return self.is_quiet and now - self.last >= self.calm_s

    def is_only_notices(self) -> bool:
        """Whether all of it was over when it became known, so that there is no end to wait for."""
        return all(thing.fact.is_notice for thing in self.counting)

    def ripe(self, now: float) -> Severity | None:
        """The worst of it that is worth telling; None for nothing."""
        for thing in self.counting:
            thing.ripen(self._pace, now)
        found = [thing.ripe for thing in self.counting if thing.ripe is not None]
        return max((one for one in found if one >= self._least), default=None)

    def move(self, move: Move) -> None:
        old = self._paths.get((move.kind, move.symbol))
        stops = old.stops if old else (move.previous,)
        if stops[-1] != move.previous:
            stops += (move.previous,)
        stops += (move.current,)
        if len(stops) > LONGEST_PATH:
            stops = (*stops[:2], *stops[2 - LONGEST_PATH:])
        self._paths[move.kind, move.symbol] = Path(
            move.kind, move.symbol, stops, (old.moves if old else 0) + 1)

    def tell(self, event: Event, severity: Severity, now: float, wall: float) -> Told:
        """It as it is now. wall: epoch s of `now`."""
        self.told, self.told_at, self.is_dirty = severity, now, False
        self.was_quiet = self.is_quiet
        self._tellings += 1
        ended = max(now if thing.ended is None else thing.ended for thing in self.counting)
        opened_at, lasted_s = wall - (now - self.began), ended - self.began
        items = sorted((thing.item(now) for thing in self.things.values()),
                       key=lambda item: (-item.severity, not item.is_open))
        return Told(
            id=self.id, revision=self._tellings, event=event, severity=severity, bells=self.bells,
            items=tuple(items), paths=tuple(self._paths.values()), instance=self._instance,
            opened_at=opened_at, closed_at=opened_at + lasted_s if event == "closed" else None,
            lasted_s=lasted_s, is_quiet=self.is_quiet)
