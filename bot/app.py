"""The daemon: how it starts, what it does all day, how it stops. What it is made of: parts.py."""

import logging
import math
from queue import Empty
from time import monotonic

from bot import __version__
from bot.aggregator import MultiSourceWebSocketAggregator
from bot.config import Config
from bot.judging.watchdog import STOOD_STILL_S
from bot.logs.facts import facts
from bot.metrics.daemon import Metrics
from bot.parts import WAKE, Parts
from bot.phrases import in_short
from bot.summary import announce
from bot.systemd import notify
from bot.web.server import WebServer
from bot.window import Window
from bot.worker import Deadline, Worker, stop_all

log = logging.getLogger(__name__)

GATHER_S = 5.0  # so long the start's summary waits for all sources
AWAKE_S = 0.5  # after a standstill: for the feeds to read what waits, and for a judgement
TURN_S = 1.0  # longest turn of the main loop: systemd's watchdog is fed once in each
STOP_S = 4.2
SOURCES_S = 1.5  # of it, at most, for the connections
KEEP_S = 0.8  # of it kept back for the database, whatever is stuck before
REST_S = 0.8  # and for what ends after it


class Bot(Parts):
    """The life of the parts. Constructing opens nothing; `run` is the main thread's."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.is_running = False
        self.ws_enabled = False
        self.metrics = Metrics(self)
        self.web = WebServer(Window(self, self.metrics.registry), self.hub, host=config.api_host,
                             port=config.api_port, token=config.api_token)
        self._announced = False
        self._stopped = False

    # ---- start: HTTP, which answers before any feed is there; DuckDB; feeds

    def start(self) -> None:
        """Raises: PortTakenError, before anything else is started."""
        log.info("🚀 [%s] Initializing Autonomous Trading Bot %s...", self.instance, __version__,
                 extra=facts("starting"))
        self.web.bind()
        self.is_running = True
        self.hub.start()
        self.web.start()
        self.alerts.start()
        self.recording.start()
        self.reporter.database()
        for worker in (*self.opinions.pollers.values(), *self.broker.workers):
            worker.start()
        if self.ws_aggregator is not None:
            self.initialize_websocket_feeds(self.ws_aggregator)
        if self.config.enable_ml:
            log.warning("⚠️ [ML] ENABLE_ML is on, but this version has no such layer; "
                        "the bot runs without it", extra=facts("layer_missing"))

    def initialize_websocket_feeds(self, aggregator: MultiSourceWebSocketAggregator) -> None:
        """Start the connections; they come up on their own threads, in their own time."""
        log.info("🌐 [WEBSOCKET] Initializing Multi-Source Market Data Feeds...",
                 extra=facts("feeds_starting"))
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
            planned = min(next_poll, monotonic() + TURN_S)
            ended = self._pause(planned) or self._failure()
            if ended:
                return ended
            if (late_s := monotonic() - planned) > STOOD_STILL_S:
                self.ledger.paused(late_s)
                next_poll = monotonic() + AWAKE_S
            self.reporter.database()
            self.recording.look()
            if not self._announced and self._gathered(monotonic() - started):
                self._announced = True
                announce(self.config, self.ws_aggregator, self.broker.links,
                         self.recording.recorder)
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
            asked = monotonic()
            quote, passed = self.kept.ask(symbol)
            if quote is not None and not quote.synthetic:
                self.mock.anchor(symbol, quote.price)
            self.reporter.served(symbol, quote, passed)
            self.broker.served(symbol, quote, passed, asked)
            self.trail.served(symbol, quote, passed)
            trusted = quote and quote.trusted  # else a lower tier may have one that is
            best = quote if trusted else self.chain.ask(symbol, math.inf)[0] or quote
            self.ledger.served(symbol, best, asked)
            served.append(f"{symbol} {in_short(quote)}")
        self.trail.sample(self.ws_aggregator)
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
        log.info("🛑 Stopping bot...", extra=facts("stopping"))
        self.alerts.stop()  # which takes a moment, beside what follows
        stuck = stop_all(self.drills.end(), deadline)
        if self.ws_aggregator is not None:
            log.info("🌐 Disconnecting WebSocket sources...", extra=facts("feeds_closing"))
            stuck += self.ws_aggregator.close_sources(SOURCES_S)
        stuck += stop_all(self.outside, Deadline(deadline.left_s - REST_S - KEEP_S))
        stuck += stop_all(reversed(self.recording.workers), Deadline(deadline.left_s - REST_S))
        if self.ws_aggregator is not None:
            stuck += stop_all([self.ws_aggregator.watchdog], deadline)
        stuck += stop_all([self.hub, self.web], deadline)
        self.ws_enabled = self.is_running = False
        for name in stuck:
            log.error("❌ Thread %s did not stop in time", name,
                      extra=facts("thread_stuck", reason=name))
        notify("STATUS=stopped")
        log.info("🏁 [%s] Stopped", self.instance, extra=facts("stopped"))
        return stuck

    @property
    def workers(self) -> list[Worker]:
        feeds = self.ws_aggregator.workers if self.ws_aggregator else []
        return [self.hub, self.web, *self.recording.workers, *self.outside, *feeds]
