"""What a reader saw during one simulation, and the figures that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from bot.events import SourceJudged, SourceSwitched
from bot.judging.resolution import Case
from bot.model import Quote
from bot.store import Leg
from tests.chaos.faults import KINDS, TIMING, WARM_UP_S, Fault, Schedule, mouth_honest
from tests.chaos.market import Market
from tests.chaos.oracle import Oracle, Wrong
from tests.chaos.voice import SYMBOL
from tests.chaos.wire import Wire

FLAGGED = ("wrong", "scale", "invert")  # lies that are large from the first message on
SILENT = ("silence", "symbol", "half_open")
LIMIT_S = 5.0
VAGUE = 0.01


@dataclass
class Figures:
    """Of one simulation; times in s. wrong: the quotes that claimed to be good; wrong_s: how long.

    losses, silences: from the loss of the active source, or its last message, to the first good
    quote of another. flags: from the first lie to the first doubt of it. usable_after,
    trusted_after: from the end of the last fault to the last moment without a price that claims to
    be good, or without one that several agree on. believed: the longest time for which a good quote
    rested on a source all of whose messages were large lies. unfit: who was not fit at the end, and
    why; fit_after: when they all were. innocent: who was put away and had never lied nor told
    old things. never: no trust at the end. last: the last quote. dark: the longest time without a
    good quote while most of the streams told the truth. vague_s: how long trusted prices were held
    to be right only to more than 1 %.
    """

    seconds: float = 0.0
    quotes: int = 0
    good: int = 0
    wrong: list[Wrong] = field(default_factory=list)
    wrong_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    silences: list[float] = field(default_factory=list)
    flags: dict[str, float] = field(default_factory=dict)
    switches: list[SourceSwitched] = field(default_factory=list)
    usable_after: float = 0.0
    trusted_after: float = 0.0
    fit_after: float = 0.0
    unfit: dict[str, str] = field(default_factory=dict)
    innocent: list[SourceJudged] = field(default_factory=list)
    never: bool = False
    last: str = ""
    dark: float = 0.0
    vague_s: float = 0.0
    believed: float = 0.0


class Observer:
    """Sees what the product serves, checks it with the oracle, and keeps the figures."""

    def __init__(self, plan: Schedule, oracle: Oracle, market: Market) -> None:
        self.plan = plan
        self.figures = Figures()
        self._oracle, self._market = oracle, market
        self._active: str | None = None
        self._good: Quote | None = None
        self._lost: tuple[str, float] | None = None
        self._silent = [fault for fault in plan.faults if self._clean(fault)]
        self._waiting: tuple[Fault, float] | None = None
        self._lies: dict[str, float] = {}
        self._lying: dict[str, float] = {}  # whose last message was a large lie: since when all are
        self._trusted_since: float | None = None
        self._wrong_at: float | None = None
        self._light_at = self._quoted_at = 0.0

    def switched(self, event: SourceSwitched) -> None:
        self.figures.switches.append(event)

    def accused(self, event: SourceJudged) -> None:
        """A source was found unfit."""
        if event.rule == "disagreement" and event.fault is not None and not any(
                fault.source == event.source and fault.start <= event.mono
                and (KINDS[fault.kind].effect == "lie" or fault.kind in TIMING)
                for fault in self.plan.faults):
            self.figures.innocent.append(event)

    def quoted(self, now: float, quote: Quote | None) -> None:
        """What a reader got at that moment."""
        figures = self.figures
        figures.quotes += 1
        figures.last = f"{quote.status}, {quote.reason}" if quote else "no quote"
        good = quote is not None and quote.trusted
        if quote is not None and good:
            figures.good += 1
            figures.believed = max(figures.believed, *(
                now - self._lying.get(source, now) for source in quote.sources_used))
            self._check(quote, now)
        else:
            self._wrong_at = None
        if not good:
            figures.usable_after = now
        if quote is None or quote.status != "trusted":
            figures.trusted_after, self._trusted_since = now, None
        elif self._trusted_since is None:
            self._trusted_since = now
        if quote is not None and quote.status == "trusted" and (
                (quote.confidence or 0.0) > VAGUE * quote.price):
            figures.vague_s += now - self._quoted_at
        if good or not self._bright(now):
            self._light_at = now
        figures.dark = max(figures.dark, now - self._light_at)
        self._good, self._quoted_at = quote if good else None, now
        self._measure(now)

    def lost(self, source: str, now: float) -> None:
        if source == self._active and self._good is not None and self._other(source, now) and (
                not self._market.quiet(now - 2 * LIMIT_S, now)):
            self._lost = source, now

    def heard(self, source: str, false: bool, now: float) -> None:
        """A message arrived. false: it is a large lie."""
        if false and any(fault.kind in FLAGGED and fault.source == source
                         and fault.start <= now <= fault.end for fault in self.plan.faults):
            self._lies.setdefault(source, now)
            self._lying.setdefault(source, now)
        else:
            self._lying.pop(source, None)

    def judged(self, now: float, case: Case, wires: Mapping[str, Wire]) -> None:
        standing = case.standing
        self._active = standing.active
        self.figures.unfit = {name: found.words for name, found in standing.faults.items()
                              if found.rule not in ("silence", "late") or not self._market.quiet(
                                  now - 2 * LIMIT_S, now)}
        if self.figures.unfit:
            self.figures.fit_after = now
        self._flag(case, wires)
        self._wait(now, case)

    def _flag(self, case: Case, wires: Mapping[str, Wire]) -> None:
        """Who lies, and is doubted for it."""
        faults, agreement = case.standing.faults, case.jury.agreement
        for source, since in self._lies.items():
            line = wires[source].intake.lines.get(SYMBOL)
            if source in faults or source in agreement.outside or agreement.disputed or (
                    line is not None and line.held is not None):
                self.figures.flags.setdefault(source, case.now - since)

    def _wait(self, now: float, case: Case) -> None:
        """Whether the active source has fallen silent, and nothing else is wrong with it."""
        if self._waiting is not None:
            fault = self._waiting[0]
            self._waiting = fault, self._spoke_at(case.legs[str(fault.source)])
            return
        active = case.standing.active
        for fault in self._silent:
            if (active is not None and fault.source == active
                    and fault.start <= now < fault.end - LIMIT_S - 1.0
                    and self._other(active, now)):
                self._waiting = fault, self._spoke_at(case.legs[active])
                self._silent.remove(fault)
                return

    def _bright(self, now: float) -> bool:
        """Whether nothing is wrong with most of the streams, and they have much to tell."""
        honest = sum(mouth_honest(self.plan, one, now, False) for one in self.plan.venues)
        return (honest > 1 and 2 * honest > len(self.plan.venues) and now > WARM_UP_S / 2
                and not self._market.quiet(now - 2 * LIMIT_S, now))

    def _spoke_at(self, leg: Leg) -> float:
        """When the source last told its price, or its REST API said truly that it still is that.

        In a quiet market that is no silence: see "From prices to the active source" in
        docs/trust.md.
        """
        tick = self._market.tick(leg.exchange, leg.fresh_at)
        book = (tick.bid, tick.ask) if None not in (leg.bid, leg.ask) else (leg.bid, leg.ask)
        if (tick.price, *book) != (leg.price, leg.bid, leg.ask):
            return leg.received_mono
        return max(leg.received_mono, leg.fresh_at)

    def _clean(self, fault: Fault) -> bool:
        """A long silence of a source that has no other fault, in a market that is not silent."""
        return (fault.kind in SILENT and fault.end - fault.start > LIMIT_S + 1.0
                and sum(one.source in (None, fault.source) for one in self.plan.faults) == 1
                and not self._market.quiet(fault.start - LIMIT_S, fault.start + 2 * LIMIT_S))

    def recovered_for(self, now: float) -> float:
        if self._trusted_since is None:
            return 0.0
        return now - max(self._trusted_since, self.figures.fit_after)

    def end(self, now: float) -> None:
        over = self.plan.seconds
        self.figures.seconds = now
        self.figures.flags = {source: self.figures.flags.get(source, inf) for source in self._lies}
        self.figures.never = self._trusted_since is None
        self.figures.fit_after = max(0.0, self.figures.fit_after - over)
        self.figures.usable_after = max(0.0, self.figures.usable_after - over)
        self.figures.trusted_after = max(0.0, self.figures.trusted_after - over)

    def _check(self, quote: Quote, now: float) -> None:
        wrong = self._oracle.check(quote, now)
        if wrong is None:
            self._wrong_at = None
            return
        self.figures.wrong.append(wrong)
        if self._wrong_at is not None:
            self.figures.wrong_s += now - self._wrong_at
        self._wrong_at = now

    def _measure(self, now: float) -> None:
        """Whether another source's price can be had at last."""
        good = self._good
        if good is None:
            return
        if self._lost is not None and good.exchange != self._lost[0]:
            self.figures.losses.append(now - self._lost[1])
            self._lost = None
        if self._waiting is not None and good.exchange != self._waiting[0].source:
            self.figures.silences.append(now - self._waiting[1])
            self._waiting = None
        elif self._waiting is not None and now > self._waiting[0].end:
            self._waiting = None

    def _other(self, source: str, now: float) -> bool:
        """Whether there is another stream that nothing is wrong with."""
        return any(mouth_honest(self.plan, one, now, False)
                   for one in self.plan.venues if one.name != source)
