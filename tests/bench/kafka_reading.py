"""Loads that read from a broker, and the daemon that is measured from inside."""

import sys
import threading
import time
import warnings
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

import bot.broker
from bot.broker.hearsay import Hearsay
from bot.broker.link import Link
from bot.broker.reader import TopicReader
from bot.broker.sorting import Opened, Received

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka

from tests.bench.kafka_order import Order, PARTITIONS, POLICY, SYMBOLS, ready, report, until


# ---- reading

class OurReader(TopicReader):
    """arrivals: epoch s of each read that brought something."""

    def __init__(self, order: Order) -> None:
        hearsay = Metered("reader", SYMBOLS, ["binance"], POLICY, "primary")
        super().__init__(order.access, order.topic, hearsay, Link("reading", lambda change: None))
        self.arrivals, self.late_ms = hearsay.arrivals, hearsay.late_ms
        self.start()

    def taken(self) -> int:
        told = self.hearsay.counts
        return told.taken + told.conflated + told.others + told.poison + told.implausible


class Metered(Hearsay):
    """late_ms: of each record, from the exchange's stamp until its price, or a newer one, is there
    for everybody. hop_ms: the part of it until the collector had it. newest_ms: as the first, of
    the newest of each read only. Stamps are whole ms: figures are 0.5 ms too high in the mean.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.late_ms, self.hop_ms, self.newest_ms = array("d"), array("d"), array("d")
        self.arrivals = array("d")
        self._sent_ms: list[int] = []

    def take(self, records: Iterable[Received]) -> None:
        super().take(records)
        now = time.time() * 1000
        self.arrivals.append(now / 1000)
        if self._sent_ms:
            self.late_ms.extend([now - stamp for stamp in self._sent_ms])
            self.newest_ms.append(now - max(self._sent_ms))
            self._sent_ms.clear()

    def _opened(self, records: Iterable[Received], now: float) -> Iterator[Opened]:
        for opened in super()._opened(records, now):
            message = opened.message
            if message.timestamp is not None and message.received_at is not None:
                self._sent_ms.append(message.timestamp)
                self.hop_ms.append(message.received_at - message.timestamp)
            yield opened


class BareReader:
    """kafka-python or confluent-kafka: reads and only counts."""

    def __init__(self, order: Order) -> None:
        self._count, self._from_start = 0, not order.rate
        run = self._kafka if order.client == "kafka" else self._confluent
        threading.Thread(target=run, args=(order,), daemon=True).start()

    def taken(self) -> int:
        return self._count

    def _kafka(self, order: Order) -> None:
        consumer = order.access.consumer("bare")
        partitions = [kafka.TopicPartition(order.topic, part) for part in range(PARTITIONS)]
        consumer.assign(partitions)
        if self._from_start:
            consumer.seek_to_beginning(*partitions)
        while True:
            self._count += sum(map(len, consumer.poll(timeout_ms=200).values()))

    def _confluent(self, order: Order) -> None:
        from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, TopicPartition
        consumer = Consumer({"bootstrap.servers": order.brokers, "group.id": "x",
                             "enable.auto.commit": False})
        begin = OFFSET_BEGINNING if self._from_start else OFFSET_END
        consumer.assign([TopicPartition(order.topic, part, begin) for part in range(PARTITIONS)])
        while True:
            self._count += len(consumer.consume(500, 0.2))


def read(order: Order) -> None:
    """Paced: for `seconds` after the line. Flat out: `number` records from before the line."""
    if not order.rate:
        ready()
    cpu, began = time.process_time(), time.monotonic()
    client = OurReader(order) if order.client == "ours" else BareReader(order)
    if order.rate:
        ready()
        cpu, before, began = time.process_time(), client.taken(), time.monotonic()
        time.sleep(order.seconds)
        number = client.taken() - before
    else:
        until(lambda: client.taken() >= order.number)
        number = client.taken()
    cpu, wall_s = time.process_time() - cpu, time.monotonic() - began
    late = sorted(client.late_ms[-number:]) if isinstance(client, OurReader) and number else [0.0]
    report({"number": number, "us": cpu / max(1, number) * 1e6, "wall_s": wall_s,
            "cpu": cpu / wall_s * 100, "p50": late[len(late) // 2],
            "p99": late[int(len(late) * 0.99)]})


def watch(order: Order) -> None:
    """Read from the first line to the second; when records came, and how late."""
    client = OurReader(order)
    ready()
    sys.stdin.readline()
    report({"arrivals": list(client.arrivals), "number": client.taken(),
            "rebuilt": client.rebuilt})


# ---- whole daemons

def serve(order: Order) -> None:
    """`python -m bot`, which tells at its end how late its prices from Kafka were."""
    made: list[Metered] = []

    class Kept(Metered):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    setattr(bot.broker, "Hearsay", Kept)
    from bot.__main__ import main
    code = main([])
    Path("late.json").write_bytes(msgspec.json.encode([
        {"late": list(one.late_ms), "hop": list(one.hop_ms), "newest": list(one.newest_ms),
         "counts": one.counts} for one in made]))
    sys.exit(code)
