"""The last hour as it went, whatever became of the record on disk: a look back for dashboards.

It is told what happens by the aggregator's events, and what is served by the polls of the main
loop, which also takes the samples. A feed's messages never come here.

Memory, measured: 0.1 MB an hour for one symbol while all is well, 15 MB for 500 symbols at the
worst, of which 8 are samples and 5 are CHANGES of some 400 bytes each.
"""

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import monotonic, time
from typing import Protocol

import msgspec

from bot.chain import explains, in_words
from bot.events import (
    FailoverFailed, Listener, SourceActivated, SourceConnected, SourceDisconnected, SourceFault,
    SourceHandedOver, SourceJudged, SourceSwitched,
)
from bot.incidents.incident import Activation, History
from bot.judging.fitness import SourceView
from bot.model import FeedHealth, Quote
from bot.trail.course import MOST_WORDS, Change, Course, Kind, State
from bot.trail.samples import HOUR_S, Samples, Served

CHANGES = 12_000  # of all symbols together
FEWEST = 24  # of each
STATES: Mapping[str, State] = {"connection": "down", "disagreement": "away"}


class Feeds(Protocol):
    """What samples are taken of. Both answer at once."""

    def healths(self) -> list[FeedHealth]:
        """One for each source."""

    def views(self, symbol: str, healths: Sequence[FeedHealth]) -> list[SourceView]:
        """One for each source."""


class Contact(msgspec.Struct):
    """How it went with one source. connects: how often it was connected, replacements not counted.
    fault: its last error in words; fault_at: epoch s. rate: messages per s at the last sample.
    """

    connects: int = 0
    fault: str | None = None
    fault_at: float | None = None
    rate: float | None = None


class SourcePast(msgspec.Struct, frozen=True):
    """Columns as long as Told.at. rate: messages per s of all symbols; lag, silent: s."""

    price: list[float]
    rate: list[float]
    lag: list[float]
    silent: list[float]


class Told(msgspec.Struct, frozen=True):
    """cursor: what to ask with for what comes after this. since: epoch s from which on nothing is
    missing. every_s: between samples. at: epoch s of them; price, tier, status: what was served,
    the latter two as places in TIERS and STATUSES. What is not known is NaN, or -1.
    changes: with the epoch s of each.
    """

    cursor: int
    since: float
    every_s: float
    changes: list[tuple[float, Change]]
    at: list[float]
    price: list[float]
    tier: list[float]
    status: list[float]
    sources: dict[str, SourcePast]


