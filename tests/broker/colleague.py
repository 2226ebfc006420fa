"""Another instance that publishes, and a judge of what is published: by another client library."""

import time
from collections import defaultdict
from typing import Any

import confluent_kafka

from bot.broker.wire import update_record
from bot.model import MarketDataUpdate
from tests.broker.cluster import Cluster


class Colleague:
    """Another instance that publishes, by another client library."""

    def __init__(self, cluster: Cluster, topic: str, **settings: Any) -> None:
        self.topic = topic
        self._number = 0
        self._producer = confluent_kafka.Producer(foreign(cluster) | {
            "partitioner": "murmur2_random", "linger.ms": 5,
            "allow.auto.create.topics": False} | settings)

    def says(self, *updates: MarketDataUpdate, **where: Any) -> None:
        """Write records, and wait until the broker has them. where: as for `produce`."""
        for one in updates:
            self.write(one, **where)
        assert not self._producer.flush(10.0), "its records were not taken"

    def write(self, one: MarketDataUpdate, **where: Any) -> None:
        self._number += 1
        record = update_record(one, "colleague", self._number)
        while True:
            try:
                self._producer.produce(self.topic, record.value, record.key,
                                       headers=[*record.headers],
                                       timestamp=record.timestamp_ms,
                                       **where)
                return
            except BufferError:
                self._producer.poll(0.1)


def foreign(cluster: Cluster) -> dict[str, Any]:
    """The settings of the other library."""
    return {"bootstrap.servers": cluster.bootstrap, "log_level": 0,
            "topic.metadata.refresh.interval.ms": 1000}


def contents(cluster: Cluster, topic: str) -> list[Any]:
    """Every record of a topic as the other library reads it, partition by partition."""
    consumer = confluent_kafka.Consumer(foreign(cluster) | {
        "group.id": "judge", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
    try:
        known = consumer.list_topics(topic, timeout=10.0).topics[topic].partitions
        ends = {number: consumer.get_watermark_offsets(
            confluent_kafka.TopicPartition(topic, number), timeout=10.0)[1] for number in known}
        consumer.assign([confluent_kafka.TopicPartition(topic, number, 0) for number in known])
        records: dict[int, list[Any]] = defaultdict(list)
        deadline = time.monotonic() + 20.0
        while any(consumer.position([confluent_kafka.TopicPartition(topic, number)])[0].offset < end
                  for number, end in ends.items() if end):
            assert time.monotonic() < deadline, f"{topic} cannot be read to its end"
            for record in consumer.consume(1000, 0.1):
                assert not record.error()
                records[record.partition() or 0].append(record)
        return [record for number in sorted(records) for record in records[number]]
    finally:
        consumer.close()
