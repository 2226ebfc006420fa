"""What the web server sees of the daemon (bot.web.view): a look at its parts, and no more."""

from time import monotonic

from prometheus_client import CollectorRegistry

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.alerting import Alerts
from bot.broker import Broker
from bot.chain import Chain
from bot.drills.rehearsal import Drills
from bot.incidents.ledger import Ledger
from bot.judging.explanation import Explanation
from bot.logs.writer import log_queue
from bot.model import (
    AlertStatus, LinkStatus, ProcessStatus, Quote, RecordStatus, SourceStatus,
)
from bot.recording import Recording
from bot.trail.trail import Trail
from bot.web.hub import Hub


class Window:
    """Every member answers at once, from any thread. aggregator: None with the feeds off."""

    def __init__(
        self, instance: str, symbols: tuple[str, ...],
        aggregator: MultiSourceWebSocketAggregator | None, chain: Chain, ledger: Ledger,
        drills: Drills, broker: Broker, recording: Recording, alerts: Alerts, trail: Trail,
        hub: Hub, registry: CollectorRegistry, mode: str,
    ) -> None:
        self.instance = instance
        self.symbols = symbols
        self.ledger = ledger
        self.drills = drills
        self.registry = registry
        self.trail = trail
        self.analyst = recording.analyst
        self.snapshots = recording.snapshots
        self._aggregator = aggregator
        self._chain = chain
        self._broker = broker
        self._recording = recording
        self._alerts = alerts
        self._hub = hub
        self._mode = mode

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
        return self._recording.status

    @property
    def alerts(self) -> AlertStatus:
        return self._alerts.status

    @property
    def links(self) -> list[LinkStatus]:
        return self._broker.links

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
        (began, began_at), queue = self.trail.began, log_queue()
        return ProcessStatus(
            mode=self._mode, started_at=began_at, uptime_s=monotonic() - began,
            dashboards=self._hub.clients, dashboards_dropped=self._hub.dropped,
            lost_events=self._hub.lost_events, log_dropped=queue.dropped if queue else 0)

    def explain(self, symbol: str) -> Explanation | None:
        if self._aggregator is not None:
            return self._aggregator.explain(symbol)
        reader = self._broker.reader
        return reader.hearsay.explain(symbol) if reader else None