class Trail:
    """Any thread may call anything; each call takes some microseconds, `told` up to milliseconds.

    began: monotonic and epoch s of its start. poll_s: how often `sample` will be called.
    """

    def __init__(
        self, symbols: Sequence[str], sources: Sequence[str], poll_s: float,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        self.symbols, self.sources = tuple(symbols), tuple(sources)
        self._mono, self._wall = mono, wall
        self.began = (mono(), wall())
        self._lock = Lock()  # guards everything below
        self._serial = 0
        most = max(FEWEST, CHANGES // max(1, len(symbols)))
        self._courses = {symbol: Course(most) for symbol in symbols}
        self._connections = Course(CHANGES // 10)
        self._contacts = {source: Contact() for source in sources}
        self._served: dict[str, Served] = {}  # at the last poll
        self._activations: tuple[Activation, ...] = ()
        self._samples = Samples(symbols, sources, poll_s)

    # ---- what happens

    @property
    def listeners(self) -> dict[str, Listener]:
        """For the aggregator's events."""
        return {
            "source_judged": self._judged, "source_activated": self._activated,
            "source_switch": self._switched, "failover_failed": self._failed,
            "source_connected": self._connected, "source_disconnected": self._lost,
            "source_handed_over": self._replaced, "source_error": self._fault}

    def served(self, symbol: str, quote: Quote | None, passed: Mapping[str, str]) -> None:
        """What the chain gave at a poll. passed: as of Chain.ask. Thread: main loop."""
        now = Served(quote.price, quote.source, quote.status) if quote else Served()
        with self._lock:
            before, self._served[symbol] = self._served.get(symbol), now
            if before is None or (now.tier, now.status) != (before.tier, before.status):
                why = in_words(passed) if quote is None or explains(passed) else quote.reason
                self._add(self._courses[symbol], "served", now.tier, now.status or "none", "", why)

    def sample(self, feeds: Feeds | None) -> None:
        """Take a sample if one is due. feeds: None with the feeds off. Thread: main loop."""
        mono = self._mono()
        if not self._samples.due(mono):  # of which this thread alone takes note
            return
        healths = feeds.healths() if feeds else []
        views = {symbol: feeds.views(symbol, healths) if feeds else [] for symbol in self.symbols}
        with self._lock:
            self._serial += 1
            self._samples.take(self._serial, mono, self._served, views, healths)
            for course in (*self._courses.values(), self._connections):
                course.forget(mono - HOUR_S)

    def adopt(self, history: History) -> None:
        """Remember who was active in earlier lives of the bot."""
        with self._lock:
            self._activations = history.activations

    # ---- what is shown

    def activations(self, symbol: str) -> list[Activation]:
        """Of earlier lives, oldest first."""
        with self._lock:
            return [one for one in self._activations if one.symbol == symbol]

    def told(self, symbol: str, cursor: int = 0) -> Told:
        """What happened to a symbol within the hour, or since an earlier answer with that cursor.
        """
        with self._lock:
            mono, ahead = self._mono(), self._wall() - self._mono()
            samples, start = self._samples, mono - HOUR_S
            course = self._courses[symbol]
            changes = [*course.after(cursor), *self._connections.after(cursor)]
            count = samples.after(cursor, start)
            sources = {source: SourcePast(**dict(samples.source(symbol, source, count)))
                       for source in self.sources}
            served = dict(samples.served(symbol, count))
            return Told(
                self._serial, ahead + max(start, self.began[0], course.whole_since),
                samples.every_s,
                [(ahead + change.mono, change)
                 for change in sorted(changes, key=lambda change: change.serial)],
                [ahead + at for at in samples.times(count)], **served, sources=sources)

    def contact(self, source: str) -> Contact:
        """A copy."""
        with self._lock:
            found = self._contacts.get(source) or Contact()
            return msgspec.structs.replace(found, rate=self._samples.rate(source))

    def active_since(self, symbol: str) -> tuple[str | None, float | None]:
        """Who is active, and since when (epoch s); as far as the hour and what was before it tell.
        """
        with self._lock:
            found = self._courses[symbol].newest("active")
            if found is None:
                return None, None
            return found.source, self._wall() - (self._mono() - found.mono)

    def status(self, symbol: str) -> str | None:
        """Of what was served at the last poll."""
        with self._lock:
            served = self._served.get(symbol)
            return served.status if served else None

    # ---- listeners

    def _judged(self, event: SourceJudged) -> None:
        state: State = "fit" if event.fault is None else STATES.get(event.rule, "unfit")
        self._note(event.symbol, "state", event.source, state, event.rule, event.fault or "")

    def _activated(self, event: SourceActivated) -> None:
        self._note(event.symbol, "active", event.current, event.previous or "", "", event.reason)

    def _switched(self, event: SourceSwitched) -> None:
        self._note(event.symbol, "active", event.current, event.previous or "", "", event.reason)

    def _failed(self, event: FailoverFailed) -> None:
        self._note(event.symbol, "active", None, event.previous, "", event.reason)

    def _connected(self, event: SourceConnected) -> None:
        with self._lock:
            self._contacts.setdefault(event.source, Contact()).connects += 1
            self._add(self._connections, "connection", event.source, "connected", "", event.reason)

    def _lost(self, event: SourceDisconnected) -> None:
        self._note(None, "connection", event.source, "lost", "", event.reason)

    def _replaced(self, event: SourceHandedOver) -> None:
        self._note(None, "connection", event.source, "replaced", "", event.reason)

    def _fault(self, event: SourceFault) -> None:
        with self._lock:
            contact = self._contacts.setdefault(event.source, Contact())
            contact.fault, contact.fault_at = event.reason[:MOST_WORDS], event.at

    def _note(self, symbol: str | None, kind: Kind, source: str | None, word: str, rule: str,
              why: str) -> None:
        with self._lock:
            course = self._connections if symbol is None else self._courses.get(symbol)
            if course is not None:
                self._add(course, kind, source, word, rule, why)

    def _add(self, course: Course, kind: Kind, source: str | None, word: str, rule: str,
             why: str) -> None:
        """Under the lock."""
        self._serial += 1
        course.add(Change(self._serial, self._mono(), kind, source, word, rule, why[:MOST_WORDS]))
