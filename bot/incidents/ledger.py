"""Every incident, and how well each source and each served price did: kept in memory, and exact.

A source is judged by the aggregator. A price is good while the streams' verdict is; when that is
lost a lower tier of the chain may still have a trusted price, which the polls of the main loop
find out. So a price is good from a trusted verdict on, or from a poll that got a trusted price of a
lower tier; and bad from the moment the verdict is lost, or from a poll that got none. The
streams' failures are thus known to the millisecond, and a rescue by a lower tier counts from the
poll that saw it, never from before.

What was never good since the start is no incident at once, for a start takes its time. If it comes
to one, it began with the process.
"""

import logging
from collections import Counter
from collections.abc import Callable
from threading import Lock
from time import monotonic, time

from bot.events import FailoverFailed, Listener, SourceJudged, SourceSwitched, VerdictChanged
from bot.incidents.book import Book, Subject
from bot.incidents.incident import Availability, History, Incident
from bot.incidents.rehearsed import AFTER_S, Rehearsed
from bot.incidents.story import story
from bot.logs.told import told
from bot.model import GOOD_STATUSES, Quote

log = logging.getLogger(__name__)

START_S = 5.0  # so long a source may take until it is fit for the first time
STREAMS = "websocket"
NOT_YET = ("not fit since the start", "connection")

Keep = Callable[[Incident], None]


