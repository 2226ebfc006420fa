"""What an outage of Kafka costs, and a daemon that uses it: part of `make bench`."""


import json
import time
from pathlib import Path
from statistics import median

import pytest

from tests.bench.conftest import Figure
from tests.bench.kafka_bench import ROUNDS, Bench, Found, exchange, middle
from tests.bench.kafka_order import PARTITIONS
from tests.bench.test_figures import PAUSE, cpu_s, rss_mb
from tests.processes import Daemon, daemon

pytestmark = pytest.mark.bench


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
