"""Loads on a broker for test_kafka_figures.py, each in a process of its own.

    python -m tests.bench.kafka_load write '{"brokers": "127.0.0.1:9092", "topic": "t"}'

says `ready`, waits for a line on stdin, measures, and prints what it found as a line of JSON.
CPU is user and system time of the whole process; `us` is per record. `client` is ours (TopicWriter
or TopicReader), kafka (kafka-python with the same settings), confluent, or none: what the load
itself costs.
"""

import socket
import sys
import threading
import time
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import msgspec

import bot.broker
from bot.broker import writer as writing
from bot.broker.access import Access
from bot.broker.hearsay import Hearsay
from bot.broker.link import Link
from bot.broker.reader import TopicReader
from bot.broker.sorting import Opened, Received
from bot.broker.wire import Record, update_record
from bot.broker.writer import TopicWriter, Update
from bot.fitness import Policy
from bot.model import MarketDataUpdate
from tests.bench import blaster

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka

PARTITIONS = 3
SYMBOLS = [f"{base}USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT", "LTC", "BCH",
                                      "LINK", "UNI", "ATOM", "AVAX")]
POLICY = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)
ROOM = 10_000  # a load that goes flat out stays this little ahead
PATIENCE_S = 60.0
CLIENTS = ("ours", "kafka", "confluent")
now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


class Order(msgspec.Struct, kw_only=True):
    """rate: records/s, 0 for flat out. number: of them then. options: over those of bot.broker, by
    name: of its client, or in capitals of its writer.
    """

    brokers: str = ""
    topic: str = ""
    client: str = "ours"
    rate: int = 0
    seconds: float = 5.0
    number: int = 50_000
    options: dict[str, Any] = {}

    @property
    def access(self) -> Access:
        return Tuned(brokers=self.brokers.split(","), instance="load").over(self.options)


class Tuned(Access, frozen=True):
    options: dict[str, Any] = {}

    def over(self, options: dict[str, Any]) -> "Tuned":
        for name, value in options.items():
            if name.isupper():
                setattr(writing, name, value)
        return msgspec.structs.replace(
            self, options={name: value for name, value in options.items() if name.islower()})

    def _made(self, client: Callable[..., Any], name: str, **options: Any) -> Any:
        return super()._made(client, name, **options | self.options)


def update(number: int) -> Update:
    now = now_ms()
    return Update(MarketDataUpdate(
        "binance", SYMBOLS[number % len(SYMBOLS)], "trade", 50_000.0 + number % 100, 0.02799,
        None, None, now, now, time.monotonic(), number))


def report(found: dict[str, Any]) -> None:
    print(msgspec.json.encode(found).decode(), flush=True)


def ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)


def paced(rate: int, seconds: float, act: Callable[[int], None]) -> int:
    """One by one, each at its time. Returns: how many."""
    total, due = int(rate * seconds), time.monotonic()
    for number in range(total):
        act(number)
        due += 1.0 / rate
        if (left := due - time.monotonic()) > 0.0005:
            time.sleep(left)
    return total


# ---- writing

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


def blast(order: Order) -> None:
    """An exchange like Binance with trades of all SYMBOLS at `rate`, to whoever connects."""
    numbers, texts = count(1), [
        blaster.BINANCE.replace("BTCUSDT", name).replace("btcusdt", name.lower()).replace(
            "6684854489", "%d") for name in SYMBOLS]

    def frame(exchange: str, number: int) -> bytes:
        now = now_ms()
        data = (texts[number % len(texts)] % (now, next(numbers), 50_000.0 + number % 100, now)
                ).encode()
        return b"\x81\x7e" + len(data).to_bytes(2, "big") + data

    setattr(blaster, "frame", frame)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=blaster.quietly, daemon=True,
                             args=(sock, "binance", order.rate, max(1, order.rate // 1000))
                             ).start()


LOADS = {load.__name__: load for load in (write, put, read, watch, serve, blast)}


def main() -> None:
    order = msgspec.json.decode(sys.argv[2] if len(sys.argv) > 2 else "{}", type=Order)
    LOADS[sys.argv[1]](order)


if __name__ == "__main__":
    main()
