"""Kafka both ways: tier 2 reads what other instances publish, and this one publishes for them.

Every client of kafka-python lives on one thread of ours and is disposable. Feeds touch nothing here
but the near end of an outbox; the main loop, and the watchdog at a change of source, put in what is
served besides.
"""

import threading
from collections.abc import Callable, Mapping
from time import time

from bot.broker.access import access
from bot.broker.hearsay import MAX_AGE_S, Hearsay
from bot.broker.link import Link, Tell
from bot.broker.reader import TopicReader
from bot.broker.writer import CAPACITY, Served, TopicWriter, Update
from bot.chain import in_words
from bot.config import Config
from bot.folding import Report
from bot.judging.fitness import Policy
from bot.model import LinkStatus, MarketDataUpdate, Quote
from bot.web import status
from bot.worker import Worker

SERVED_SUFFIX = ".served"
SERVED_CAPACITY = 1_000


class Broker:
    """What is switched on of it. reader: tier 2, or None."""

    def __init__(
        self, config: Config, tell: Tell, report: Report, wall: Callable[[], float] = time
    ) -> None:
        """tell: of each change of a link. report: of records that cannot be used, and how many."""
        self._wall = wall
        self._lock = threading.Lock()  # guards _asked, and the order of what goes out with it
        self._asked: dict[str, float] = {}  # symbol -> monotonic s of the newest verdict sent
        self._instance = config.instance_id
        way, topic = access(config), config.kafka_publish_topic
        self.reader = TopicReader(
            way, config.kafka_topic,
            Hearsay(config.instance_id, [symbol.name for symbol in config.symbols],
                    config.exchanges, _policy(config), config.conflict_resolution, report),
            Link(f"reading {config.kafka_topic}", tell)) if config.enable_kafka else None
        self.writers = [
            TopicWriter(name, way, where, Link(f"publishing to {where}", tell), report, capacity)
            for name, where, capacity in (
                ("kafka-updates", topic, CAPACITY),
                # an old verdict is worth nothing: of each symbol the newest will do
                ("kafka-served", f"{topic}{SERVED_SUFFIX}", SERVED_CAPACITY))
        ] if topic else []

    def update(self, update: MarketDataUpdate) -> None:
        """Publish an update. Thread: any."""
        if self.writers:
            self.writers[0].put(Update(update))

    def served(
        self, symbol: str, quote: Quote | None, passed: Mapping[str, str], asked: float
    ) -> None:
        """Publish what is served of a symbol, as the API tells it. passed: the tiers passed over,
        with reasons. asked: monotonic s before the chain was. Thread: any.
        """
        if not self.writers:
            return
        told = (status.price(quote, self._instance) if quote else
                status.no_price(symbol, in_words(passed), dict(passed), self._instance))
        with self._lock:
            # what was asked before must not become the last word, whichever thread was quicker
            if asked >= self._asked.get(symbol, 0.0):
                self._asked[symbol] = asked
                self.writers[1].put(Served(symbol, told, int(self._wall() * 1000)))

    @property
    def links(self) -> list[LinkStatus]:
        """The state of each use of Kafka. Thread: any."""
        reader = [self.reader.status] if self.reader else []
        return [*reader, *(writer.status for writer in self.writers)]

    @property
    def workers(self) -> list[Worker]:
        return [*([self.reader] if self.reader else []), *self.writers]


def _policy(config: Config) -> Policy:
    """As for the streams, but for the age: a lower tier keeps to its own."""
    return Policy(primary=config.primary_exchange, failover=config.enable_failover,
                  max_latency_s=min(config.max_source_latency_ms / 1000, MAX_AGE_S),
                  failback_after_s=config.failback_after_ms / 1000)
