"""Loads that write to a broker: with our writer, with kafka-python bare, with confluent-kafka."""

import threading
import time
from array import array
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Protocol

from bot.broker.link import Link
from bot.broker.wire import Record, update_record
from bot.broker.writer import TopicWriter, Update
from tests.bench.kafka_order import Order, PATIENCE_S, ROOM, paced, ready, report, until, update


class Sink(Protocol):
    def put(self, item: Update) -> None: ...

    def drain(self) -> None:
        """Wait until everything is acknowledged."""


class NoWriter:
    def put(self, item: Update) -> None: ...
    def drain(self) -> None: ...


class OurWriter(TopicWriter):
    def __init__(self, order: Order) -> None:
        super().__init__("kafka-updates", order.access, order.topic,
                         Link("publishing", lambda change: None))
        self.first = self._outbox._number
        self.start()

    def drain(self) -> None:
        until(lambda: not self.waiting)


class BareWriter:
    """kafka-python or confluent-kafka: the same records, sent by the thread that has them."""

    def __init__(self, order: Order) -> None:
        self._topic, self._numbers = order.topic, count()
        if order.client == "kafka":
            self._kafka = order.access.producer("bare")
            self._send: Callable[[Record], object] = self._by_kafka
        else:
            from confluent_kafka import Producer
            self._kafka = Producer({
                "bootstrap.servers": order.brokers, "acks": 1, "partitioner": "murmur2_random",
                "linger.ms": 5, "max.in.flight": 1, **order.options})
            self._send = self._by_confluent

    def put(self, item: Update) -> None:
        self._send(update_record(item.update, "load", next(self._numbers)))

    def _by_kafka(self, record: Record) -> None:
        self._kafka.send(self._topic, record.value, record.key, record.headers,
                         timestamp_ms=record.timestamp_ms)

    def _by_confluent(self, record: Record) -> None:
        self._kafka.produce(self._topic, record.value, record.key, headers=record.headers,
                            timestamp=record.timestamp_ms)
        self._kafka.poll(0)

    def drain(self) -> None:
        self._kafka.flush(PATIENCE_S)


def sink(order: Order) -> Sink:
    return (OurWriter(order) if order.client == "ours"
            else NoWriter() if order.client == "none" else BareWriter(order))


def write(order: Order) -> None:
    """`wall_s` includes the wait for the last acknowledgement."""
    out = sink(order)
    out.put(update(0))
    out.drain()
    ready()
    cpu, began = time.process_time(), time.monotonic()
    if order.rate:
        number = paced(order.rate, order.seconds, lambda number: out.put(update(number + 1)))
    else:
        number = order.number
        for each in range(number):
            if isinstance(out, OurWriter):
                while out.waiting > ROOM:
                    time.sleep(0.002)
            elif each % ROOM == ROOM - 1:
                out.drain()
            out.put(update(each + 1))
    out.drain()
    wall_s, cpu = time.monotonic() - began, time.process_time() - cpu
    told = ({"first": out.first, "acknowledged": out.acknowledged, "dropped": out.dropped,
             "rebuilt": out.rebuilt} if isinstance(out, OurWriter) else {})
    report({"number": number, "us": cpu / number * 1e6, "wall_s": wall_s, **told})
    if isinstance(out, OurWriter):
        out.stop()
        out.join(3.0)


# ---- what a call costs the thread that makes it, and memory

def put(order: Order) -> None:
    """`rate` from two threads together, for `seconds`, from the line on; us of each call."""
    out = sink(order)
    # made before, for what is measured beside is this process's memory
    call, took = out.put, [
        array("d", [1.0]) * int(order.rate * max(1.0, order.seconds) / 2) for _ in range(2)]

    def feed(seconds: float, into: "array[float]") -> None:
        def one(number: int) -> None:
            item = update(number)
            began = time.perf_counter_ns()
            call(item)
            into[number] = (time.perf_counter_ns() - began) / 1000
        paced(order.rate // 2, seconds, one)

    def both(seconds: float) -> list[threading.Thread]:
        threads = [threading.Thread(target=feed, args=(seconds, into)) for into in took]
        for thread in threads:
            thread.start()
        return threads

    for thread in both(1.0):
        thread.join()
    out.drain()
    ready()
    began, cpu, rss, threads = time.monotonic(), time.process_time(), [rss_mb()], both(
        order.seconds)
    while any(thread.is_alive() for thread in threads):
        time.sleep(1.0)
        rss.append(rss_mb())
    us = sorted([*took[0], *took[1]])
    report({"number": len(us), "mean": sum(us) / len(us), "p50": us[len(us) // 2],
            "p99": us[int(len(us) * 0.99)], "p9999": us[int(len(us) * 0.9999)], "worst": us[-1],
            "rss": rss, "cpu": (time.process_time() - cpu) / (time.monotonic() - began) * 100,
            "dropped": getattr(out, "dropped", 0), "waiting": getattr(out, "waiting", 0),
            "rebuilt": getattr(out, "rebuilt", 0)})


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
