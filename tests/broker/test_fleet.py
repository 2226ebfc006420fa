"""One collector, or two, and four daemons that have nothing but its topic."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.broker.cluster import Cluster
from tests.broker.conftest import CLIENTS
from tests.broker.fleet import (
    Crew, Lying, Watch, all_links, consumer, crew, feeds, lying_in, market,
)
from tests.helpers import eventually
from tests.processes import Daemon

pytestmark = CLIENTS

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT")
CONSUMERS = ("east", "west", "north", "south")
TRADED = {"TRADING_SYMBOL": ",".join(SYMBOLS)}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with market(*SYMBOLS, rate=60) as sandbox:
        yield sandbox


def collector(start: Crew, name: str, sandbox: Sandbox, topic: str) -> Daemon:
    return start(name, feeds(sandbox) | TRADED | {"KAFKA_PUBLISH_TOPIC": topic})


def consumers(start: Crew, topic: str) -> list[Daemon]:
    """Each has a trusted price of every symbol."""
    fleet = [start(name, consumer(topic) | TRADED) for name in CONSUMERS]
    for bot in fleet:
        all_links(bot, up=True)
        eventually(lambda: all(bot.price(symbol).get("trusted") for symbol in SYMBOLS),
                   what="a price of each symbol")
    return fleet


def told_by(watch: Watch, instance: str) -> bool:
    """Whether the newest price of every symbol came from that collector."""
    return all(seen[-1].price["price"] is not None and seen[-1].price["trusted"]
               and seen[-1].price["reason"].endswith(f"told by {instance}")
               for seen in watch.seen.values())


def figures(name: str, watches: list[Watch]) -> tuple[float, float]:
    """Returns: the longest time without news, and without a trusted price, of any consumer."""
    news = [watch.without_news_s() for watch in watches]
    trust = [watch.untrusted_s() for watch in watches]
    print(f"{name}: without news {[round(one, 2) for one in news]} s, "
          f"without a trusted price {[round(one, 2) for one in trust]} s")
    return max(news), max(trust)


def in_order(records: list[Lying]) -> None:
    """One partition per key; in it the numbers and the events of each collector only rise."""
    by_key, numbers, events = defaultdict(set), defaultdict(list), defaultdict(list)
    for record in records:
        value = record.value
        by_key[record.key].add(record.partition)
        numbers[value["instance"], record.key].append(value["sequence"])
        if value["timestamp"] is not None:
            events[value["instance"], value["exchange"], record.key, value["updateType"]].append(
                value["timestamp"])
    assert set(by_key) == set(SYMBOLS)
    assert all(len(partitions) == 1 for partitions in by_key.values())
    assert len(set().union(*by_key.values())) > 1
    for rising in numbers.values():
        assert all(a < b for a, b in pairwise(rising))
    for stamps in events.values():
        assert all(a <= b for a, b in pairwise(stamps))


def test_consumers_go_on_when_the_collector_is_replaced(
    tmp_path: Path, kafka: Cluster, topic: str, sandbox: Sandbox
) -> None:
    """Killed, and another one started: what is missing is the time that this takes."""
    topic += ".gzip"
    kafka.create_topic(topic, config={"compression.type": "gzip"})
    kafka.create_topic(f"{topic}.served")
    with crew(tmp_path, kafka) as start, ExitStack() as stack:
        first = collector(start, "first", sandbox, topic)
        first.wait_for("is served from websocket")
        fleet = consumers(start, topic)
        watches = [stack.enter_context(Watch(bot)) for bot in fleet]
        eventually(lambda: all(told_by(watch, "first") for watch in watches if watch.seen))
        first.process.kill()
        first.ended()
        collector(start, "second", sandbox, topic)
        for watch in watches:
            eventually(lambda: watch.seen and told_by(watch, "second"), what="the second's prices")
        stack.close()
        news, trust = figures("replaced", watches)
        assert news < 8.0 and trust < 8.0, "longer than a start takes"
        assert [watch.steps_back() for watch in watches] == [[]] * 4
        assert [bot.terminate() for bot in fleet] == [0] * 4
    in_order(lying_in(kafka, topic))


def test_with_two_collectors_the_loss_of_one_is_not_noticed(
    tmp_path: Path, kafka: Cluster, topic: str, sandbox: Sandbox
) -> None:
    kafka.create_topic(f"{topic}.served")
    with crew(tmp_path, kafka) as start, ExitStack() as stack:
        both = [collector(start, name, sandbox, topic) for name in ("first", "second")]
        for bot in both:
            all_links(bot, up=True)
        fleet = consumers(start, topic)
        watches = [stack.enter_context(Watch(bot)) for bot in fleet]
        for watch in watches:
            eventually(lambda: len(watch.seen.get("BTCUSDT", [])) > 20)
        both[0].process.kill()
        both[0].ended()
        for watch in watches:
            eventually(lambda: told_by(watch, "second"), what="the second's prices")
        stack.close()
        news, trust = figures("two collectors", watches)
        assert trust < 3.0  # on a busy machine; how long it takes is printed above
        assert [watch.steps_back() for watch in watches] == [[]] * 4
        counts = [bot.json("/api/v1/kafka")["links"][0]["counts"] for bot in fleet]
        assert all(count["poison"] == count["implausible"] == 0 for count in counts)
    records = lying_in(kafka, topic)
    assert {record.headers["instance"] for record in records} == {b"first", b"second"}
    in_order(records)
