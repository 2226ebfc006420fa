"""The reader and the writer under test, each on its own thread, and what they told."""

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.broker.access import Access
from bot.broker.hearsay import Hearsay
from bot.broker.link import Link
from bot.broker.reader import TopicReader
from bot.broker.writer import Served, TopicWriter, Update
from bot.errors import SourceError
from bot.events import LinkChanged
from bot.judging.fitness import Policy
from bot.model import MarketDataUpdate
from bot.worker import Worker
from tests.broker.cluster import Cluster
from tests.helpers import LOOK_EVERY_S, eventually

STOP_S = 3.0  # on a busy machine; it takes half of that at most where nothing else runs
SYMBOL = "BTCUSDT"
SYMBOLS = (SYMBOL, "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "LTCUSDT")
POLICY = Policy(primary="okx", failover=True, max_latency_s=5.0, failback_after_s=1.0)


def access(cluster: Cluster | None = None, brokers: Sequence[str] = (), **changes: Any) -> Access:
    """What a daemon needs to get at the cluster; `changes` are of Access's fields."""
    if cluster is None:
        return Access(brokers=brokers, instance="tested", **changes)
    options = cluster.options()
    known = {"protocol": options["security_protocol"],
             "mechanism": options.get("sasl_mechanism"),
             "username": options.get("sasl_plain_username"),
             "password": options.get("sasl_plain_password"),
             "cafile": Path(options["ssl_cafile"]) if "ssl_cafile" in options else None}
    return Access(brokers=list(brokers) or cluster.bootstrap.split(","), instance="tested",
                  **known | changes)


def price(number: int) -> float:
    """So close to those before it that nobody doubts it."""
    return 1000.0 + number / 1000.0


def update(number: int, symbol: str = SYMBOL, ago_s: float = 0.0) -> MarketDataUpdate:
    """The trade of that number, with its price."""
    now = time.time() - ago_s
    return MarketDataUpdate("okx", symbol, "trade", price(number), 1.0, price(number) - 0.5,
                            price(number) + 0.5, int(now * 1000), int(now * 1000),
                            time.monotonic(), number)


class End:
    """A worker and its link. told: each change. reports: of records, with how many there were."""

    def __init__(self, worker: Worker, link: Link, told: list[LinkChanged],
                 reports: list[tuple[str, int]]) -> None:
        self.worker, self.link, self.told, self.reports = worker, link, told, reports

    @property
    def up(self) -> bool:
        return self.link.is_up

    @property
    def down(self) -> bool:
        return self.link.state[0] is False

    @property
    def why(self) -> str:
        return self.link.state[1]

    @property
    def changes(self) -> list[bool]:
        return [event.up for event in self.told]

    def end(self) -> None:
        """Stop it in time, and see that nothing escaped it."""
        self.worker.stop()
        begun = time.monotonic()
        assert self.worker.join(10.0), "it does not stop"
        assert time.monotonic() - begun < STOP_S, "it takes too long to stop"
        assert self.worker.failure is None


class Reading(End):
    def __init__(self, access: Access, topic: str) -> None:
        told: list[LinkChanged] = []
        reports: list[tuple[str, int]] = []
        link = Link(f"reading {topic}", told.append)
        hearsay = Hearsay(access.instance, SYMBOLS, ["okx"], POLICY, "latest",
                          lambda reason, count: reports.append((reason, count)))
        self.reader = TopicReader(access, topic, hearsay, link)
        super().__init__(self.reader, link, told, reports)

    def price(self, symbol: str = SYMBOL) -> float | None:
        try:
            return self.reader.quote(symbol).price
        except SourceError:
            return None

    def has(self, number: int, symbol: str = SYMBOL, within: float = 10.0) -> float:
        """Wait for the price of that number. Returns: how long it took."""
        begun = time.monotonic()
        try:
            eventually(lambda: self.price(symbol) == price(number), within)
        except AssertionError:
            raise AssertionError(f"not within {within} s: {price(number)} of {symbol}; it is at "
                                 f"{self.price(symbol)}; {self.reader.status}") from None
        return time.monotonic() - begun


class Writing(End):
    """It writes `rate` updates a second while `feeding`; their prices count up from 1."""

    def __init__(self, access: Access, topic: str, **options: Any) -> None:
        told: list[LinkChanged] = []
        reports: list[tuple[str, int]] = []
        link = Link(f"publishing to {topic}", told.append)
        self.writer = TopicWriter("kafka-updates", access, topic, link,
                                  lambda reason, count: reports.append((reason, count)), **options)
        self.put = self.given = 0
        super().__init__(self.writer, link, told, reports)

    def send(self, symbol: str = SYMBOL) -> None:
        self.put += 1
        self.give(Update(update(self.put, symbol)))

    def give(self, item: Update | Served) -> None:
        self.given += 1
        self.writer.put(item)

    @contextmanager
    def fed(self, a_second: float) -> Iterator[None]:
        """A thread that gives it updates of all symbols in turn."""
        enough = threading.Event()

        def feed() -> None:
            begun, sent = time.monotonic(), 0
            while not enough.wait(0.01):
                while sent < (time.monotonic() - begun) * a_second:
                    self.send(SYMBOLS[sent % len(SYMBOLS)])
                    sent += 1
        thread = threading.Thread(target=feed, name="test-feed")
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def delivered(self, within: float = 10.0) -> None:
        """Wait until it is known what became of everything."""
        writer = self.writer
        try:
            # of what was replaced while the sender took it `dropped` may count some too many
            eventually(lambda: writer.waiting == 0 and 0 <= writer.acknowledged + writer.refused
                       + writer.dropped - self.given <= 5, within)
        except AssertionError:
            raise AssertionError(f"not within {within} s: {self.given} records are there; "
                                 f"{writer.status}") from None


@contextmanager
def reading(access: Access, topic: str) -> Iterator[Reading]:
    end = Reading(access, topic)
    end.worker.start()
    try:
        yield end
    finally:
        end.end()


@contextmanager
def writing(access: Access, topic: str, **options: Any) -> Iterator[Writing]:
    end = Writing(access, topic, **options)
    end.worker.start()
    try:
        yield end
    finally:
        end.end()


def descriptors() -> int:
    """Open ones; clients of kafka-python that were closed keep theirs until they are collected,
    and so do the records of their log, which pytest keeps.
    """
    for logger in (logging.getLogger("kafka"), logging.getLogger()):
        for handler in logger.handlers:
            getattr(handler, "records", []).clear()
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def memory_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def cpu_share() -> Iterator[list[float]]:
    """How much of one core this process uses meanwhile: appended to what is yielded."""
    found: list[float] = []
    wall, cpu = time.monotonic(), time.process_time()
    yield found
    found.append((time.process_time() - cpu) / (time.monotonic() - wall))


def holds(condition: Callable[[], bool], seconds: float) -> None:
    """See that something is so for a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition()
        time.sleep(LOOK_EVERY_S)
