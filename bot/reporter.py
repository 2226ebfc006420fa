"""What happened -> log line, dashboard message, record. Nothing here decides anything."""

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from time import monotonic, time

from bot.causes import TOLD_RULES
from bot.chain import explains, in_words
from bot.events import (
    FailoverFailed, LinkChanged, Listener, SourceActivated, SourceConnected, SourceDisconnected,
    SourceFault, SourceHandedOver, SourceJudged, SourceSwitched, TierChanged, VerdictChanged,
)
from bot.feeds.feed import STOPPED
from bot.judging import decisions
from bot.judging.decisions import Decision
from bot.logs.facts import facts
from bot.logs.told import told
from bot.model import GOOD_STATUSES, FeedHealth, LinkStatus, MarketDataUpdate, Quote, SourceStatus
from bot.phrases import amiss, severity, source_in_words, where
from bot.record.recorder import Recorder
from bot.web import status
from bot.web.hub import Hub

log = logging.getLogger(__name__)

UPDATES_PER_LINE = 100
LINE_EVERY_S = 1.0


class Reporter:
    """The listeners of every event. Each is quick, and may be called from any thread."""

    def __init__(
        self,
        instance: str,
        symbols: Sequence[str],
        primary: str,
        hub: Hub,
        recorder: Recorder | None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self._instance = instance
        self._symbols = symbols
        self._main_symbol = symbols[0]
        self._primary = primary
        self._hub = hub
        self._recorder = recorder
        self._mono, self._wall = mono, wall
        self._updates = count(1)
        self._next_line = float("-inf")
        self._tiers: dict[str, str | None] = {}
        self._verdicts: set[str] = set()  # symbols of which there was a verdict before
        self._database_told = False
        self._links_seen: set[str] = set()  # those of Kafka that were up before
        # whoever else is to know of what only this one sees or is told of
        self.tell: Callable[[TierChanged | LinkChanged], None] = lambda event: None
        self.links: Callable[[], Sequence[LinkStatus]] = lambda: ()  # how they are now

    @property
    def listeners(self) -> Mapping[str, Listener]:
        """For the aggregator's events."""
        return {
            "market_data": self.market_data, "source_connected": self.source_connected,
            "source_disconnected": self.source_disconnected, "source_error": self.source_error,
            "source_handed_over": self.source_handed_over,
            "source_judged": self.source_judged, "source_switch": self.source_switch,
            "source_activated": self.source_activated,
            "failover_failed": self.failover_failed, "verdict_changed": self.verdict_changed,
            "health": self.health,
        }

    def database(self) -> None:
        """Say once that the database is open, when it is. Thread: main loop only."""
        if not self._database_told and self._recorder is not None and self._recorder.active:
            self._database_told = True
            log.info("📊 [DUCKDB] Analytics Database Initialized Successfully",
                     extra=facts("recording"))

    def market_data(self, update: MarketDataUpdate) -> None:
        """Called for every update, by the feed that received it."""
        self._hub.publish_update(update)
        number = next(self._updates)  # atomic: feeds count together without a lock
        if number % UPDATES_PER_LINE == 0 and self._mono() >= self._next_line:
            self._next_line = self._mono() + LINE_EVERY_S
            log.info("🌐 [WEBSOCKET] Updates: %d", number, extra=facts("updates", count=number))

    def source_connected(self, event: SourceConnected) -> None:
        log.info("✅ [%s] WebSocket connected successfully", event.source.upper(),
                 extra=told(event))
        self._record("source_connected", event.source, None, event.reason, event.at)

    def source_disconnected(self, event: SourceDisconnected) -> None:
        wanted = event.reason == STOPPED
        log.log(logging.INFO if wanted else logging.WARNING,
                "⚠️ [%s] WebSocket disconnected: %s", event.source.upper(), event.reason,
                extra=told(event))
        self._record("source_disconnected", event.source, None, event.reason, event.at)

    def source_error(self, event: SourceFault) -> None:
        times = f" ({event.count} such since the last line)" if event.count > 1 else ""
        log.warning("❌ [%s] %s%s", event.source.upper(), event.reason, times,
                    extra=told(event))
        self._record("source_error", event.source, None, event.reason, event.at,
                     {"count": event.count})

    def source_judged(self, event: SourceJudged) -> None:
        """A line only where the sources' own words would not tell it: about what they say."""
        if event.rule in TOLD_RULES:
            name, whose = event.source.upper(), where(event.symbol, self._symbols)
            if event.fault is None:
                log.info("⚖️ [%s]%s Believed again", name, whose, extra=told(event))
            else:
                log.warning("⚖️ [%s]%s Not believed: %s", name, whose, event.fault,
                            extra=told(event))
        self._decided(decisions.judged(event), event.at)

    def verdict_changed(self, event: VerdictChanged) -> None:
        good = event.status in GOOD_STATUSES
        first = event.symbol not in self._verdicts
        self._verdicts.add(event.symbol)
        if not first or (event.status is not None and not good):
            log.log(logging.INFO if good else logging.WARNING, "⚖️ [PRICE]%s %s -> %s: %s",
                    where(event.symbol, self._symbols), event.previous or "none",
                    event.status or "none", event.reason, extra=told(event))
        self._decided(decisions.verdict(event), event.at)

    def source_handed_over(self, event: SourceHandedOver) -> None:
        log.info("🤝 [%s] Connection handed over: %s, overlap %.1f s",
                 event.source.upper(), event.reason, event.overlap_s, extra=told(event))
        self._record("source_handed_over", event.source, None, event.reason, event.at,
                     {"overlap_s": event.overlap_s})

    def rest_fault(self, exchange: str, reason: str, count: int) -> None:
        """A REST request failed, for the `count`th time since the last report."""
        self.source_error(SourceFault(f"{exchange} rest", self._wall(), reason, count))

    def kafka_fault(self, reason: str, count: int) -> None:
        """Records that cannot be used, or that no broker takes."""
        self.source_error(SourceFault("kafka", self._wall(), reason, count))

    def link_changed(self, event: LinkChanged) -> None:
        self.tell(event)
        before = event.link in self._links_seen
        lasted = f" after {event.lasted_s:.1f} s" if before and event.lasted_s is not None else ""
        if event.up:
            self._links_seen.add(event.link)
            log.info("📨 [KAFKA] %s%s", event.link[:1].upper() + event.link[1:],
                     lasted and f" again{lasted}", extra=told(event))
        else:
            log.warning("📨 [KAFKA] Not %s%s: %s", event.link, lasted and f" any more{lasted}",
                        event.reason, extra=told(event))
        self._record("kafka_up" if event.up else "kafka_down", "kafka", None,
                     event.reason or event.link, event.at, {"link": event.link})

    def source_activated(self, event: SourceActivated) -> None:
        log.info("🌐 [WEBSOCKET] Active source for %s: %s (%s)",
                 event.symbol, event.current, event.reason, extra=told(event))
        self._record("source_activated", event.current, event.symbol, event.reason, event.at,
                     {"from": event.previous})

    def source_switch(self, event: SourceSwitched) -> None:
        # of the main symbol the line is one that journals are searched for, word by word
        whose = where(event.symbol, (self._main_symbol,))
        change = f"{event.previous or 'none'} -> {event.current}"
        good = event.previous is None or event.current == self._primary
        log.log(logging.INFO if good else logging.WARNING,
                "🔄 [WEBSOCKET] Source switch: %s (%s)%s", change, event.reason, whose,
                extra=told(event))
        self._alert("info" if good else "warning",
                    f"{event.symbol}: source switch {change} ({event.reason})",
                    event.previous, event.current, event.reason, event.at)
        self._decided(decisions.switched(event), event.at)

    def failover_failed(self, event: FailoverFailed) -> None:
        log.error("❌ [WEBSOCKET] No source is fit for %s (%s)", event.symbol, event.reason,
                  extra=told(event))
        self._alert("critical", f"{event.symbol}: no source is fit ({event.reason})",
                    event.previous, None, event.reason, event.at)
        self._decided(decisions.failed(event), event.at)

    def health(self, summary: Mapping[str, object]) -> None:
        """summary: as MultiSourceWebSocketAggregator.health_status() gives it."""
        sources: list[SourceStatus] = summary["sources"]  # type: ignore[assignment]
        rest = amiss(self.links(), self._recorder.status() if self._recorder else None)
        healthy = bool(summary["healthy"])
        log.log(logging.INFO if healthy else logging.WARNING,
                "💓 [%s] Health: %s, active %s; %s%s", self._instance,
                "healthy" if healthy else "NOT healthy", summary["active_source"] or "none",
                "; ".join(map(source_in_words, sources)), rest,
                extra=facts("health", symbol=self._main_symbol))
        self._hub.publish_event("health_update", status.health(
            healthy, summary["active_source"],  # type: ignore[arg-type]
            sources, self._instance, int(self._wall() * 1000)))

    def sampled(self, healths: Sequence[FeedHealth], active: str | None) -> None:
        """Keep the state of every source at a health check. active: for the main symbol."""
        if self._recorder is not None:
            for health in healths:
                self._recorder.record_sample(health, health.source == active,
                                             int(self._wall() * 1000))

    def served(self, symbol: str, quote: Quote | None, passed: Mapping[str, str]) -> None:
        """The chain's answer at a poll of the main loop. passed: tiers passed over, with reasons.

        Thread: main loop only.
        """
        now = self._wall()
        if quote is not None and self._recorder is not None:
            self._recorder.record_served(quote, int(now * 1000))
        tier = quote.source if quote else None
        if symbol not in self._tiers:
            real = quote is not None and not quote.synthetic
            log.log(logging.INFO if real else logging.WARNING,
                    "🔀 [CHAIN] %s is served from %s%s", symbol, tier or "nowhere",
                    "" if real else f" ({in_words(passed)})",
                    extra=facts("served_from", source=tier, symbol=symbol,
                                reason=None if real else in_words(passed)))
            self.tell(TierChanged(symbol, None, tier, now, in_words(passed)))
        elif tier != self._tiers[symbol]:
            self._tier_changed(TierChanged(
                symbol, self._tiers[symbol], tier, now,
                in_words(passed) if explains(passed) or quote is None else quote.reason))
        self._tiers[symbol] = tier

    def _tier_changed(self, event: TierChanged) -> None:
        change = f"{event.previous or 'none'} -> {event.current or 'none'}"
        level = severity(event.previous, event.current)
        log.log(logging.INFO if level == "info" else logging.WARNING,
                "🔀 [CHAIN] Tier change for %s: %s (%s)", event.symbol, change, event.reason,
                extra=told(event))
        self._alert(level, f"{event.symbol}: tier change {change} ({event.reason})",
                    event.previous, event.current, event.reason, event.at)
        self.tell(event)
        self._record("tier_change", event.current, event.symbol, event.reason, event.at,
                     {"from": event.previous, "to": event.current})

    def _alert(self, severity: str, message: str, previous: str | None, current: str | None,
               reason: str, at: float) -> None:
        self._hub.publish_event("alert", {
            "severity": severity, "message": message, "from": previous, "to": current,
            "reason": reason, "timestamp": int(at * 1000)})

    def _decided(self, decision: Decision, at: float) -> None:
        self._record(decision.kind, decision.source, decision.symbol, decision.reason, at,
                     decision.detail)

    def _record(self, kind: str, source: str | None, symbol: str | None, reason: str, at: float,
                detail: Mapping[str, object] | None = None) -> None:
        if self._recorder is not None:
            self._recorder.record_event(kind, source=source, symbol=symbol, reason=reason,
                                        at_ms=int(at * 1000), detail=detail)
