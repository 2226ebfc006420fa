"""The judgement of all symbols put together: what is seen, what was remembered, what is served.

No thread, no socket, no clock of its own: every call is told the time. So the same desk judges the
daemon's feeds, a record that is played again, and a simulation of years.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median

import msgspec

from bot.errors import SourceError
from bot.feeds.intake import Intake, Known
from bot.feeds.line import DOUBTED
from bot.judging.explanation import Explanation, explain
from bot.judging.fitness import Policy, SourceView
from bot.judging.journal import Journal
from bot.judging.judge import Standing, heard, judge, next_due_s
from bot.judging.resolution import Case, Resolution, resolve
from bot.judging.sight import all_behind, seen
from bot.model import FeedHealth, Opinion, Quote
from bot.store import Entry, LatestPrices, Leg

CLOCKS_DIFFER_S = 0.5  # more than an exchange's clock may be off; it is lateness then
REFERENCE_S = 2.0  # what another source said longer ago does not speak for a doubted price


class Remembered(msgspec.Struct):
    """All that a desk knows at a moment. sources: what each one's intake knows."""

    sources: dict[str, Known]
    prices: list[Entry]
    standings: dict[str, Standing]
    opinions: dict[str, dict[str, Opinion]]
    confirmed: dict[tuple[str, str], tuple[float, float]]


