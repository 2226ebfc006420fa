"""What Kafka costs and how quick it is, on Apache Kafka itself: part of `make bench`."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from tests.bench.conftest import Figure
from tests.bench.kafka_bench import ROUNDS, Bench, Found, exchange, middle, part
from tests.bench.kafka_order import CLIENTS
from tests.bench.test_figures import FEEDS_ON, PAUSE, cpu_s
from tests.broker.cluster import Cluster
from tests.helpers import eventually
from tests.processes import daemon

pytestmark = pytest.mark.bench


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
