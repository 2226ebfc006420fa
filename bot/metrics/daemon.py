"""The registry of the daemon: everything in it is looked at when somebody asks, and not before."""

import threading
from collections.abc import Iterator
from time import monotonic, time

from prometheus_client import (
    CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector,
)
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from bot import __version__
from bot.metrics import catalogue as known
from bot.metrics.parts import (
    put_alerts, put_incidents, put_kafka, put_queues, put_record, put_rest,
)
from bot.metrics.prices import put_price, put_sources, put_switches
from bot.metrics.sheet import Sheet
from bot.metrics.switches import Switches
from bot.parts import Parts


class Metrics(Collector):
    """registry: with this, and with what the library tells of the process.

    A look takes some milliseconds, on the thread that asks, and holds no lock of a feed's.
    """

    def __init__(self, parts: Parts) -> None:
        """With the feeds on their switches are counted from now on."""
        self._parts = parts
        self._began = time()
        self._switches = Switches(parts.symbols, parts.config.exchanges)
        if parts.ws_aggregator is not None:
            for event, listener in self._switches.listeners.items():
                parts.ws_aggregator.on(event, listener)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.registry.register(self)

    def describe(self) -> Iterator[Family]:
        """So that registering it does not look at a daemon that is not whole yet."""
        return (metric.family() for metric in known.CATALOGUE)

    def collect(self) -> Iterator[Family]:
        sheet, parts = Sheet(), self._parts
        for symbol in parts.symbols:
            put_price(sheet, parts.chain, symbol)
        if parts.ws_aggregator is not None:
            put_switches(sheet, self._switches)
            put_sources(sheet, parts.ws_aggregator, parts.symbols, monotonic)
        put_rest(sheet, parts.opinions.pollers)
        put_incidents(sheet, parts.ledger)
        put_queues(sheet, parts.hub, parts.broker)
        put_record(sheet, parts.recording)
        put_kafka(sheet, parts.broker)
        put_alerts(sheet, parts.alerts)
        self._put_process(sheet)
        return sheet.families(known.CATALOGUE)

    def _put_process(self, sheet: Sheet) -> None:
        config, drill = self._parts.config, self._parts.drills.state()
        sheet.put(known.MAX_PRICE_AGE, config.max_price_age_ms / 1000)
        sheet.put(known.MAX_LATENCY, config.max_source_latency_ms / 1000)
        sheet.put(known.DRILL, drill is not None and drill.state == "running")
        sheet.put(known.BUILD, 1, __version__, config.instance_id, config.mode)
        sheet.put(known.START_TIME, self._began)
        sheet.put(known.THREADS, threading.active_count())
