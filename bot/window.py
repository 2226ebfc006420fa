"""What the web server sees of the daemon (bot.web.view): a look at its parts, and no more."""

from prometheus_client import CollectorRegistry

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.alerting import Alerts
from bot.broker import Broker
from bot.chain import Chain
from bot.drills.rehearsal import Drills
from bot.incidents.ledger import Ledger
from bot.judging.explanation import Explanation
from bot.model import AlertStatus, LinkStatus, Quote, RecordStatus, SourceStatus
from bot.recording import Recording


class Window:
    """Every member answers at once, from any thread. aggregator: None with the feeds off."""

    def __init__(
        self, instance: str, symbols: tuple[str, ...],
        aggregator: MultiSourceWebSocketAggregator | None, chain: Chain, ledger: Ledger,
        drills: Drills, broker: Broker, recording: Recording, alerts: Alerts,
        registry: CollectorRegistry,
    ) -> None:
        self.instance = instance
        self.symbols = symbols
        self.ledger = ledger
        self.drills = drills
        self.registry = registry
        self.analyst = recording.analyst
        self.snapshots = recording.snapshots
        self._aggregator = aggregator
        self._chain = chain
        self._broker = broker
        self._recording = recording
        self._alerts = alerts

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

    def explain(self, symbol: str) -> Explanation | None:
        if self._aggregator is not None:
            return self._aggregator.explain(symbol)
        reader = self._broker.reader
        return reader.hearsay.explain(symbol) if reader else None
