"""The incidents that are open and those that were, and the tally of every subject.

Not for several threads at once: the ledger, whose book it is, sees to that.
"""

from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

import msgspec

from bot.events import SourceSwitched
from bot.incidents.gap import Gap
from bot.incidents.incident import (
    DOWN, LOST, PAUSED, UNRECORDED, Availability, History, Incident, Span, merged,
)
from bot.incidents.rehearsed import labelled, outlived
from bot.incidents.tally import Tally

KEPT = 1_000  # closed incidents that can be asked for; the figures rest on all there were
# What comes after a lost connection as a rule; after so long it is a trouble of its own.
RETURNING, RETURN_S = ("connection", "data"), 5.0
CUT_SHORT = "; open when the bot ended"
BY_FORCE = "it did not end in order: killed, crashed, or the machine lost power"
SAVED = "; then {} had a trusted one for readers who ask for that"

Subject = tuple[str | None, str]


class Open(msgspec.Struct):
    """An incident that goes on. mono: monotonic s of its opening. causes: the first, and what it
    came to by another rule; label: the words of the drill that it is put down to, if it is. rules:
    all that it has had. next: the cause, the rule and since when (monotonic s), that it comes to if
    it is not over soon.
    """

    incident: Incident
    mono: float
    causes: list[str]
    rules: set[str]
    label: str = ""
    next: tuple[str, str, float] | None = None

    @property
    def cause(self) -> str:
        first = labelled(self.causes[0], self.label) if self.label else self.causes[0]
        return "; then ".join([first, *self.causes[1:]])

    def retold(self, **fields: object) -> Incident:
        """It as it is now, as a new revision."""
        self.incident = msgspec.structs.replace(
            self.incident, revision=self.incident.revision + 1, **fields)
        return self.incident


