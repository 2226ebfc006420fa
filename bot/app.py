"""The daemon: what it is made of, how it starts, what it does all day, how it stops."""

import logging
from queue import Empty, SimpleQueue
from time import monotonic

from bot import __version__
from bot.aggregator import MultiSourceWebSocketAggregator
from bot.chain import Chain
from bot.config import Config
from bot.model import Quote, SourceStatus
from bot.recorder import Recorder
from bot.reporter import Reporter, in_short
from bot.sources.base import SWITCHED_OFF, NoSource, Source
from bot.sources.mock import MockSource
from bot.sources.rest import WANTED_FOR_S, RestSource
from bot.sources.stream import StreamSource
from bot.systemd import notify
from bot.web.hub import Hub
from bot.web.server import WebServer
from bot.worker import Deadline, Worker, stop_all

log = logging.getLogger(__name__)

OPEN_S = 2.0  # the start waits so long for the database, and goes on without it
GATHER_S = 5.0  # so long the start's summary waits for all sources
TURN_S = 1.0  # longest turn of the main loop: systemd's watchdog is fed once in each
STOP_S = 4.2
SOURCES_S = 1.5  # of it, at most, for the connections
REST_S = 0.8  # of it kept back for what ends after the database
WAKE = "wake"


class Bot:
    """The parts and their order. Constructing opens nothing; `run` is the main thread's."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.instance = config.instance_id
        self.symbols = tuple(symbol.name for symbol in config.symbols)
        self.is_running = False
        self.ws_enabled = False
        self.calls: SimpleQueue[str] = SimpleQueue()  # wakes the main loop: WAKE, or why to stop
        self.hub = Hub()
        self.web = WebServer(self, self.hub, host=config.api_host, port=config.api_port,
                             token=config.api_token)
        self.recorder = (Recorder(config.duckdb_path, config.instance_id)
                         if config.enable_duckdb else None)
        self.reporter = Reporter(self.instance, self.symbols[0], config.primary_exchange,
                                 self.hub, self.recorder)
        self.ws_aggregator = self._aggregator() if config.enable_websocket_feeds else None
        self.rest = RestSource(
            config.rest_urls["okx"], config.symbols, self.reporter.rest_fault,
            wanted_for_s=max(WANTED_FOR_S, config.poll_interval_ms / 1000 + 2.0))
        self.mock = MockSource(config.symbols)
        self.chain = Chain(self._tiers())
        self._announced = False
        self._stopped = False

    def _aggregator(self) -> MultiSourceWebSocketAggregator:
        config, reporter = self.config, self.reporter
        aggregator = MultiSourceWebSocketAggregator(
            exchanges=config.exchanges, primary_exchange=config.primary_exchange,
            enable_failover=config.enable_failover,
            conflict_resolution=config.conflict_resolution,
            max_source_latency=config.max_source_latency_ms, max_price_age=config.max_price_age_ms,
            failback_after=config.failback_after_ms,
            health_check_interval=config.health_check_interval_ms, ws_urls=config.ws_urls)
        aggregator.on("market_data", reporter.market_data)
        aggregator.on("source_connected", reporter.source_connected)
        aggregator.on("source_connected", lambda _: self.calls.put(WAKE))
        aggregator.on("source_disconnected", reporter.source_disconnected)
        aggregator.on("source_error", reporter.source_error)
        aggregator.on("source_switch", reporter.source_switch)
        aggregator.on("failover_failed", reporter.failover_failed)
        aggregator.on("health", reporter.health)
        return aggregator

    def _tiers(self) -> list[Source]:
        config = self.config
        return [
            StreamSource(self.ws_aggregator) if self.ws_aggregator
            else NoSource("websocket", f"{SWITCHED_OFF} (ENABLE_WEBSOCKET_FEEDS)"),
            NoSource("kafka", "not part of this version" if config.enable_kafka
                     else f"{SWITCHED_OFF} (ENABLE_KAFKA)"),
            self.rest if config.enable_okx_live
            else NoSource("okx", f"{SWITCHED_OFF} (ENABLE_OKX_LIVE)"),
            self.mock if config.mode == "simulation"
            else NoSource("mock", f"only in simulation, not in {config.mode}"),
        ]

    # ---- start: HTTP, which answers before any feed is there; DuckDB; feeds

    def start(self) -> None:
        """Raises: PortTakenError, before anything else is started."""
        log.info("🚀 [%s] Initializing Autonomous Trading Bot %s...", self.instance, __version__)
        self.web.bind()
        self.is_running = True
        self.hub.start()
        self.web.start()
        if self.recorder is not None:
            self.recorder.start()
            self.recorder.wait_open(OPEN_S)
            self.reporter.database()
        self.rest.start()
        if self.ws_aggregator is not None:
            self.initialize_websocket_feeds(self.ws_aggregator)
        for name, wanted in (("KAFKA", self.config.enable_kafka), ("ML", self.config.enable_ml)):
            if wanted:
                log.warning("⚠️ [%s] ENABLE_%s is on, but this version has no such layer; "
                            "the bot runs without it", name, name)

    def initialize_websocket_feeds(self, aggregator: MultiSourceWebSocketAggregator) -> None:
        """Start the connections; they come up on their own threads, in their own time."""
        log.info("🌐 [WEBSOCKET] Initializing Multi-Source Market Data Feeds...")
        for symbol in self.symbols:
            aggregator.subscribe(symbol, ["ticker", "trade"])
        aggregator.connect()
        self.ws_enabled = True

    # ---- all day: poll the chain, see that every thread lives, feed systemd's watchdog

    def run(self) -> str:
        """Start, then poll until told to stop. Returns: what ended it. Raises: as `start`."""
        self.start()
        started = monotonic()
        interval = self.config.poll_interval_ms / 1000
        next_poll = started + TURN_S  # the feeds' chance to be first: a start is no incident
        while True:
            ended = self._pause(min(next_poll, monotonic() + TURN_S)) or self._failure()
            if ended:
                return ended
            self.reporter.database()
            if not self._announced and self._gathered(monotonic() - started):
                self._announced = True
                self.reporter.initialized(self.config, self.ws_aggregator)
                # systemd waits for READY, however long the interval is
                next_poll = min(next_poll, max(started + TURN_S, monotonic()))
            if monotonic() >= next_poll:
                self.poll()
                next_poll += interval
                if next_poll <= monotonic():
                    next_poll = monotonic() + interval
            notify("WATCHDOG=1")

    def poll(self) -> None:
        """Ask the chain for every symbol, and report what it serves."""
        served = []
        for symbol in self.symbols:
            quote, passed = self.chain.ask(symbol)
            if quote is not None and not quote.synthetic:
                self.mock.anchor(symbol, quote.price)
            self.reporter.served(symbol, quote, passed)
            served.append(f"{symbol} {in_short(quote)}")
        ready = "READY=1\n" if self._announced else ""
        notify(f"{ready}STATUS={', '.join(served)}")

    def _gathered(self, waited_s: float) -> bool:
        """Whether the start's summary is due: everything is up, or has had its time."""
        aggregator = self.ws_aggregator
        return (aggregator is None or aggregator.connected == len(aggregator.feeds)
                or waited_s >= GATHER_S)

    def _pause(self, until: float) -> str | None:
        """Wait for the next turn. Returns: why to stop, if somebody said so."""
        try:
            call = self.calls.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            return None
        return None if call == WAKE else call

    def _failure(self) -> str | None:
        failed = [worker for worker in self.workers if worker.failure is not None]
        return f"internal fault in thread {failed[0].name}" if failed else None

    # ---- stop: sources, database, health monitoring; the API answers until then

    def stop(self) -> list[str]:
        """Stop everything, within STOP_S. Returns: names of threads that did not end in time.

        Idempotent: a second call does nothing.
        """
        if self._stopped:
            return []
        self._stopped = True
        deadline = Deadline(STOP_S)
        notify("STOPPING=1")
        log.info("🛑 Stopping bot...")
        stuck: list[str] = []
        if self.ws_aggregator is not None:
            log.info("🌐 Disconnecting WebSocket sources...")
            stuck += self.ws_aggregator.close_sources(SOURCES_S)
        stuck += stop_all([self.rest], Deadline(deadline.left_s - REST_S))
        if self.recorder is not None:
            stuck += stop_all([self.recorder], Deadline(deadline.left_s - REST_S))
        if self.ws_aggregator is not None:
            stuck += stop_all([self.ws_aggregator.watchdog], deadline)
        stuck += stop_all([self.hub, self.web], deadline)
        self.ws_enabled = self.is_running = False
        for name in stuck:
            log.error("❌ Thread %s did not stop in time", name)
        notify("STATUS=stopped")
        log.info("🏁 [%s] Stopped", self.instance)
        return stuck

    @property
    def workers(self) -> list[Worker]:
        feeds = self.ws_aggregator.workers if self.ws_aggregator else []
        recorder = [self.recorder] if self.recorder else []
        return [self.hub, self.web, *recorder, self.rest, *feeds]

    # ---- what the API shows (bot.web.view)

    @property
    def feeds_enabled(self) -> bool:
        return self.ws_aggregator is not None

    @property
    def active_source(self) -> str | None:
        return self.ws_aggregator.active_source if self.ws_aggregator else None

    @property
    def healthy(self) -> bool:
        return self.ws_aggregator is not None and self.ws_aggregator.healthy

    def source_statuses(self) -> list[SourceStatus]:
        return self.ws_aggregator.source_statuses() if self.ws_aggregator else []

    def quote(self, symbol: str, max_age_s: float | None = None) -> Quote:
        return self.chain.poll(symbol, max_age_s)
