"""What the daemon is made of, put together: nothing here is opened or started."""

from collections.abc import Mapping
from queue import SimpleQueue
from time import monotonic

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.alerting import Alerts
from bot.broker import Broker
from bot.broker.heard import Heard
from bot.chain import Chain
from bot.config import Config
from bot.drills.rehearsal import Drillable, Drills, Stage, why_refused
from bot.incidents.ledger import Ledger
from bot.recording import Recording
from bot.reporter import Reporter
from bot.sources.mock import MockSource
from bot.sources.opinions import Opinions
from bot.sources.tiers import lower_tiers, stream_tier
from bot.trail.trail import Trail
from bot.web.hub import Hub
from bot.worker import Worker

WAKE = "wake"


class Parts:
    """ws_aggregator: None with the feeds off. chain: for readers; kept: for what is recorded as
    served. calls: wakes the main loop: WAKE, or why to stop.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.instance = config.instance_id
        self.symbols = tuple(symbol.name for symbol in config.symbols)
        self.calls: SimpleQueue[str] = SimpleQueue()
        self.hub = Hub()
        sources = config.exchanges if config.enable_websocket_feeds else ()
        self.ledger = Ledger(self.instance, self.symbols, sources)
        self.trail = Trail(self.symbols, sources, config.poll_interval_ms / 1000)
        self.recording = Recording(config, self.ledger, self.trail.adopt)
        self.alerts = Alerts(config, self.ledger.rehearsed)
        self.reporter = Reporter(self.instance, self.symbols, config.primary_exchange,
                                 self.hub, self.recording.recorder)
        self.broker = Broker(config, self.reporter.link_changed, self.reporter.kafka_fault)
        self.opinions = Opinions(config, self.reporter.rest_fault, lambda: self.ws_aggregator)
        self.ws_aggregator = self._aggregator() if config.enable_websocket_feeds else None
        self.mock = MockSource(config.symbols)
        lower = lower_tiers(config, self.broker.reader, self.opinions.okx, self.mock)
        self.chain = Chain([stream_tier(self.ws_aggregator), *lower])
        self.kept = Chain([stream_tier(self.ws_aggregator, on_record=True), *lower])
        self.drills = Drills(self._stage(), self.ledger,
                             why_refused(config.enable_drill, config.api_token))
        if self.ws_aggregator is None and self.broker.reader is not None:
            heard = Heard(self.symbols, self.recording.recorder)
            self.broker.reader.hearsay.tell(heard.listeners)
        self.reporter.links = lambda: self.broker.links
        self.reporter.tell = self.recording.tell = self.alerts.put
        self.ledger.keep(self.alerts.put)

    @property
    def outside(self) -> list[Worker]:
        """Those that talk to the REST APIs, to Kafka and to people."""
        return [*self.opinions.pollers.values(), *self.broker.workers, *self.alerts.workers]

    def publish(self, symbol: str) -> None:
        """Tell Kafka what is served of a symbol now. Thread: any."""
        asked = monotonic()
        self.broker.served(symbol, *self.chain.ask(symbol), asked)

    def _aggregator(self) -> MultiSourceWebSocketAggregator:
        config, reporter = self.config, self.reporter
        aggregator = MultiSourceWebSocketAggregator(
            exchanges=config.exchanges, primary_exchange=config.primary_exchange,
            enable_failover=config.enable_failover,
            conflict_resolution=config.conflict_resolution,
            max_source_latency=config.max_source_latency_ms, max_price_age=config.max_price_age_ms,
            max_connection_age=config.max_connection_age_ms, journal=self.recording.journal,
            failback_after=config.failback_after_ms,
            health_check_interval=config.health_check_interval_ms, ws_urls=config.ws_urls,
            opinions_of=tuple(self.opinions.pollers))
        for listeners in (reporter.listeners, self.ledger.listeners, self.trail.listeners):
            for event, listener in listeners.items():
                aggregator.on(event, listener)
        aggregator.on("source_connected", lambda _: self.calls.put(WAKE))
        if self.broker.writers:
            aggregator.on("market_data", self.broker.update)
            for event in ("source_switch", "failover_failed"):
                aggregator.on(event, lambda change: self.publish(change.symbol))
        for event in ("source_switch", "failover_failed"):
            aggregator.on(event, self.alerts.put)
        aggregator.on("doubt", self.opinions.ask)
        aggregator.on("health", lambda _: self.reporter.sampled(
            aggregator.healths(), aggregator.active_source))
        return aggregator

    def _stage(self) -> Stage:
        """Where drills take place: the main symbol, as the API serves it."""
        aggregator, main = self.ws_aggregator, self.symbols[0]
        feeds: Mapping[str, Drillable] = aggregator.feeds if aggregator else {}
        return Stage(
            main, feeds, lambda: aggregator.active_source if aggregator else None,
            lambda source: aggregator is not None and source in aggregator.standing(main).fit_since,
            self.chain.poll, self.config.failback_after_ms / 1000)
