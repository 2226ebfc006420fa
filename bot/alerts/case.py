"""One incident as people know it: everything that is wrong together, and how to tell it."""

from typing import Literal

import msgspec

from bot.alerts.facts import Move, Severity, Subject
from bot.alerts.thing import Item, Pace, Thing

Event = Literal["opened", "updated", "closed", "test"]
LONGEST_PATH = 8


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
    dark: symbols that have no trusted price now, whatever case tells of it.
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
    dark: frozenset[str] = frozenset()
    is_quiet: bool = False
    before: str = ""


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
        self._told_bells = 0  # of `bells`
        self._returns = 0  # bells for what was back
        self._rung_grave = False  # for what is critical now, or was a moment ago
        self._eased: float | None = None  # since when nothing is critical
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
        """Whether something is wrong again that had been told as quiet, or critical again after
        it was not for a while."""
        again = self.was_quiet and any(thing.stands(self._pace, now) for thing in self.counting)
        return again or not self._rung_grave and any(
            thing.is_grave(self._pace, now) for thing in self.counting)

    def ring(self, is_back: bool) -> None:
        """People have to look again."""
        self.bells += 1
        self._returns += is_back

    def ease(self, now: float) -> None:
        """Note since when nothing is critical: judged by what is wrong now, not by the worst ever.
        What flaps within the time of ease does not count as over."""
        if any(thing.is_grave() for thing in self.counting):
            self._eased = None
        elif self._eased is None:
            self._eased = now
        elif now - self._eased >= min(
                self._pace.calm_most, self._pace.ease * 2.0 ** min(self._returns, 30)):
            self._rung_grave = False

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

    def tell(self, event: Event, severity: Severity, dark: frozenset[str], now: float,
             wall: float) -> Told:
        """It as it is now. severity: what has lasted. wall: epoch s of `now`."""
        severity = max(severity, self.told or severity)
        if self.told is None or self.bells > self._told_bells:  # then it is told as it is
            open_now = (thing.fact.severity for thing in self.counting if thing.is_open)
            severity = max((severity, *open_now))
            self._rung_grave = severity == Severity.CRITICAL
        self._told_bells = self.bells
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
            lasted_s=lasted_s, dark=dark, is_quiet=self.is_quiet)
