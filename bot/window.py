"""What the web server sees of the daemon (bot.web.view): a look at its parts, and no more."""

from time import monotonic

from prometheus_client import CollectorRegistry

from bot.judging.explanation import Explanation
from bot.logs.writer import log_queue
from bot.model import AlertStatus, LinkStatus, ProcessStatus, Quote, RecordStatus, SourceStatus
from bot.parts import Parts


class Window:
    """Every member answers at once, from any thread."""

    def __init__(self, parts: Parts, registry: CollectorRegistry) -> None:
        """registry: of all metrics."""
        self.instance = parts.instance
        self.symbols = parts.symbols
        self.ledger = parts.ledger
        self.drills = parts.drills
        self.registry = registry
        self.trail = parts.trail
        self.analyst = parts.recording.analyst
        self.snapshots = parts.recording.snapshots
        self._parts = parts
        self._aggregator = parts.ws_aggregator
        self._chain = parts.chain

    @property
    def feeds_enabled(self) -> bool:
        return self._aggregator is not None

    @property
    def active_source(self) -> str | None:
        return self._aggregator.active_source if self._aggregator else None

    @property
    def healthy(self) -> bool:
        return self._aggregator is not None and self._aggregator.healthy

    def source_statuses(self) -> list[SourceStatus]:
        return self._aggregator.source_statuses() if self._aggregator else []

    @property
    def record(self) -> RecordStatus | None:
        return self._parts.recording.status

    @property
    def alerts(self) -> AlertStatus:
        return self._parts.alerts.status

    @property
    def links(self) -> list[LinkStatus]:
        return self._parts.broker.links

    def quote(self, symbol: str, max_age_s: float | None = None) -> Quote:
        """Raises: NoQuote."""
        return self._chain.poll(symbol, max_age_s)

    def ask(self, symbol: str) -> tuple[Quote | None, dict[str, str]]:
        return self._chain.ask(symbol)

    @property
    def tiers(self) -> dict[str, str | None]:
        return self._chain.tiers

    @property
    def process(self) -> ProcessStatus:
        (began, began_at), hub, queue = self.trail.began, self._parts.hub, log_queue()
        return ProcessStatus(
            mode=self._parts.config.mode, started_at=began_at, uptime_s=monotonic() - began,
            dashboards=hub.clients, dashboards_dropped=hub.dropped, lost_events=hub.lost_events,
            log_dropped=queue.dropped if queue else 0)

    def explain(self, symbol: str) -> Explanation | None:
        if self._aggregator is not None:
            return self._aggregator.explain(symbol)
        reader = self._parts.broker.reader
        return reader.hearsay.explain(symbol) if reader else None