class Desk:
    """intakes: of each source, filled by its owner. The healths that are handed in are in the order
    in which the sources are preferred.

    One thread calls `judge`; everything else may be called from any. What changes the desk, or is
    asked on record, waits for its turn and is noted in the journal.
    """

    def __init__(
        self, policy: Policy, resolution: Resolution, max_age_s: float,
        journal: Journal | None = None,
    ) -> None:
        self.policy = policy
        self.journal = journal or Journal()
        self.resolution = resolution
        self.max_age_s = max_age_s
        self.store = LatestPrices()
        self.intakes: dict[str, Intake] = {}
        self._standings: dict[str, Standing] = {}
        self._opinions: dict[str, dict[str, Opinion]] = {}  # symbol -> exchange -> newest
        # (source, symbol) -> receipt of the price that REST said too, and when it did
        self._confirmed: dict[tuple[str, str], tuple[float, float]] = {}

    def standing(self, symbol: str) -> Standing:
        return self._standings.get(symbol) or Standing()

    def clear(self, now: float) -> None:
        """Nobody is active any more."""
        with self.journal.turn:
            self._standings = {}
            self.journal.note("cleared", now)

    def opine(self, opinion: Opinion) -> None:
        """Hear what a REST API says. Thread: any."""
        with self.journal.turn:
            self._opine(opinion)
            self.journal.note("opinion", opinion.asked_mono, opinion.exchange, opinion.symbol,
                              msgspec.to_builtins(opinion))

    def _opine(self, opinion: Opinion) -> None:
        source, symbol = opinion.exchange, opinion.symbol
        said = self._opinions.setdefault(symbol, {})
        before, said[source] = said.get(source), opinion
        if before and before.timestamp and before.timestamp >= (opinion.timestamp or math.inf):
            return  # it repeats itself, or is a cache's: no word on this moment
        leg = self.store.leg(source, symbol, self.policy.max_latency_s)
        if leg and opinion.price == leg.price and (None in (leg.bid, leg.ask) or (
                (opinion.bid, opinion.ask) == (leg.bid, leg.ask))):
            self._confirmed[source, symbol] = (leg.received_mono, opinion.asked_mono)

    def reference(self, source: str, symbol: str, now: float) -> float | None:
        """What the others say of a symbol: their median, or None if none has just spoken. Those
        that are not fit, or were put away, are no reference.
        """
        unfit = self.standing(symbol).faults
        prices = [line.price for name, intake in self.intakes.items()
                  if name != source and name not in unfit
                  and (line := intake.lines.get(symbol)) and now - line.at < REFERENCE_S]
        return median(prices) if prices else None

    def views(
        self, symbol: str, healths: Iterable[FeedHealth], now: float
    ) -> list[SourceView]:
        """What the judgement sees of every source for one symbol."""
        known = list(healths)
        behind = all_behind(known)
        return [seen(health, self.leg(health.source, symbol, behind[health.source]),
                     self.intakes.get(health.source), symbol, behind[health.source], now)
                for health in known]

    def look(
        self, healths: Callable[[], list[FeedHealth]], clock: Callable[[], float]
    ) -> tuple[list[FeedHealth], float]:
        """How the sources are at this moment, and the moment: what to judge with, on record."""
        with self.journal.turn:
            found, now = healths(), clock()
            self.journal.look(found, now)
        return found, now

    def judge(
        self, symbol: str, healths: Sequence[FeedHealth], now: float
    ) -> tuple[Standing, Case, float]:
        """Judge anew. Returns: the standing before, the case with the standing after, and s until
        time alone can change it.
        """
        with self.journal.turn:
            before = self.standing(symbol)
            views = self.views(symbol, healths, now)
            after = judge(before, views, self.policy, now, self._said(symbol))
            self._standings[symbol] = after
            self.journal.note("judged", now, None, symbol)
            case = self._case(symbol, views, now)
        return before, case, next_due_s(after, views, self.policy, now)

    def case(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Case:
        """All that is known of a symbol at this moment, judged but not remembered."""
        return self._case(symbol, self.views(symbol, healths, now), now)

    def _case(self, symbol: str, views: Sequence[SourceView], now: float) -> Case:
        standing = self.standing(symbol)
        faults, jury = heard(standing, views, self.policy, now, self._said(symbol))
        legs = {view.source: leg for view in views
                if (leg := self.leg(view.source, symbol, view.behind_s))}
        lost = {source: intake.lost_at for source, intake in self.intakes.items()
                if intake.lost_at is not None}
        return Case(symbol=symbol, standing=standing, legs=legs, faults=faults, jury=jury, now=now,
                    views={view.source: view for view in views}, lost=lost)

    def quote(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return self.resolved(self.case(symbol, healths, now))

    def asked(
        self, symbol: str, healths: Callable[[], list[FeedHealth]], clock: Callable[[], float]
    ) -> Quote:
        """The same on record, at this moment. Raises: as `quote`."""
        with self.journal.turn:
            found, now = healths(), clock()
            self.journal.look(found, now, symbol)
            return self.quote(symbol, found, now)

    def resolved(self, case: Case) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return resolve(self.resolution, case, self.max_age_s)

    def outcome(self, case: Case) -> Quote | SourceError:
        """What is served, or why nothing."""
        try:
            return self.resolved(case)
        except SourceError as error:
            return error

    def remembered(self) -> Remembered:
        """To be used, or copied, in the same turn."""
        return Remembered({source: intake.known for source, intake in self.intakes.items()},
                          self.store.entries, self._standings, self._opinions, self._confirmed)

    def recall(self, memory: Remembered) -> None:
        """Know this, and nothing else. The intakes of its sources must be there."""
        for source, known in memory.sources.items():
            self.intakes[source].recall(known)
        self.store.recall(memory.prices)
        self._standings, self._opinions = memory.standings, memory.opinions
        self._confirmed = memory.confirmed

    def explain(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Explanation:
        """Every leg of a symbol, and the rule that took or refused it."""
        known = list(healths)
        held = {source: line.held for source, intake in self.intakes.items()
                if (line := intake.lines.get(symbol))}
        return explain(self.case(symbol, known, now), known, self._said(symbol), held)

    def leg(self, source: str, symbol: str, behind: float = 0.0) -> Leg | None:
        """The source's price, as old as it is by every other clock. One that REST has confirmed
        since was current at that moment.
        """
        leg = self.store.leg(source, symbol, self.policy.max_latency_s)
        if leg is None:
            return None
        fresh_at = leg.fresh_at - (behind if behind > CLOCKS_DIFFER_S else 0.0)
        received, at = self._confirmed.get((source, symbol), (0.0, 0.0))
        if leg.received_mono == received:
            fresh_at = max(fresh_at, at)
        return leg if fresh_at == leg.fresh_at else msgspec.structs.replace(leg, fresh_at=fresh_at)

    def _said(self, symbol: str) -> list[Opinion]:
        opinions = list(self._opinions.get(symbol, {}).values())
        return [moved for said in opinions if (moved := self._moved_on(said))]

    def _moved_on(self, said: Opinion) -> Opinion | None:
        """What REST would say now: it differed from its stream by so much, and the stream went on.

        Else an answer of two seconds ago, true at that time, would speak against its own stream
        and for whoever has not moved with the market. None if the stream has leapt since: then
        that answer says nothing any more.
        """
        intake = self.intakes.get(said.exchange)
        line = intake.lines.get(said.symbol) if intake else None
        then = line.before(said.asked_mono) if line and line.at > said.asked_mono else None
        if line is None or then is None:
            return said
        factor = line.price / then
        if abs(factor - 1.0) > DOUBTED:
            return None
        return msgspec.structs.replace(
            said, price=said.price * factor, bid=said.bid and said.bid * factor,
            ask=said.ask and said.ask * factor)
