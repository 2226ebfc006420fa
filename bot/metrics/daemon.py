"""The registry of the daemon: everything in it is looked at when somebody asks, and not before."""

import threading
from collections.abc import Iterator, Mapping
from time import monotonic, time

from prometheus_client import (
    CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector,
)
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from bot import __version__
from bot.aggregator import MultiSourceWebSocketAggregator
from bot.broker import Broker
from bot.chain import Chain
from bot.config import Config
from bot.drills.rehearsal import Drills
from bot.incidents.ledger import Ledger
from bot.metrics import catalogue as known
from bot.metrics.parts import put_incidents, put_kafka, put_queues, put_record, put_rest
from bot.metrics.prices import put_price, put_sources, put_switches
from bot.metrics.sheet import Sheet
from bot.metrics.switches import Switches
from bot.recording import Recording
from bot.sources.poller import Poller
from bot.web.hub import Hub


class Metrics(Collector):
    """registry: with this, and with what the library tells of the process.

    A look takes some milliseconds, on the thread that asks, and holds no lock of a feed's.
    """

    def __init__(
        self, config: Config, aggregator: MultiSourceWebSocketAggregator | None, chain: Chain,
        *, ledger: Ledger, drills: Drills, broker: Broker, recording: Recording, hub: Hub,
        pollers: Mapping[str, Poller],
    ) -> None:
        """aggregator: None with the feeds off; else its switches are counted from now on."""
        self._config = config
        self._symbols = tuple(symbol.name for symbol in config.symbols)
        self._aggregator, self._chain, self._ledger = aggregator, chain, ledger
        self._drills, self._broker, self._recording = drills, broker, recording
        self._hub, self._pollers = hub, pollers
        self._began = time()
        self._switches = Switches(self._symbols, config.exchanges)
        if aggregator is not None:
            for event, listener in self._switches.listeners.items():
                aggregator.on(event, listener)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(self)

    def describe(self) -> Iterator[Family]:
        """So that registering it does not look at a daemon that is not whole yet."""
        return (metric.family() for metric in known.CATALOGUE)

    def collect(self) -> Iterator[Family]:
        sheet = Sheet()
        for symbol in self._symbols:
            put_price(sheet, self._chain, symbol)
        if self._aggregator is not None:
            put_switches(sheet, self._switches)
            put_sources(sheet, self._aggregator, self._symbols, monotonic)
        put_rest(sheet, self._pollers)
        put_incidents(sheet, self._ledger)
        put_queues(sheet, self._hub, self._broker)
        put_record(sheet, self._recording)
        put_kafka(sheet, self._broker)
        self._put_process(sheet)
        return sheet.families(known.CATALOGUE)

    def _put_process(self, sheet: Sheet) -> None:
        config, drill = self._config, self._drills.state()
        sheet.put(known.MAX_PRICE_AGE, config.max_price_age_ms / 1000)
        sheet.put(known.MAX_LATENCY, config.max_source_latency_ms / 1000)
        sheet.put(known.DRILL, drill is not None and drill.state == "running")
        sheet.put(known.BUILD, 1, __version__, config.instance_id, config.mode)
        sheet.put(known.START_TIME, self._began)
        sheet.put(known.THREADS, threading.active_count())
