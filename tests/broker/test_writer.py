"""What is published arrives on a real Kafka, as another client library reads it there."""

import json
import time
from collections import defaultdict
from typing import Any
from uuid import uuid4

import msgspec

from bot.broker.writer import Served, Update
from tests.broker.cluster import Cluster
from tests.broker.colleague import Colleague, contents
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.broker.ends import SYMBOL, SYMBOLS, access, memory_mb, price, update, writing
from tests.helpers import eventually

pytestmark = CLIENTS


def numbers(records: list[Any]) -> dict[str, list[int]]:
    """What was read of each key, by the numbers of the updates, in the order of the topic."""
    found = defaultdict(list)
    for record in records:
        found[record.key().decode()].append(json.loads(record.value())["eventId"])
    return found


def test_every_update_arrives_once_and_in_order(kafka: Cluster, topic: str) -> None:
    with writing(access(kafka), topic) as out:
        for number in range(3000):
            out.send(SYMBOLS[number % 6])
        out.delivered()
        assert out.changes == [True] and out.writer.acknowledged == 3000
    Colleague(kafka, topic).says(*(update(number, SYMBOLS[number]) for number in range(6)))
    records = contents(kafka, topic)
    own = [record for record in records if record.headers()[1][1] == b"tested"]
    foreign = [record for record in records if record not in own]
    found = numbers(own)
    assert {key: sorted(set(found[key])) == found[key] for key in SYMBOLS} == \
        dict.fromkeys(SYMBOLS, True)
    assert sum(map(len, found.values())) == 3000
    # librdkafka's murmur2 of the same keys
    assert {r.key(): r.partition() for r in own} == {r.key(): r.partition() for r in foreign}


def test_a_record_is_what_was_put(kafka: Cluster, topic: str) -> None:
    one = update(7, "ETHUSDT", ago_s=3.0)
    with writing(access(kafka), topic) as out:
        out.give(Update(one))
        out.give(Served("ETHUSDT", {"price": 1.5}, 1_700_000_000_000))
        out.delivered()
    first, second = contents(kafka, topic)
    value = json.loads(first.value())
    assert first.key() == second.key() == b"ETHUSDT"
    assert first.headers() == [("schema", b"market-data/1"), ("instance", b"tested")]
    assert first.timestamp() == (1, one.timestamp)
    assert (value["price"], value["eventId"], value["receivedAt"]) == (
        price(7), 7, one.received_at)
    assert second.headers()[0] == ("schema", b"served-price/1")
    assert second.timestamp() == (1, 1_700_000_000_000)
    assert json.loads(second.value())["sequence"] > value["sequence"]


def test_a_stamp_of_the_future_does_not_poison_its_neighbours(kafka: Cluster, topic: str) -> None:
    with writing(access(kafka), topic) as out:
        for number in range(50):
            out.send()
            ahead = update(1000 + number, ago_s=-86_400.0 * number)
            out.give(Update(msgspec.structs.replace(ahead, received_at=int(time.time() * 1000))))
        out.delivered()
        assert (out.writer.acknowledged, out.writer.refused, out.writer.rebuilt) == (100, 0, 0)


def test_a_record_that_a_broker_refuses_does_not_take_its_batch_along(
    kafka: Cluster, topic: str
) -> None:
    """Kafka refuses the whole batch, and kafka-python names its other records' fault not."""
    with writing(access(kafka), topic) as out:
        for number in range(1, 301):
            out.send(SYMBOLS[number % 2])
            if number % 100 == 50:
                out.give(Update(update(0, SYMBOLS[number % 2], ago_s=-86_400.0)))
        out.delivered()
        assert (out.writer.acknowledged, out.writer.refused) == (300, 3)
        assert out.changes == [True]
        # one or two kinds: Kafka has a name for it where one record of a batch is bad
        assert len(out.reports) <= 2 and all("out of range" in words for words, _ in out.reports)
    for found in numbers(contents(kafka, topic)).values():
        assert sorted(set(found)) == found and len(found) == 150


def test_what_is_too_large_is_refused_and_told_once(kafka: Cluster) -> None:
    topic = f"small-{uuid4().hex[:8]}"
    kafka.create_topic(topic, config={"max.message.bytes": "2000"})
    huge = msgspec.structs.replace(update(0), exchange="x" * 5000)
    giant = msgspec.structs.replace(update(0), exchange="x" * 2_000_000)  # for the client too
    with writing(access(kafka), topic) as out:
        for number in range(300):
            out.send(SYMBOLS[number % 6])
            if number % 100 == 50:
                out.give(Update(huge))
                out.give(Update(giant))
        out.delivered()
        assert (out.writer.acknowledged, out.writer.refused) == (300, 6)
        assert len(out.reports) == 1 and "refuses a record" in out.reports[0][0]
        assert out.changes == [True] and out.writer.rebuilt == 0
    found = numbers(contents(kafka, topic))
    assert sum(map(len, found.values())) == 300
    assert all(sorted(set(each)) == each for each in found.values())


def test_a_topic_may_come_later(kafka: Cluster) -> None:
    topic = f"later-{uuid4().hex[:8]}"
    with writing(access(kafka), topic) as out:
        with out.fed(100):
            eventually(lambda: out.down, what="the link goes down")
            assert out.why == f"topic {topic} does not exist"
            kafka.create_topic(topic)
            eventually(lambda: out.up, what="the link comes up")
        out.delivered()
        assert out.changes == [False, True]
        assert sum(map(len, numbers(contents(kafka, topic)).values())) == out.put


def test_nothing_is_lost_over_a_broker_that_is_killed_and_memory_is_bounded(
    cluster: ClusterMaker,
) -> None:
    own = cluster()
    own.create_topic("prices")
    with writing(access(own), "prices") as out:
        with out.fed(1000):
            eventually(lambda: out.writer.acknowledged > 1000, what="a flow")
            own.nodes[0].kill()
            own.nodes[0].start()
            eventually(lambda: out.up and out.writer.waiting < 200, 30.0, "a flow again")
        out.delivered()
        assert out.changes == [True, False, True] and out.writer.dropped == 0
    records = contents(own, "prices")
    sequences: dict[int, int] = {}
    for record in records:
        value = json.loads(record.value())
        assert sequences.setdefault(value["eventId"], value["sequence"]) == value["sequence"]
    assert sorted(sequences) == list(range(1, out.put + 1))
    for found in numbers(records).values():
        assert found[-1] == max(found)
    print(f"{len(records) - out.put} of {out.put} were written twice")
    _overflow(own)


def _overflow(own: Cluster) -> None:
    own.create_topic("full")
    with writing(access(own), "full") as out:
        out.send()
        out.delivered()
        own.nodes[0].kill()
        out.send()
        eventually(lambda: out.down, what="the link goes down")
        before = memory_mb()
        for number in range(300_000):
            out.send(SYMBOLS[number % 6])
        slowest = max(_cost(out.send) for _ in range(1000))
        assert memory_mb() - before < 60.0
        assert out.writer.waiting <= 45_000 and slowest < 0.1
        own.nodes[0].start()
        out.delivered(within=30.0)
        assert out.writer.dropped > 0
    found = numbers(contents(own, "full"))
    assert {found[symbol][-1] for symbol in SYMBOLS} >= {out.put}
    assert found[SYMBOL][-1] == out.put
    assert all(found[symbol][-1] > 299_000 for symbol in SYMBOLS)


def _cost(call: Any) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