class Book:
    """began, began_at: the start of this process, monotonic and epoch s. open: what goes on;
    drilled: what of it is put down to a drill.
    """

    def __init__(
        self,
        instance: str,
        symbols: tuple[str, ...],
        sources: tuple[str, ...],
        mono: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.began, self.began_at = mono(), wall()
        self.open: dict[Subject, Open] = {}
        self.drilled: set[Subject] = set()
        self._begun: Counter[str] = Counter()  # by the rule with which each began
        self._gap = Gap(instance)
        self._instance = instance
        self._mono, self._wall = mono, wall
        self._serial = count(1)
        self._since = self.began_at
        self._closed: deque[Incident] = deque(maxlen=KEPT)
        self._tallies: dict[Subject, Tally] = {
            (source, symbol): Tally(self.began) for source in (None, *sources)
            for symbol in symbols}

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return tuple(self._tallies)

    @property
    def since(self) -> float:
        return self._since

    def begin(
        self, subject: Subject, cause: str, rule: str, mono: float, since: float | None,
        label: str = "",
    ) -> Incident:
        """Open an incident at `mono`. since: monotonic s of the last good, if that is known. label:
        the words of the drill that it is put down to.
        """
        opened_at = self._wall() - (self._mono() - mono)
        incident = Incident(
            id=self._new_id(opened_at), source=subject[0], symbol=subject[1],
            cause=labelled(cause, label) if label else cause,
            rule=rule, opened_at=opened_at, instance=self._instance,
            detected_after_ms=None if since is None else max(0.0, mono - since) * 1000)
        self.open[subject] = Open(incident, mono, [cause], {rule}, label)
        if label:
            self.drilled.add(subject)
        self._begun[rule] += 1
        self._tallies.setdefault(subject, Tally(self.began)).failed(mono)
        return incident

    def turn(self, subject: Subject, cause: str, rule: str, mono: float) -> Incident | None:
        """The open incident of `subject` came to another rule. Returns: it, where that is told."""
        found = self.open[subject]
        found.next = None
        if rule == found.incident.rule:
            return None
        if (found.incident.rule, rule) == RETURNING:
            found.next = cause, rule, mono
            return None
        return self._turned(found, cause, rule)

    def ripened(self) -> list[Incident]:
        """What has come to another rule because it is not over."""
        due, now = [], self._mono()
        for found in self.open.values():
            if found.next and now - found.next[2] >= RETURN_S:
                cause, rule, _ = found.next
                found.next = None
                due.append(self._turned(found, cause, rule))
        return [incident for incident in due if incident]

    def _turned(self, found: Open, cause: str, rule: str) -> Incident | None:
        found.causes[1:] = [cause]
        found.incident = msgspec.structs.replace(found.incident, rule=rule, cause=found.cause)
        if rule in found.rules:  # told already, and it may go on so for hours
            return None
        found.rules.add(rule)
        return found.retold()

    def switched(self, subject: Subject, event: SourceSwitched) -> Incident | None:
        """Another source took the place of one that has an open incident."""
        found = self.open.get(subject)
        if found is None or found.incident.switched_after_ms is not None:
            return None
        return found.retold(switched_after_ms=max(0.0, event.mono - found.mono) * 1000,
                            blackout_ms=event.blackout_ms, price_step_bps=event.step_bps)

    def outlive(self, subject: Subject) -> Incident:
        """The open incident of `subject` is not put down to a drill any more."""
        found = self.open[subject]
        self.drilled.discard(subject)
        found.causes = [outlived(cause, found.label) for cause in found.causes]
        found.label = ""
        return found.retold(cause=found.cause)

    def end(self, subject: Subject, mono: float, saved_by: str = "") -> Incident:
        """Close the open incident of `subject`. saved_by: the tier that has a trusted price, while
        the streams have none.
        """
        found = self.open.pop(subject)
        self.drilled.discard(subject)
        self._tallies[subject].recovered(mono)
        length_s = max(0.0, mono - found.mono)
        told = found.incident
        cause = told.cause + (SAVED.format(saved_by) if saved_by else "")
        incident = msgspec.structs.replace(
            told, revision=told.revision + 1, cause=cause, closed_at=told.opened_at + length_s,
            duration_ms=length_s * 1000,
            blackout_ms=length_s * 1000 if told.source is None else told.blackout_ms)
        self._closed.append(incident)
        return incident

    def adopt(self, history: History) -> list[Incident]:
        """Count what earlier lives left, and the time since. Returns: what is new in it."""
        if history.since is None:
            return []
        end, since = self.began_at, min(history.since, self.began_at)
        alive_at = end if history.alive_at is None else min(history.alive_at, end)
        old, new = [], []
        for incident in history.incidents:
            if incident.closed_at is None:
                incident = _cut_short(incident, alive_at)
                new.append(incident)
            old.append(incident)
        if alive_at < end:
            cause = BY_FORCE if history.ended_in_order is False else DOWN
            new.append(self._of_the_bot(DOWN, alive_at, end, cause))
            self._begun[DOWN] += 1
            old.append(new[-1])
        self._since = min(self._since, since)
        self._count(old, since, end)
        self._closed = deque([*old, *self._closed], KEPT)
        return new

    def paused(self, seconds: float) -> Incident:
        """The process stood still for so long, until now: that counts against everybody."""
        now, at = self._mono(), self._wall()
        for tally in self._tallies.values():
            tally.missed(now - seconds, now)
        incident = self._of_the_bot(PAUSED, at - seconds, at, PAUSED)
        self.note(incident)
        return incident

    def note(self, incident: Incident) -> None:
        """Keep an incident that is over, and count it against nobody."""
        self._begun[incident.rule] += 1
        self._closed.append(incident)

    def refused(self, rows: int, why: str) -> Incident | None:
        """How many rows the recorder had to refuse so far. Returns: what is to be told of it."""
        told = self._gap.look(rows, why, self._mono(), self._wall())
        if told is not None and told.closed_at is not None:
            self.note(told)
        return told

    def incidents(self) -> list[Incident]:
        """In no order; what goes on has lasted `duration_ms` so far, but for rows refused."""
        now = self._mono()
        return [*self._closed, *(
            msgspec.structs.replace(one.incident, duration_ms=(now - one.mono) * 1000)
            for one in self.open.values()), *([self._gap.open] if self._gap.open else [])]

    def counts(self) -> tuple[Counter[str], Counter[str]]:
        """See Ledger.counts."""
        going_on = Counter(one.incident.rule for one in self.open.values())
        begun = Counter(self._begun)
        if self._gap.open is not None:
            going_on[UNRECORDED] += 1
            begun[UNRECORDED] += 1  # noted when it is over
        return going_on, begun

    def availability(self) -> Availability:
        now = self._mono()
        observed_s = self.began_at - self._since + now - self.began
        rows = [tally.figures(source, symbol, observed_s, now)
                for (source, symbol), tally in self._tallies.items()]
        return Availability(self._since, observed_s * 1000,
                            tuple(row for row in rows if row.source is None),
                            tuple(row for row in rows if row.source is not None))

    def _count(self, old: list[Incident], since: float, end: float) -> None:
        spans: dict[tuple[str | None, str | None], list[Span]] = {}
        for incident in old:
            if incident.rule in (UNRECORDED, LOST):
                continue
            spans.setdefault((incident.source, incident.symbol), []).append(
                (incident.opened_at, incident.closed_at or end))
        everybody = spans.get((None, None), [])
        for subject, tally in self._tallies.items():
            own = spans.get(subject, []) + everybody
            tally.adopt(len(own), merged(own, since, end), end)

    def _of_the_bot(self, rule: str, begin: float, end: float, cause: str) -> Incident:
        length_ms = (end - begin) * 1000
        return Incident(
            id=self._new_id(begin), source=None, symbol=None, cause=cause, rule=rule,
            opened_at=begin, closed_at=end, duration_ms=length_ms, blackout_ms=length_ms,
            instance=self._instance)

    def _new_id(self, at: float) -> str:
        return (f"{self._instance}-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%S.%f}"
                f"-{next(self._serial)}")


def _cut_short(incident: Incident, at: float) -> Incident:
    """An incident that a life of the bot did not see the end of: known up to its last sign."""
    length_s = max(0.0, at - incident.opened_at)
    return msgspec.structs.replace(
        incident, revision=incident.revision + 1, cause=incident.cause + CUT_SHORT,
        closed_at=incident.opened_at + length_s, duration_ms=length_s * 1000)
