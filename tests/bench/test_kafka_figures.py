"""What Kafka costs and how quick it is, on Apache Kafka itself: part of `make bench`."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import pytest

from tests.bench.conftest import Figure
from tests.bench.kafka_load import CLIENTS, PARTITIONS, SYMBOLS
from tests.bench.test_figures import FEEDS_ON, PAUSE, cpu_s, rss_mb
from tests.broker import fetch
from tests.broker.cluster import Cluster
from tests.helpers import eventually
from tests.processes import ROOT, Daemon, daemon

pytestmark = pytest.mark.bench

ROUNDS = 3
DARK = {"ENABLE_DUCKDB": "false", "ENABLE_OKX_LIVE": "false", "TRADING_SYMBOL": ",".join(SYMBOLS)}
Found = dict[str, Any]


class Load:
    """A process of kafka_load that is ready; `go` lets it measure, `found` waits for the end."""

    def __init__(self, what: str, order: Found) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.kafka_load", what, json.dumps(order)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self) -> "Load":
        assert self._line() == "ready\n"
        return self

    def go(self) -> "Load":
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self

    def found(self) -> Found:
        found: Found = json.loads(self._line())
        self.end()
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Bench:
    """A broker, topics on it, and loads that end with the test."""

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self.cluster = cluster
        self._stack = stack

    def topic(self, **config: str) -> str:
        name = f"topic-{uuid4().hex[:8]}"
        self.cluster.create_topic(name, PARTITIONS, config=config)
        return name

    def load(self, what: str, topic: str, **order: Any) -> Load:
        load = Load(what, {"brokers": self.cluster.bootstrap, "topic": topic, **order})
        self._stack.callback(load.end)
        return load.ready()

    def run(self, what: str, topic: str, **order: Any) -> Found:
        return self.load(what, topic, **order).go().found()

    def settings(self, instance: str, **more: str) -> dict[str, str]:
        return {"KAFKA_BROKERS": self.cluster.bootstrap, "INSTANCE_ID": instance, **DARK, **more}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if lack := fetch.missing():
        pytest.skip(f"Apache Kafka is not here, {lack}: {fetch.HOW_TO}")
    patient = {"broker.session.timeout.ms": "9000"}
    with Cluster(tmp_path_factory.mktemp("kafka"), properties=patient) as cluster:
        yield cluster


@pytest.fixture
def bench(node: Cluster) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(node, stack)
        node.start()


@contextmanager
def exchange(rate: int) -> Iterator[str]:
    load = Load("blast", {"rate": rate})
    try:
        yield f"ws://127.0.0.1:{int(load._line())}"
    finally:
        load.end()


def part(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def middle(rounds: list[Found], what: str = "us") -> str:
    """Median and range of a figure over the rounds."""
    values = [found[what] for found in rounds]
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


@pytest.mark.parametrize("rate", [1000, 10_000])
def test_exchange_frame_to_the_price_of_a_consumer(
    figure: Figure, bench: Bench, tmp_path: Path, rate: int
) -> None:
    """Stamped by the exchange when it sends; seen when the consumer's tier 2 has it for everybody.
    """
    seconds, topic = 10.0, bench.topic()
    reading = bench.settings("consumer", ENABLE_KAFKA="true", KAFKA_TOPIC=topic)
    with exchange(rate) as url, ExitStack() as stack:
        publishing = bench.settings(
            "collector", KAFKA_PUBLISH_TOPIC=topic, EXCHANGES="binance", BINANCE_WS_URL=url,
            **{"ENABLE_WEBSOCKET_FEEDS": FEEDS_ON["ENABLE_WEBSOCKET_FEEDS"]})
        bench.cluster.create_topic(f"{topic}.served")
        bots = []
        for name, settings in (("consumer", reading), ("collector", publishing)):
            (tmp_path / name).mkdir()
            bots.append(stack.enter_context(daemon(
                tmp_path / name, settings, program=("-m", "tests.bench.kafka_load", "serve"))))
        consumer, collector = bots
        for bot in bots:
            bot.wait_for("initialized successfully")
        eventually(lambda: consumer.get("/readyz").status_code == 200 and
                   consumer.price()["source"] == "kafka", 20.0)
        cpu = [cpu_s(bot) for bot in bots]
        PAUSE(seconds)
        cpu = [(cpu_s(bot) - before) / seconds * 100 for bot, before in zip(bots, cpu)]
        assert consumer.terminate() == 0 and collector.terminate() == 0
    told = json.loads((tmp_path / "consumer/late.json").read_bytes())[0]
    late, hop, newest = told["late"][-int(rate * seconds):], told["hop"], told["newest"]
    for what, values in (("exchange frame -> price of a consumer", late),
                         ("the same, newest of each read", newest),
                         ("the part until the collector has it", hop)):
        figure(f"{what}, {rate}/s", f"p50 {part(values, 0.5):.1f}, p99 {part(values, 0.99):.1f}, "
               f"max {max(values):.1f} ms ({len(values)})", "p99 < 1 s")
    figure(f"CPU of consumer, collector, {rate}/s",
           f"{cpu[0]:.1f} %, {cpu[1]:.1f} % of a core; {told['counts']}", "")
    assert part(late, 0.99) < 1000 and len(late) > 0.5 * rate * seconds


@pytest.mark.parametrize("rate", [200, 1000])
def test_cpu_per_record_paced(figure: Figure, bench: Bench, rate: int) -> None:
    topic = bench.topic()
    writes: dict[str, list[Found]] = {name: [] for name in (*CLIENTS, "none")}
    reads: dict[str, list[Found]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        writer = bench.load("write", topic, rate=rate, seconds=9.0).go()
        readers = {name: bench.load("read", topic, client=name, rate=rate) for name in CLIENTS}
        PAUSE(1.0)
        for reader in readers.values():
            reader.go()
        for name, reader in readers.items():
            reads[name].append(reader.found())
        writes["ours"].append(writer.found())
        for name in ("kafka", "confluent", "none"):
            writes[name].append(bench.run("write", topic, client=name, rate=rate, seconds=4.0))
    for kind, rows in (("publish", writes), ("consume", reads)):
        figure(f"CPU us per record, {kind}, {rate}/s",
               ", ".join(f"{name} {middle(found)}" for name, found in rows.items()), "ours < 1 ms")
    figure(f"CPU us per record, consume, {rate}/s, records",
           ", ".join(f"{name} {middle(found, 'number')}" for name, found in reads.items()), "")
    assert median(found["us"] for found in [*writes["ours"], *reads["ours"]]) < 1000


def test_cpu_per_record_flat_out(figure: Figure, bench: Bench) -> None:
    writes: dict[str, list[Found]] = {name: [] for name in (*CLIENTS, "none")}
    reads: dict[str, list[Found]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name in writes:
            writes[name].append(bench.run("write", bench.topic(), client=name))
        for name in reads:
            topic = bench.topic()
            reader = bench.load("read", topic, client=name)
            bench.run("write", topic, client="confluent", number=50_001)
            reads[name].append(reader.go().found())
    for kind, rows in (("publish", writes), ("consume", reads)):
        figure(f"CPU us per record, {kind}, flat out", ", ".join(
            f"{name} {middle(found)}" for name, found in rows.items()), "ours < 200 us")
        figure(f"seconds for 50,000, {kind}", ", ".join(
            f"{name} {middle(found, 'wall_s')}" for name, found in rows.items()), "")
    assert median(found["us"] for found in [*writes["ours"], *reads["ours"]]) < 200


TROUBLE: dict[str, Callable[[Cluster], object]] = {
    "up": lambda cluster: None, "killed": lambda cluster: cluster.nodes[0].kill(),
    "hung": lambda cluster: cluster.nodes[0].hang(), "no writer": lambda cluster: None}


@pytest.mark.parametrize("broker", TROUBLE)
def test_what_publishing_costs_a_feed_at_ten_thousand_a_second(
    figure: Figure, bench: Bench, broker: str
) -> None:
    client, found = "none" if broker == "no writer" else "ours", []
    for _ in range(ROUNDS):
        load = bench.load("put", bench.topic(), rate=10_000, seconds=5.0, client=client)
        TROUBLE[broker](bench.cluster)
        try:
            found.append(load.go().found())
        finally:
            bench.cluster.nodes[0].resume()
            bench.cluster.start()
    figure(f"TopicWriter.put, us, two threads, broker {broker}", "; ".join(
        f"{what} {middle(found, what)}" for what in ("mean", "p99", "p9999", "worst")),
        "mean < 50 us")
    figure(f"the same: CPU %, dropped of {found[0]['number']}", "; ".join(
        middle(found, what) for what in ("cpu", "dropped")), "")
    assert median(one["mean"] for one in found) < 50


def tally(brokers: str, topic: str) -> list[tuple[int, int]]:
    """Every record of a topic, read with another client: number, and when the broker had it, ms."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "x", "enable.auto.commit": False,
                         "enable.partition.eof": False})
    parts = [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(PARTITIONS)]
    consumer.assign(parts)
    total = sum(consumer.get_watermark_offsets(each, 10.0)[1] for each in parts)
    found: list[tuple[int, int]] = []
    while len(found) < total:
        found += [(json.loads(one.value() or b"")["sequence"], one.timestamp()[1])
                  for one in consumer.consume(1000, 5.0)]
    consumer.close()
    return found


