"""Which cases there are: what goes wrong together, when it is told, and when it is over.

Pure: no thread, no lock, no clock. Whoever owns it says what time it is.
"""

from collections import deque
from datetime import UTC, datetime
from itertools import chain, count

import msgspec

from bot.alerts.case import Case, Event, Told
from bot.alerts.facts import Fact, Move, Severity, Subject
from bot.alerts.thing import Pace, Thing

REMEMBERED = 2_000  # ids of what is over, for what comes late
RECENT = 200  # moves


class Cases:
    """Facts in, tellings out. brief: cases that were over before they were worth telling."""

    def __init__(self, instance: str, least: Severity, pace: Pace = Pace()) -> None:
        """least: of what makes a case; what is less is told where it stands beside such."""
        self.brief = 0
        self._instance = instance
        self._least = least
        self._pace = pace
        self._cases: list[Case] = []
        self._lone: dict[Subject, Thing] = {}  # lesser things that are wrong, and in no case
        self._over: dict[str, None] = {}  # ids of incidents that are over
        self._serial = count(1)
        self._left: set[str] = set()  # symbols of which no stream is fit
        self._recent: deque[tuple[float, Move]] = deque(maxlen=RECENT)

    @property
    def is_busy(self) -> bool:
        """Whether something may become due by itself."""
        return bool(self._cases)

    def take(self, fact: Fact, now: float, wall: float) -> None:
        """now, wall: monotonic and epoch s at which it came."""
        case = self._case_of(fact.subject)
        thing = case.things.get(fact.subject) if case else self._lone.get(fact.subject)
        if fact.id and (fact.id in self._over or _is_outdated(fact, thing)):
            return
        began = now - max(0.0, wall - fact.at)
        if fact.over:
            self._close(fact, case, thing, began, now)
        elif thing is None:
            self._open(fact, began, now)
        elif fact.id == thing.fact.id:
            self._change(fact, case, thing, now)
        else:  # the end of the one before was lost
            ended = msgspec.structs.replace(thing.fact, over=True, lasted_s=None)
            self._close(ended, case, thing, began, now)
            self._open(fact, began, now)

    def move(self, move: Move, now: float) -> None:
        """What the bot did belongs to the cases that go on and concern the symbol, and to one that
        begins soon."""
        self._recent.append((now, move))
        if move.kind == "source":
            (self._left.add if move.current == "none" else self._left.discard)(move.symbol)
        for case in self._cases:
            if case.concerns(move.symbol, now):
                case.move(move)

    def due(self, now: float, wall: float) -> list[Told]:
        """What is to be told now."""
        found = []
        for case in list(self._cases):
            event = self._event(case, now)
            if event is not None:
                found.append(case.tell(
                    event, case.ripe(now) or self._least, self._dark, now, wall))
            if event == "closed" or (case.told is None and case.is_over(now)):
                self._dissolve(case)
                self.brief += event is None
        return found

    def _event(self, case: Case, now: float) -> Event | None:
        ripe = case.ripe(now)
        case.ease(now)
        if ripe is None:
            return None
        if case.told is None:
            return "closed" if case.is_only_notices() else "opened"
        if case.is_over(now):
            return "closed"
        is_worse = ripe > case.told
        if is_worse or case.is_back(now):
            case.ring(is_back=not is_worse)
            return "updated"
        is_due = case.is_dirty and now - case.told_at >= self._pace.update
        return "updated" if is_due and not case.is_hushed(now) else None

    @property
    def _dark(self) -> frozenset[str]:
        """Symbols that have no trusted price: that is said, or no stream is fit and no other tier
        has taken over yet."""
        things = chain(self._lone.values(), *(case.things.values() for case in self._cases))
        found = [thing.fact for thing in things if thing.is_open]
        lower = {fact.symbol for fact in found if fact.kind == "tier"}
        return frozenset({fact.symbol for fact in found if fact.symbol and fact.is_blackout}
                         | (self._left - lower))

    # ---- facts

    def _case_of(self, subject: Subject) -> Case | None:
        """The case in which it is open."""
        return next((case for case in self._cases
                     if subject in case.things and case.things[subject].is_open), None)

    def _open(self, fact: Fact, began: float, now: float) -> None:
        case = self._joined(fact.subject, now)
        if case is None and fact.severity < self._least:
            self._lone[fact.subject] = Thing(fact, began, now)
            return
        if case is None:
            case = self._begin(fact, now)
        self._put(case, fact, began, now)

    def _put(self, case: Case, fact: Fact, began: float, now: float) -> None:
        old = case.things.get(fact.subject)
        if old is None:
            case.things[fact.subject] = Thing(fact, began, now)
        else:
            old.again(fact, began, now)
        thing = case.things[fact.subject]
        if case.counts(thing):
            case.began = min(case.began, began)
            case.grown = now if old is None else case.grown
        self._touch(case, thing, now)

    def _change(self, fact: Fact, case: Case | None, thing: Thing, now: float) -> None:
        counted, was_drill = thing.worst >= self._least, thing.fact.is_drill
        news = thing.changed(fact, now)
        counts = thing.worst >= self._least
        if case is None and counts:
            del self._lone[fact.subject]
            case = self._joined(fact.subject, now) or self._begin(fact, now)
            case.things[fact.subject] = thing
            if was_drill and case.told is None:  # it was in earnest all the time
                case.began = min(case.began, thing.began)
        if case is not None and counts and not counted:
            case.grown = now
        if case is not None and news:
            self._touch(case, thing, now)

    def _close(
        self, fact: Fact, case: Case | None, thing: Thing | None, began: float, now: float
    ) -> None:
        self._remember(fact.id)
        if thing is None:
            if fact.is_notice and fact.severity >= self._least:
                case = self._joined(fact.subject, now) or self._begin(fact, now)
                self._put(case, fact, began, now)
                case.things[fact.subject].over(fact, now)
        elif case is None:
            del self._lone[fact.subject]
        else:
            thing.over(fact, now)
            self._touch(case, thing, now)

    def _touch(self, case: Case, thing: Thing, now: float) -> None:
        case.is_dirty = True
        if case.counts(thing):
            case.last = now

    def _joined(self, subject: Subject, now: float) -> Case | None:
        """The case that takes in what opens now: the one that had it before, else the latest."""
        found = [case for case in self._cases if case.takes_in(subject, now)]
        return max(found, key=lambda case: (subject in case.things, case.last), default=None)

    def _begin(self, fact: Fact, now: float) -> Case:
        stamp = datetime.fromtimestamp(fact.at, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
        case = Case(f"{self._instance}-{stamp}-{next(self._serial)}", self._instance,
                    self._least, self._pace, now)
        case.things, self._lone = self._lone, {}
        symbols = {fact.symbol, *(thing.fact.symbol for thing in case.things.values())}
        for at, move in self._recent:
            if move.symbol in symbols and now - at <= self._pace.join:
                case.move(move)
        self._cases.append(case)
        return case

    def _dissolve(self, case: Case) -> None:
        self._cases.remove(case)
        self._lone.update({subject: thing for subject, thing in case.things.items()
                           if thing.is_open})

    def _remember(self, id: str) -> None:
        if id:
            self._over[id] = None
            if len(self._over) > REMEMBERED:
                del self._over[next(iter(self._over))]


def _is_outdated(fact: Fact, thing: Thing | None) -> bool:
    return (thing is not None and thing.fact.id == fact.id
            and fact.revision <= thing.fact.revision)
