"""What comes of the judgement of what others publish, told: for a bot without streams of its own.

With streams, theirs is the judgement that matters, and a second one beside it would confuse.
"""

import logging
from collections.abc import Mapping, Sequence

from bot.causes import TOLD_RULES
from bot.events import (
    FailoverFailed, Listener, SourceActivated, SourceJudged, SourceSwitched, VerdictChanged,
)
from bot.logs.told import told
from bot.model import GOOD_STATUSES
from bot.phrases import where
from bot.record.recorder import Recorder

log = logging.getLogger(__name__)


class Heard:
    """Listeners of an Announcer's events. Thread: the reader's.

    What is recorded has kinds of its own (`kafka_...`): it cannot be played again, since what was
    read is not in the record.
    """

    def __init__(self, symbols: Sequence[str], recorder: Recorder | None) -> None:
        self._symbols = symbols
        self._recorder = recorder
        self._seen: set[str] = set()  # symbols of which there was a verdict before

    @property
    def listeners(self) -> Mapping[str, Listener]:
        return {"source_judged": self.source_judged, "source_activated": self.source_activated,
                "source_switch": self.source_switch, "failover_failed": self.failover_failed,
                "verdict_changed": self.verdict_changed}

    def source_judged(self, event: SourceJudged) -> None:
        if event.rule not in TOLD_RULES:
            return
        level = logging.INFO if event.fault is None else logging.WARNING
        words = "believed again" if event.fault is None else f"not believed: {event.fault}"
        log.log(level, "📨 [KAFKA]%s %s is %s", where(event.symbol, self._symbols),
                event.source.upper(), words, extra=told(event))
        self._record("kafka_judged", event.source, event.symbol, event.fault or "fit", event.at)

    def source_activated(self, event: SourceActivated) -> None:
        log.info("📨 [KAFKA] Active source for %s: %s (%s)", event.symbol, event.current,
                 event.reason, extra=told(event))

    def source_switch(self, event: SourceSwitched) -> None:
        log.warning("📨 [KAFKA]%s Source switch: %s -> %s (%s)", where(event.symbol, self._symbols),
                    event.previous or "none", event.current, event.reason, extra=told(event))
        self._record("kafka_switch", event.current, event.symbol, event.reason, event.at)

    def failover_failed(self, event: FailoverFailed) -> None:
        log.error("📨 [KAFKA] No source is fit for %s (%s)", event.symbol, event.reason,
                  extra=told(event))
        self._record("kafka_switch", None, event.symbol, event.reason, event.at)

    def verdict_changed(self, event: VerdictChanged) -> None:
        good = event.status in GOOD_STATUSES
        first = event.symbol not in self._seen
        self._seen.add(event.symbol)
        if first and (good or event.status is None):
            return  # a start
        log.log(logging.INFO if good else logging.WARNING, "📨 [KAFKA]%s %s -> %s: %s",
                where(event.symbol, self._symbols), event.previous or "none",
                event.status or "none", event.reason, extra=told(event))
        self._record("kafka_verdict", event.source, event.symbol, event.reason, event.at)

    def _record(self, kind: str, source: str | None, symbol: str, reason: str, at: float) -> None:
        if self._recorder is not None:
            self._recorder.record_event(kind, source=source, symbol=symbol, reason=reason,
                                        at_ms=int(at * 1000))
