"""One thing that is wrong, or was: how often, for how long, and whether that is worth telling."""

import msgspec

from bot.alerts.facts import Fact, Severity


class Pace(msgspec.Struct, frozen=True):
    """How long things wait until they are told, in s.

    gather: what is over before is not told. settle: the same for what comes back. join: what opens
    so soon after the last change in a case belongs to it. calm: a case is over when nothing in it
    was wrong for so long; twice as long for each time that something came back, up to calm_most.
    ease: what is critical again after so long a time in which nothing was rings again; twice as
    long for each time that the case rang because something was back. update: between two tellings
    that ring no bell.
    """

    gather: float = 3.0
    settle: float = 1.0
    join: float = 60.0
    calm: float = 30.0
    calm_most: float = 600.0
    ease: float = 10.0
    update: float = 60.0


class Item(msgspec.Struct, frozen=True):
    """One thing of a case. fact, severity: as it is, or at its worst when it is over. times: that
    it went wrong. drills: those of them that were nothing but a drill. at: epoch s from which on it
    is so, or was so the last time. lasted_s: all times together, so far. blackout_ms: how long
    there was no trusted price because of it, all times together.
    """

    fact: Fact
    severity: Severity
    is_open: bool
    times: int
    at: float
    lasted_s: float
    blackout_ms: float
    drills: int = 0


class Thing:
    """Something that is wrong, or was. Times are monotonic s."""

    def __init__(self, fact: Fact, began: float, now: float) -> None:
        """began: when it went wrong, which may be before it was known."""
        self.fact = fact
        self.began = began
        self.since = now  # of its newest opening, or of its growing worse
        self.ended: float | None = None
        self.times = 1
        self._drills = int(fact.is_drill)
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
        news = ((fact.rule, fact.severity, fact.is_drill)
                != (self.fact.rule, self.fact.severity, self.fact.is_drill))
        if fact.severity > self.fact.severity:
            self.since = now
        if news or fact.to != self.fact.to:  # not for a newer reason of the same
            self._at = fact.at
        if self.fact.is_drill and not fact.is_drill:
            self._drills -= 1
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
        self._at = fact.at
        self.times += 1
        self._drills += fact.is_drill

    def ripen(self, pace: Pace, now: float) -> None:
        """Note whether it has lasted, or come back, so that it is worth telling."""
        came_back = self.times > 1
        until = now if came_back or self.fact.is_notice else self.ended or now
        if self._lasted(pace, until):
            self.ripe = max(self.ripe or Severity.INFO, self.fact.severity)

    def stands(self, pace: Pace, now: float) -> bool:
        """Whether it is wrong, has lasted, and is worth a bell."""
        return self.is_open and self.fact.severity >= Severity.WARNING and self._lasted(pace, now)

    def is_grave(self, pace: Pace | None = None, now: float = 0.0) -> bool:
        """Whether it is critical; with a pace only if it has been for long enough to be told."""
        return (self.is_open and self.fact.severity == Severity.CRITICAL
                and (pace is None or self._lasted(pace, now)))

    def _lasted(self, pace: Pace, until: float) -> bool:
        return until - self.since >= (pace.settle if self.times > 1 else pace.gather)

    def item(self, now: float) -> Item:
        going_on_s = max(0.0, now - self.began) if self.is_open else 0.0
        fact = self.fact if self.is_open else self._at_worst
        return Item(fact, fact.severity, self.is_open, self.times, self._at,
                    self._past_s + going_on_s, self._blackout_ms, self._drills)

    def _take(self, fact: Fact) -> None:
        self.fact = fact
        hides = fact.is_drill and not self._at_worst.is_drill
        if fact.severity > self.worst or (fact.severity == self.worst and not hides):
            self.worst, self._at_worst = fact.severity, fact