@pytest.mark.parametrize("rate", [1000, 5000])
@pytest.mark.parametrize("how", ["SIGKILL", "clean stop"])
def test_lost_and_repeated_over_a_restart(
    figure: Figure, bench: Bench, rate: int, how: str
) -> None:
    broker, topic = bench.cluster.nodes[0], bench.topic(**{
        "message.timestamp.type": "LogAppendTime"})
    reader = bench.load("watch", topic).go()
    writer = bench.load("write", topic, rate=rate, seconds=25.0).go()
    PAUSE(4.0)
    gone = time.time()
    broker.kill() if how == "SIGKILL" else broker.stop()
    broker.start()
    back = time.time()
    wrote = writer.found()
    PAUSE(1.0)
    watched = reader.go().found()
    records = tally(bench.cluster.bootstrap, topic)
    numbers = [number for number, _ in records]
    offered, distinct = wrote["number"] + 1, len(set(numbers))
    gaps = max(numbers) - wrote["first"] + 1 - distinct
    first = min(ms for _, ms in records if ms / 1000 > back - 1.0) / 1000 - back
    seen = min(at for at in watched["arrivals"] if at > back - 1.0) - back
    what = f"restart, {how}, {rate}/s"
    figure(f"{what}: lost, repeated", f"{offered - distinct} lost of {offered} (outbox dropped "
           f"{wrote['dropped']}, gaps in the numbers {gaps}), {len(numbers) - distinct} repeated, "
           f"away {back - gone:.1f} s", "lost = dropped")
    figure(f"{what}: broker ready -> first record",
           f"in the log {first:.2f} s, read {seen:.2f} s; all sent {wrote['wall_s'] - 25:.2f} s "
           f"after the last put; clients rebuilt {wrote['rebuilt']}, {watched['rebuilt']}",
           "< 10 s")
    assert offered - distinct <= wrote["dropped"] and seen < 10


