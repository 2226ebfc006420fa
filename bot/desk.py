"""The judgement of all symbols put together: what is seen, what was remembered, what is served.

No thread, no socket, no clock of its own: every call is told the time. So the same desk judges the
daemon's feeds, a record that is played again, and a simulation of years.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import median
from typing import get_args

import msgspec

from bot.clocks import behind_s
from bot.explanation import Explanation, explain
from bot.fitness import Policy, SourceView
from bot.intake import Intake
from bot.judge import Standing, heard, judge, next_due_s
from bot.line import DOUBTED
from bot.model import FeedHealth, Opinion, Quote, UpdateType
from bot.resolution import Case, Resolution, resolve
from bot.store import LatestPrices, Leg

KINDS: tuple[UpdateType, ...] = get_args(UpdateType)
CLOCKS_DIFFER_S = 0.5  # more than an exchange's clock may be off; it is lateness then
HELD_S = 1.0  # a doubted price widens the confidence for so long
REFERENCE_S = 2.0  # what another source said longer ago does not speak for a doubted price


class Desk:
    """intakes: of each source, filled by its owner. The healths that are handed in are in the order
    in which the sources are preferred.

    One thread calls `judge`; everything else may be called from any.
    """

    def __init__(self, policy: Policy, resolution: Resolution, max_age_s: float) -> None:
        self.policy = policy
        self._resolution = resolution
        self._max_age_s = max_age_s
        self.store = LatestPrices()
        self.intakes: dict[str, Intake] = {}
        self._standings: dict[str, Standing] = {}
        self._opinions: dict[str, dict[str, Opinion]] = {}  # symbol -> exchange -> newest
        # (source, symbol) -> receipt of the price that REST said too, and when it did
        self._confirmed: dict[tuple[str, str], tuple[float, float]] = {}

    def standing(self, symbol: str) -> Standing:
        return self._standings.get(symbol) or Standing()

    def clear(self) -> None:
        """Nobody is active any more."""
        self._standings = {}

    def opine(self, opinion: Opinion) -> None:
        """Hear what a REST API says. Thread: any."""
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
        behind = _behind(known)
        return [self._view(symbol, health, behind[health.source], now) for health in known]

    def judge(
        self, symbol: str, healths: Iterable[FeedHealth], now: float
    ) -> tuple[Standing, Standing, float]:
        """Judge anew. Returns: the standing before and after, and s until time alone can change it.
        """
        before = self.standing(symbol)
        views = self.views(symbol, healths, now)
        after = judge(before, views, self.policy, now, self._said(symbol))
        self._standings[symbol] = after
        return before, after, next_due_s(after, views, self.policy, now)

    def case(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Case:
        """All that is known of a symbol at this moment, judged but not remembered."""
        known = list(healths)
        standing, behind = self.standing(symbol), _behind(known)
        views = self.views(symbol, known, now)
        faults, jury = heard(standing, views, self.policy, now, self._said(symbol))
        legs = {view.source: leg for view in views
                if (leg := self.leg(view.source, symbol, behind.get(view.source, 0.0)))}
        return Case(symbol=symbol, standing=standing, legs=legs, faults=faults, jury=jury, now=now,
                    views={view.source: view for view in views})

    def quote(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return self.resolved(self.case(symbol, healths, now))

    def resolved(self, case: Case) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return resolve(self._resolution, case, self._max_age_s)

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

    def _view(
        self, symbol: str, health: FeedHealth, behind: float, now: float
    ) -> SourceView:
        source, since = health.source, health.connected_since
        leg = self.leg(source, symbol, behind)
        intake = self.intakes.get(source)
        line = intake.lines.get(symbol) if intake else None
        if leg is None or since is None or leg.received_mono < since:
            return SourceView(source=source, connected_since=since, age_s=None, silent_s=None,
                              latency_s=health.latency_s, detail=health.detail)
        heard_at = intake.heard_at.get(symbol) if intake else None
        return SourceView(
            source=source, connected_since=since, latency_s=health.latency_s, detail=health.detail,
            age_s=now - leg.fresh_at, silent_s=now - leg.received_mono, behind_s=behind,
            price=leg.price, bid=leg.bid, ask=leg.ask,
            sigma=line.sigma if line else 0.0, rush=line.rush(now) if line else 0.0,
            heard_s=now - heard_at if heard_at is not None else None,
            pause_s=_pause_s(intake, symbol) if intake else 0.0,
            step_s=now - line.step_at if line and line.step_at is not None else None,
            held=line.held if line and now - line.held_at < HELD_S else None)


def _behind(healths: Sequence[FeedHealth]) -> dict[str, float]:
    """How far each source's stamps are behind every other clock's, in s."""
    offsets = {health.source: health.clock_offset_s for health in healths
               if health.connected_since is not None}
    return {health.source: behind_s(health.source, offsets) for health in healths}


def _pause_s(intake: Intake, symbol: str) -> float:
    """The longest usual pause of the liveliest of a symbol's streams."""
    return min((stream.gap_s for kind in KINDS if (stream := intake.streams.get((symbol, kind)))),
               default=0.0)
