"""The judgement of all symbols put together: what is seen, what was remembered, what is served.

No thread, no socket, no clock of its own: every call is told the time. So the same desk judges the
daemon's feeds, a record that is played again, and a simulation of years.
"""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from bot.clocks import behind_s
from bot.fitness import Policy, SourceView
from bot.intake import Intake
from bot.judge import Standing, heard, judge, next_due_s
from bot.model import FeedHealth, Opinion, Quote
from bot.resolution import Case, Resolution, resolve
from bot.store import LatestPrices, Leg

# Silence of so many times the longest usual pause of a stream is unusual, and asks for a REST
# opinion; up to that a price that REST confirms is a quiet market's. At least, and at most:
UNUSUAL_PAUSES = 3.0
LEAST_PAUSE_S = 1.0
REFERENCE_S = 2.0  # what another source said longer ago does not speak for a doubted price


class Desk:
    """sources: in the order in which they are preferred. intakes: of each, filled by its owner.

    One thread calls `judge`; everything else may be called from any.
    """

    def __init__(
        self, sources: Sequence[str], policy: Policy, resolution: Resolution, max_age_s: float
    ) -> None:
        self._sources = tuple(sources)
        self.policy = policy
        self._resolution = resolution
        self._max_age_s = max_age_s
        self.store = LatestPrices()
        self.intakes: dict[str, Intake] = {}
        self._standings: dict[str, Standing] = {}
        self._opinions: dict[str, dict[str, Opinion]] = {}  # symbol -> exchange -> newest

    def standing(self, symbol: str) -> Standing:
        return self._standings.get(symbol) or Standing()

    def clear(self) -> None:
        """Nobody is active any more."""
        self._standings = {}

    def opine(self, opinion: Opinion) -> None:
        """Hear what a REST API says. Thread: any."""
        said = self._opinions.get(opinion.symbol, {})
        self._opinions[opinion.symbol] = {**said, opinion.exchange: opinion}

    def reference(self, source: str, symbol: str, now: float) -> float | None:
        """What the others say of a symbol: their median, or None if none has just spoken."""
        prices = [line.price for name, intake in self.intakes.items() if name != source
                  and (line := intake.lines.get(symbol)) and now - line.at < REFERENCE_S]
        return median(prices) if prices else None

    def views(
        self, symbol: str, healths: Iterable[FeedHealth], now: float
    ) -> list[SourceView]:
        """What the judgement sees of every source for one symbol."""
        healths = list(healths)
        offsets = {health.source: health.clock_offset_s for health in healths
                   if health.connected_since is not None}
        return [self._view(symbol, health, behind_s(health.source, offsets), now)
                for health in healths]

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
        standing = self.standing(symbol)
        views = self.views(symbol, healths, now)
        faults, jury = heard(standing, views, self.policy, now, self._said(symbol))
        legs = {source: leg for source in self._sources if (leg := self.leg(source, symbol, now))}
        return Case(symbol=symbol, standing=standing, legs=legs, faults=faults, jury=jury, now=now,
                    views={view.source: view for view in views})

    def quote(self, symbol: str, healths: Iterable[FeedHealth], now: float) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return self.resolved(self.case(symbol, healths, now))

    def resolved(self, case: Case) -> Quote:
        """Raises: NoQuote, StaleQuote."""
        return resolve(self._resolution, case, self._max_age_s)

    def leg(self, source: str, symbol: str, now: float) -> Leg | None:
        """The source's price. One that REST has confirmed since was current at that moment."""
        leg = self.store.leg(source, symbol, self.policy.max_latency_s)
        said = self._opinions.get(symbol, {}).get(source)
        if leg is None or said is None or said.asked_mono <= leg.fresh_at:
            return leg
        if now - leg.received_mono > UNUSUAL_PAUSES * self.pause_s(source, symbol):
            return leg  # that stream is known for shorter pauses: it is dead, not its market
        if said.price != leg.price or None not in (leg.bid, leg.ask) and (
                (said.bid, said.ask) != (leg.bid, leg.ask)):
            return leg
        return msgspec.structs.replace(leg, fresh_at=said.asked_mono)

    def pause_s(self, source: str, symbol: str) -> float:
        """The longest usual pause of the source's liveliest stream of the symbol."""
        streams = self.intakes[source].streams if source in self.intakes else {}
        return min((stream.gap_s for (name, _), stream in list(streams.items()) if name == symbol),
                   default=0.0)

    def _said(self, symbol: str) -> list[Opinion]:
        return list(self._opinions.get(symbol, {}).values())

    def _view(
        self, symbol: str, health: FeedHealth, behind: float, now: float
    ) -> SourceView:
        source, since = health.source, health.connected_since
        leg = self.leg(source, symbol, now)
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
            step_s=now - line.step_at if line and line.step_at is not None else None)