class Ledger:
    """Listeners of the aggregator's events, and what the API shows of them.

    Every method may be called from any thread, takes some microseconds and does no I/O. Of one
    judgement `source_judged` is to come before `source_switch`.
    """

    def __init__(
        self,
        instance: str,
        symbols: tuple[str, ...],
        sources: tuple[str, ...],
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """sources: those that are connected to; none with the feeds switched off."""
        self._mono = mono
        self._sources = sources
        self._keeps: tuple[Keep, ...] = ()
        self._lock = Lock()  # guards everything below
        self._book = Book(instance, symbols, sources, mono, wall)
        self._unseen = dict.fromkeys(self._book.subjects, NOT_YET)
        self._good_at: dict[Subject, float] = {}
        self._verdicts: dict[str, str | None] = {}
        self._left: dict[str, str] = {}
        self._drill = Rehearsed()

    def keep(self, keep: Keep) -> None:
        """Give every incident to `keep`, too, when it opens, when it comes to a rule that it had
        not before, when it brings a switch, when it closes.
        """
        self._keeps += (keep,)

    @property
    def listeners(self) -> dict[str, Listener]:
        """For the aggregator's events."""
        return {"source_judged": self.source_judged, "source_switch": self.source_switch,
                "failover_failed": self.failover_failed, "verdict_changed": self.verdict_changed}

    # ---- what happens

    def source_judged(self, event: SourceJudged) -> None:
        subject = (event.source, event.symbol)
        with self._lock:
            kept = self._due()
            if event.fault is None:
                kept += self._good(subject, event.mono)
            elif subject in self._unseen:
                self._unseen[subject] = (event.fault, event.rule)
            else:
                kept += self._bad(subject, event.fault, event.rule, event.mono, event.since)
        self._hand_on(kept)

    def verdict_changed(self, event: VerdictChanged) -> None:
        subject = (None, event.symbol)
        with self._lock:
            kept = self._due()
            before = self._verdicts.get(event.symbol)
            self._verdicts[event.symbol] = event.status
            if event.status in GOOD_STATUSES:
                kept += self._good(subject, event.mono)
            elif before in GOOD_STATUSES or subject in self._book.open:
                kept += self._bad(subject, event.reason, event.status or "none", event.mono, None)
        self._hand_on(kept)

    def served(self, symbol: str, quote: Quote | None, mono: float) -> None:
        """The best the whole chain had for a reader of trusted prices, asked at `mono`."""
        subject = (None, symbol)
        with self._lock:
            kept = self._due()
            found = self._book.open.get(subject)
            if quote is not None and quote.trusted:
                fallen = symbol in self._verdicts and self._verdicts[symbol] not in GOOD_STATUSES
                outdated = found is not None and mono < found.mono
                if not outdated and not (fallen and quote.source == STREAMS):
                    kept += self._good(subject, mono, quote.source if fallen else "")
            elif found is None:
                cause, rule = (quote.reason, quote.status) if quote else ("no price", "none")
                kept += self._bad(subject, cause, rule, mono, self._good_at.get(subject))
        self._hand_on(kept)

    def source_switch(self, event: SourceSwitched) -> None:
        with self._lock:
            left = event.previous or self._left.get(event.symbol)
            self._left.pop(event.symbol, None)
            incident = self._book.switched((left, event.symbol), event) if left else None
        self._hand_on([incident] if incident else [])

    def failover_failed(self, event: FailoverFailed) -> None:
        """Remember who was left: the switch that ends this does not say."""
        with self._lock:
            self._left[event.symbol] = event.previous

    def drill(self, source: str, words: str, seconds: float) -> None:
        """The causes of what begins from now on begin with `words`, where it may be the work of a
        drill: `source` is not fit, or a price not trusted while every other source is fit. What is
        open AFTER_S after the `seconds` of the fault is retold without them.
        """
        with self._lock:
            self._drill = Rehearsed(source, words, self._mono() + seconds + AFTER_S, True)

    def drill_ended(self) -> None:
        with self._lock:
            self._drill.end(self._mono())

    def rehearsed(self, symbol: str) -> bool:
        """Whether it may be the work of a drill that a price is as it is."""
        with self._lock:
            return self._explained((None, symbol))

    def adopt(self, history: History) -> None:
        """Count what earlier lives of the bot left in the file, and the time it was down since.

        Incidents that such a life did not see the end of end with its last sign of life.
        """
        with self._lock:
            kept = self._book.adopt(history)
        self._hand_on(kept)

    def paused(self, seconds: float) -> None:
        """The process stood still for so long, and goes on now: nobody got a price meanwhile."""
        with self._lock:
            incident = self._book.paused(seconds)
        self._hand_on([incident])

    def refused(self, rows: int, why: str) -> None:
        """How many rows the recorder had to refuse so far, and how it is. Thread: main loop only,
        about every second."""
        with self._lock:
            kept = self._due()
            told = self._book.refused(rows, why)
        self._hand_on([*kept, told] if told else kept)

    def lost(self, incident: Incident) -> None:
        """What had been recorded is not in the file any more."""
        with self._lock:
            self._book.note(incident)
        self._hand_on([incident])

    # ---- what the API shows

    def incidents(
        self, limit: int, symbol: str | None = None, source: str | None = None
    ) -> list[Incident]:
        """Newest first; what goes on gives way to nothing that is over, however old it is.

        symbol, source: only those; those of the bot itself are every symbol's.
        """
        wanted = [one for one in self._all()
                  if (symbol is None or one.symbol in (symbol, None))
                  and (source is None or one.source == source)]
        newest = sorted(reversed(wanted), key=_opened_at, reverse=True)
        newest.sort(key=lambda one: one.closed_at is not None)
        return sorted(newest[:limit], key=_opened_at, reverse=True)

    def going_on(self) -> list[Incident]:
        """All of them, newest first."""
        found = [one for one in self._all() if one.closed_at is None]
        return sorted(found, key=_opened_at, reverse=True)

    def _all(self) -> list[Incident]:
        with self._lock:
            kept = self._due()
            found = self._book.incidents()
        self._hand_on(kept)
        return found

    @property
    def since(self) -> float:
        """Epoch s from which on incidents are known."""
        return self._book.since

    def availability(self) -> Availability:
        with self._lock:
            kept = self._due()
            found = self._book.availability()
        self._hand_on(kept)
        return found

    def counts(self) -> tuple[Counter[str], Counter[str]]:
        """Incidents by rule: those that go on, by what they have come to; and all that this process
        saw begin, by what they began with.
        """
        with self._lock:
            kept = self._due()
            found = self._book.counts()
        self._hand_on(kept)
        return found

    # ---- under the lock

    def _due(self) -> list[Incident]:
        """What time alone made an incident, and what a drill does not explain any more."""
        outlived = [one for one in self._book.drilled if not self._explained(one)]
        return [*self._ripened(), *self._book.ripened(),
                *(self._book.outlive(subject) for subject in outlived)]

    def _ripened(self) -> list[Incident]:
        """Open incidents of sources that have had their time to become fit, and are not."""
        if not self._unseen or self._mono() - self._book.began < START_S:
            return []
        sources = [(subject, told) for subject, told in self._unseen.items() if subject[0]]
        return [incident for subject, (cause, rule) in sources
                for incident in self._bad(subject, cause, rule, self._mono(), None)]

    def _explained(self, subject: Subject) -> bool:
        """Whether it may be the work of a drill."""
        unfit = {source for source in self._sources
                 if (one := (source, subject[1])) in self._book.open or one in self._unseen}
        return self._drill.explains(subject[0], unfit, self._mono())

    def _good(self, subject: Subject, mono: float, saved_by: str = "") -> list[Incident]:
        self._unseen.pop(subject, None)
        self._good_at[subject] = mono
        return [self._book.end(subject, mono, saved_by)] if subject in self._book.open else []

    def _bad(
        self, subject: Subject, cause: str, rule: str, mono: float, since: float | None
    ) -> list[Incident]:
        if subject in self._book.open:
            turned = self._book.turn(subject, cause, rule, mono)
            return [turned] if turned else []
        if self._unseen.pop(subject, None):
            mono = self._book.began
        label = self._drill.words if self._drill.is_on and self._explained(subject) else ""
        return [self._book.begin(subject, cause, rule, mono, since, label)]

    def _hand_on(self, incidents: list[Incident]) -> None:
        """Not under the lock."""
        for incident in incidents:
            for keep in self._keeps:
                keep(incident)
            if incident.closed_at is not None:
                log.info("🧾 [INCIDENT] %s", story(incident), extra=told(incident))


def _opened_at(incident: Incident) -> float:
    return incident.opened_at