def cost(folder: Path, settings: dict[str, str], seconds: float = 8.0) -> Found:
    """Of a daemon: share of one core in %, RSS in MB, threads."""
    folder.mkdir()
    with daemon(folder, settings) as bot:
        bot.wait_for("initialized successfully")
        PAUSE(3.0)
        before = cpu_s(bot)
        PAUSE(seconds)
        found = {"cpu": (cpu_s(bot) - before) / seconds * 100, "rss": rss_mb(bot),
                 "threads": threads(bot)}
        assert bot.terminate() == 0
    return found


def threads(bot: Daemon) -> int:
    return len(list(Path(f"/proc/{bot.process.pid}/task").iterdir()))


@pytest.mark.parametrize("rate", [0, 200])
def test_what_a_daemon_costs(figure: Figure, bench: Bench, tmp_path: Path, rate: int) -> None:
    topic = bench.topic()
    bench.cluster.create_topic(f"{topic}.served")
    read, publish = {"ENABLE_KAFKA": "true", "KAFKA_TOPIC": topic}, {"KAFKA_PUBLISH_TOPIC": topic}
    ways = {"off": {}, "reading": read, "publishing": publish, "both": read | publish}
    found: dict[str, list[Found]] = {name: [] for name in ways}
    with exchange(rate or 1) as url:
        feeds = {"ENABLE_WEBSOCKET_FEEDS": "true", "BINANCE_WS_URL": url,
                 "EXCHANGES": "binance"} if rate else {}
        for number in range(ROUNDS):
            for name, way in ways.items():
                found[name].append(cost(tmp_path / f"{name}{number}",
                                        bench.settings("one", **feeds, **way)))
    for name, rounds in found.items():
        figure(f"daemon, {rate} messages/s, Kafka {name}",
               f"CPU {middle(rounds, 'cpu')} %, RSS {middle(rounds, 'rss')} MB, "
               f"{rounds[-1]['threads']} threads", "CPU < 50 %")
        assert median(one["cpu"] for one in rounds) < 50


def test_idle_reader_and_writer(figure: Figure, bench: Bench) -> None:
    found = {load: [bench.run(load, bench.topic(), rate=1, seconds=8.0) for _ in range(ROUNDS)]
             for load in ("read", "write")}
    figure("idle reader", f"{middle(found['read'], 'cpu')} % of a core", "< 10 %")
    writes = [one["us"] * one["number"] / one["wall_s"] / 1e4 for one in found["write"]]
    figure("writer at 1 record/s", f"{median(writes):.2f} ({min(writes):.2f} to "
           f"{max(writes):.2f}) % of a core", "< 10 %")
    assert max(writes) < 10 and median(one["cpu"] for one in found["read"]) < 10


def test_memory_while_the_broker_is_gone(figure: Figure, bench: Bench) -> None:
    load = bench.load("put", bench.topic(), rate=2000, seconds=60.0)
    bench.cluster.nodes[0].kill()
    found = load.go().found()
    rss: list[float] = found["rss"]
    slope = (median(rss[-10:]) - median(rss[25:35])) / 30.0
    figure("RSS with the broker gone, 2,000/s", f"{rss[0]:.1f} MB at 0 s, " + ", ".join(
        f"{rss[at]:.1f} at {at} s" for at in (10, 15, 20, 30, 45, 60)), "")
    figure("the same: growth from 30 s on, in 10 minutes",
           f"{slope * 1000:.0f} kB/s, {slope * 600:.1f} MB; waiting {found['waiting']}, dropped "
           f"{found['dropped']} of {found['number']}, CPU {found['cpu']:.1f} %", "< 20 MB")
    assert slope * 600 < 20
