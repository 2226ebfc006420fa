"""What changed from one judgement to the next, told as events. The watchdog's thread, mostly."""

import logging
import math
from collections.abc import Callable, Mapping
from time import monotonic, time

import msgspec

from bot.errors import SourceError
from bot.events import (
    Doubted, FailoverFailed, Publisher, SourceActivated, SourceJudged, SourceSwitched,
    VerdictChanged,
)
from bot.judging.clocks import our_offset_s
from bot.judging.judge import JUST_CONNECTED, Standing
from bot.judging.resolution import Case
from bot.logs.facts import facts
from bot.model import GOOD_STATUSES, Quote

log = logging.getLogger(__name__)

SET_S = 1.0
FIRST = "first"  # the rule of a source that was fit when it was judged for the first time
FORGOTTEN_S = 60.0  # a step in price is told of the last price of the old source up to this age


class Told(msgspec.Struct):
    """What was told last. verdicts: by symbol, its status; untrusted_at: monotonic s since when a
    symbol has had no trusted price.
    """

    verdicts: dict[str, str | None] = {}
    untrusted_at: dict[str, float] = {}


class Announcer:
    """Compares standings and verdicts, and publishes every change once."""

    def __init__(
        self, publisher: Publisher, mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """told: what it remembers."""
        self._publisher = publisher
        self._mono, self._wall = mono, wall
        self.told = Told()
        self._clock_told = False
        self._wall_ahead_s = wall() - mono()

    def judged(
        self, before: Standing, case: Case, outcome: Quote | SourceError, limit_s: float
    ) -> None:
        """case: with the standing after. outcome: what tier 1 serves, or why nothing. limit_s: of a
        source's silence.
        """
        after = case.standing
        # of the first judgement all is told: who never was unfit is known to nobody else
        first = before.next_vote == -math.inf
        for source in case.views if first else {**before.faults, **after.faults}:
            self._judged(source, before, case, first)
        if after.active != before.active:
            self._switched(before, case, limit_s)
        self._verdict(case.symbol, outcome, case.now)

    def _verdict(self, symbol: str, quote: Quote | SourceError, now: float) -> None:
        status = quote.status if isinstance(quote, Quote) else None
        if status in GOOD_STATUSES:
            self.told.untrusted_at.pop(symbol, None)
        else:
            self.told.untrusted_at.setdefault(symbol, now)
        previous = self.told.verdicts.get(symbol)
        if status == previous and symbol in self.told.verdicts:
            return
        self.told.verdicts[symbol] = status
        served = quote if isinstance(quote, Quote) else None
        self._publisher.publish("verdict_changed", VerdictChanged(
            symbol, previous, status, served.price if served else None,
            served.exchange if served else None, served.reason if served else str(quote),
            self._wall(), now))

    def doubted(self, symbol: str, exchange: str, reason: str) -> None:
        self._publisher.publish("doubt", Doubted(symbol, exchange, reason, self._wall()))

    def clocks(self, offsets: Mapping[str, float | None]) -> None:
        """Say it when all sources agree that our own clock is wrong, and when it is set."""
        ahead_s = self._wall() - self._mono()
        if abs(ahead_s - self._wall_ahead_s) > SET_S:
            log.warning("🕰️ [CLOCK] This machine's clock was set by %+.1f s; ages and sources are "
                        "not touched by it", ahead_s - self._wall_ahead_s, extra=facts("clock_set"))
            self._wall_ahead_s = ahead_s
        ours = our_offset_s(offsets)
        if ours is not None and not self._clock_told:
            log.warning("🕰️ [CLOCK] This machine's clock is %.1f s %s every exchange's: no source "
                        "is judged by it; check NTP",
                        abs(ours), "ahead of" if ours > 0 else "behind",
                        extra=facts("clock_wrong"))
        self._clock_told = ours is not None

    def _switched(self, before: Standing, case: Case, limit_s: float) -> None:
        after, symbol = case.standing, case.symbol
        if after.active is None:
            self._publisher.publish("failover_failed", FailoverFailed(
                symbol, str(before.active), self._wall(), after.reason))
        elif before.last is None or after.reason == JUST_CONNECTED:
            self._publisher.publish("source_activated", SourceActivated(
                symbol, before.active, after.active, self._wall(), after.reason, case.now))
        else:
            left = before.active or before.last
            self._publisher.publish("source_switch", SourceSwitched(
                symbol, before.active, after.active, self._wall(), after.reason,
                _step_bps(case, left, after.active), self._blackout_ms(case, left, limit_s),
                case.now))

    def _blackout_ms(self, case: Case, left: str, limit_s: float) -> float:
        """Since when the source that is left could not be trusted, until now."""
        found, leg, now = case.faults.get(left), case.legs.get(left), case.now
        began = self.told.untrusted_at.get(case.symbol, now)
        if found is not None and found.rule == "connection":
            began = min(began, case.lost.get(left, now))
        elif found is not None and leg is not None and found.rule in ("silence", "frozen", "late"):
            began = min(began, leg.fresh_at + limit_s)
        return max(0.0, now - began) * 1000

    def _judged(self, source: str, before: Standing, case: Case, first: bool) -> None:
        was, found = before.faults.get(source), case.standing.faults.get(source)
        if (was and was.rule) == (found and found.rule) and not first:
            return
        leg = case.legs.get(source)
        # what it said last is no sign of when it was good if what it says is wrong
        lies = found is not None and found.rule in ("disagreement", "clock")
        self._publisher.publish("source_judged", SourceJudged(
            source, case.symbol, found.words if found else None,
            found.rule if found else was.rule if was else FIRST,
            leg.received_mono if leg and not lies else None, self._wall(), case.now))


def _step_bps(case: Case, left: str, taken: str) -> float | None:
    old, new = case.legs.get(left), case.legs.get(taken)
    if old is None or new is None or case.now - old.received_mono > FORGOTTEN_S:
        return None
    return (new.price / old.price - 1.0) * 10_000
