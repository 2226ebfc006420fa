"""Who watches what the bot serves over real sockets, and knows what was truly traded."""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.errors import SourceError
from bot.model import Quote
from bot.sandbox.market import Listing
from bot.worker import Worker
from tests.chaos.faults import KINDS
from tests.chaos.troubles import SYMBOL, TROUBLES, Plan

EVERY_S = 0.01
BUSY_S = 0.1  # this machine is too busy for its samples to tell anything of their time
SLACK = 0.0010  # of the price, beyond the stated confidence
BEFORE_S, AGE_SLACK_S = 0.3, 0.3
PATIENCE_S = 0.25  # with a silence, beyond the limit
LIES_ON_S = 1.0  # for so long after a lie its last message may still be held
SAME = 0.0051  # prices are sent with two decimals, or one


class Past:
    """Every price that one listing has truly had, since when. Written on the market's thread."""

    def __init__(self, listing: Listing) -> None:
        self._times, self._prices = [0.0], [listing.price]
        self._trade = listing.trade
        listing.trade = self._note  # type: ignore[method-assign]

    def _note(self, move: Any, event_ms: int) -> None:
        self._trade(move, event_ms)
        self._prices.append(move.price)
        self._times.append(monotonic())

    def prices(self, start: float, end: float) -> Iterator[float]:
        times = self._times[:]
        first = max(0, bisect_right(times, start) - 1)
        yield from self._prices[first:bisect_right(times, end)]

    def age_s(self, price: float, now: float) -> float | None:
        """Since when it is no longer the price; 0 while it is; None if it never was."""
        until = now
        times = self._times[:]
        for index in reversed(range(len(times))):
            if abs(self._prices[index] - price) < SAME:
                return now - until
            until = times[index]
        return None


@dataclass
class Sight:
    """Of one run; times in s. wrong: in words, the quotes that claimed to be good and were not.

    busy: samples that came late. losses: from the loss of the active source's connection to the
    next good quote; silences: from the beginning of its silence to the first good one of another.
    """

    quotes: int = 0
    good: int = 0
    busy: int = 0
    wrong: list[str] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)


class Witness(Worker):
    """Asks for the price a hundred times a second, and compares it with what was traded.

    began: monotonic s of moment 0 of the plan. pasts: by source.
    """

    def __init__(self, plan: Plan, aggregator: MultiSourceWebSocketAggregator,
                 pasts: Mapping[str, Past], began: float) -> None:
        super().__init__("witness")
        self.plan, self.sight = plan, Sight()
        self._aggregator, self._pasts, self._began = aggregator, pasts, began
        self._last_at = 0.0
        self._quote: Quote | None = None
        self.good_since: float | None = None
        self._lock = threading.Lock()  # guards _lost and _silent
        self._lost: tuple[str, float] | None = None
        self._silent: tuple[str, float] | None = None

    def open(self) -> None:
        self._last_at = monotonic()

    def step(self) -> None:
        now = monotonic()
        try:
            quote: Quote | None = self._aggregator.quote(SYMBOL)
        except SourceError:
            quote = None
        late = monotonic() - self._last_at > BUSY_S
        self._last_at, self._quote = now, quote
        self.sight.quotes += 1
        self.sight.busy += late
        if quote is None or not quote.trusted:
            self.good_since = None
        else:
            self.sight.good += 1
            self.good_since = self.good_since or now
            if not late:
                self._check(quote, now)
            self._measure(quote, monotonic())
        self.stopping.wait(EVERY_S)

    @property
    def last(self) -> str:
        """What was served last, in words."""
        return f"{self._quote.status}, {self._quote.reason}" if self._quote else "no quote"

    def lost(self, source: str) -> None:
        """A connection was lost. Thread: the feed's."""
        quote = self._quote
        if quote is not None and quote.trusted and quote.exchange == source and (
                self._others_honest(source)):
            with self._lock:
                self._lost = source, monotonic()

    def silenced(self, source: str) -> None:
        """A source says nothing from now on. Thread: who throws the faults."""
        quote = self._quote
        if quote is not None and quote.trusted and quote.exchange == source and (
                self._others_honest(source)):
            with self._lock:
                self._silent = source, monotonic()

    def healed(self, source: str) -> None:
        """It speaks again. A silence that nobody stepped in for until then counts, if long."""
        with self._lock:
            if self._silent is not None and self._silent[0] == source:
                silent_s = monotonic() - self._silent[1]
                if silent_s > self.plan.limit_ms / 1000 + PATIENCE_S:
                    self.sight.silences.append(silent_s)
                self._silent = None

    def _others_honest(self, source: str) -> bool:
        """Whether no other source lies in this run, and nothing at all befalls one of them."""
        others = {name: [KINDS[TROUBLES[one.name].like].effect for one in self.plan.troubles
                         if one.source == name] for name in self.plan.shapes if name != source}
        return (not any(effect in ("lie", "stamps", "rest lie") for effects in others.values()
                        for effect in effects)
                and any(set(effects) <= {"harmless"} for effects in others.values()))

    def _measure(self, quote: Quote, now: float) -> None:
        with self._lock:
            if self._lost is not None:
                self.sight.losses.append(now - self._lost[1])
                self._lost = None
            if self._silent is not None and quote.exchange != self._silent[0]:
                self.sight.silences.append(now - self._silent[1])
                self._silent = None

    def _check(self, quote: Quote, now: float) -> None:
        allowed = (quote.confidence or 0.0) + SLACK * quote.price
        off = min(abs(true - quote.price) for past in self._pasts.values()
                  for true in past.prices(now - quote.age_s - BEFORE_S, monotonic()))
        if off > allowed:
            self._wrong(quote, now, f"price {quote.price:.2f} is {off / quote.price * 1e4:.1f} bps "
                        f"off, confidence {(quote.confidence or 0.0) / quote.price * 1e4:.1f} bps")
        elif quote.exchange is not None and not self._may_lie(quote.exchange, now):
            age = self._pasts[quote.exchange].age_s(quote.price, now)
            if age is None or age > quote.age_s + AGE_SLACK_S:
                said = "never traded" if age is None else f"{age:.2f} s old"
                self._wrong(quote, now, f"price {quote.price:.2f} {said}, age {quote.age_s:.2f} s")

    def _may_lie(self, source: str, now: float) -> bool:
        """Whether its price may be a lie, or one whose age nobody could know."""
        at = now - self._began
        return any(KINDS[TROUBLES[one.name].like].effect in ("lie", "stamps")
                   or TROUBLES[one.name].like == "spikes" for one in self.plan.troubles
                   if one.source == source and one.start <= at <= one.end + LIES_ON_S)

    def _wrong(self, quote: Quote, now: float, words: str) -> None:
        self.sight.wrong.append(f"{now - self._began:6.2f} s  {quote.status}, {quote.exchange}: "
                                f"{words}, used {quote.sources_used}, {quote.reason}")


def listener(call: Callable[[str], None]) -> Callable[[Any], None]:
    return lambda event: call(event.source)
