"""The harness itself: what tests do to a broker through it does happen to the broker."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from tests.broker import metadata
from tests.broker.cluster import Cluster
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.broker.node import BrokerError, Node
from tests.helpers import eventually
from tests.processes import ROOT

pytestmark = CLIENTS

# with a version given, the constructor does not wait for a broker
QUICK: dict[str, Any] = {"api_version": (4, 3), "reconnect_backoff_max_ms": 200,
                         "request_timeout_ms": 1000}
# acks=1 would lose what the leader alone has when it is killed
SAFE: dict[str, Any] = {"acks": "all", "enable_idempotence": False, "delivery_timeout_ms": 2000}


def produce(options: dict[str, Any], topic: str, value: bytes, **more: Any) -> int:
    """Returns: the offset the broker gave it. Raises: KafkaError."""
    producer = KafkaProducer(**options | QUICK | SAFE)
    try:
        offset: int = producer.send(topic, value, partition=0, **more).get(10).offset
        return offset
    finally:
        producer.close(5)


@contextmanager
def consumer(options: dict[str, Any], topic: str) -> Iterator[Any]:
    """A consumer at the beginning of partition 0."""
    reader = KafkaConsumer(**options | QUICK, enable_auto_commit=False)
    try:
        partition = TopicPartition(topic, 0)
        reader.assign([partition])
        reader.seek(partition, 0)
        yield reader
    finally:
        reader.close(timeout_ms=1000)


def first(options: dict[str, Any], topic: str) -> Any:
    """The first record of partition 0."""
    with consumer(options, topic) as reader:
        records = eventually(lambda: reader.poll(200), what=f"a record of {topic}")
        return records[TopicPartition(topic, 0)][0]


def test_a_message_comes_out_as_it_went_in(kafka: Cluster, topic: str) -> None:
    produce(kafka.options(), topic, b"value", key=b"key", headers=[("v", b"ticker/1")],
            timestamp_ms=1_700_000_000_000)
    record = first(kafka.options(), topic)
    assert (record.key, record.value, record.timestamp) == (b"key", b"value", 1_700_000_000_000)
    assert list(record.headers) == [("v", b"ticker/1")]


def test_a_topic_exists_only_between_creation_and_deletion(kafka: Cluster) -> None:
    assert not kafka.view("made").leaders
    kafka.create_topic("made", partitions=2, config={"retention.ms": "60000"})
    assert kafka.view("made").leaders == {0: 1, 1: 1}
    kafka.delete_topic("made")
    with pytest.raises(KafkaError):
        produce(kafka.options() | {"max_block_ms": 300}, "made", b"value")
    assert not kafka.view("made").leaders


def test_a_killed_node_returns_with_its_port_and_messages(cluster: ClusterMaker) -> None:
    own = cluster()
    own.create_topic("prices")
    produce(own.options(), "prices", b"before")
    node, before = own.nodes[0], own.bootstrap
    node.kill()
    assert not node.running
    with pytest.raises(BrokerError, match="no node answers"):
        own.view()
    node.start()
    assert own.bootstrap == before
    assert first(own.options(), "prices").value == b"before"


def test_a_hung_node_is_silent_until_resumed(cluster: ClusterMaker) -> None:
    node = cluster().nodes[0]
    node.hang()
    with pytest.raises(TimeoutError):
        metadata.ask(node.inner)
    node.resume()
    assert eventually(lambda: metadata.ask(node.inner).nodes) == {1}


@pytest.mark.parametrize(("sasl", "tls"), [("PLAIN", False), ("SCRAM-SHA-256", True)])
def test_only_clients_with_the_password_come_in(
    cluster: ClusterMaker, sasl: str, tls: bool
) -> None:
    secure = cluster(users={"bot": "right", "other": "word"}, sasl=sasl, tls=tls)
    secure.create_topic("prices")
    assert produce(secure.options("other"), "prices", b"value") == 0
    assert first(secure.options(), "prices").value == b"value"
    wrong = {"sasl_plain_password": "word", "max_block_ms": 300}
    with pytest.raises(KafkaTimeoutError):
        produce(secure.options() | wrong, "prices", b"value")


def test_a_failed_start_shows_what_the_broker_wrote(kafka_is_here: None, tmp_path: Path) -> None:
    own = Cluster(tmp_path / "own")
    with socket.create_server(("127.0.0.1", own.nodes[0].quorum)):
        with pytest.raises(BrokerError, match="(?s)ended while starting.*Address already in use"):
            with own:
                pass
    assert not own.nodes[0].running


def test_a_broker_does_not_outlive_a_killed_pytest(kafka_is_here: None, tmp_path: Path) -> None:
    script = ("import pathlib, sys; from tests.broker.cluster import Cluster\n"
              "cluster = Cluster(pathlib.Path(sys.argv[1])); cluster.start()\n"
              "cluster.nodes[0].hang(); print(cluster.nodes[0].pid, flush=True); input()")
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "own")], cwd=ROOT,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout
        pid = int(runner.stdout.readline())
        assert _alive(pid)
        runner.send_signal(signal.SIGKILL)
        eventually(lambda: not _alive(pid), what="the broker is gone")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_nodes_may_be_ended_in_any_state(tmp_path: Path) -> None:
    node = Node(1, tmp_path / "node")
    node.kill()
    node.stop()
    assert not node.running
