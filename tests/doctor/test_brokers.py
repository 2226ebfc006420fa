"""Kafka's checks against what is no broker; tests/broker/test_doctor.py has Kafka itself."""

import gc
import struct
from collections.abc import Iterator
from socket import socket
from threading import Event

import pytest

from bot.config import Config
from bot.doctor.brokers import Use, _topic, look, uses
from bot.doctor.finding import Report
from bot.worker import Deadline
from tests.doctor.helpers import config, only
from tests.processes import free_port
from tests.servers import raw_server, swallow

# kafka-python 3.0 leaves sockets to the collector, which is to run while the warning is the test's
pytestmark = [pytest.mark.filterwarnings(r"ignore:unclosed <s\S+ocket fd=:ResourceWarning"),
              pytest.mark.usefixtures("collected")]
SOON = Deadline(10.0)


@pytest.fixture
def collected() -> Iterator[None]:
    yield
    gc.collect()


def settings(broker: str, **names: str) -> Config:
    return config(None, ENABLE_KAFKA="true", KAFKA_BROKERS=broker, **names)


def asked(where: Config) -> Report:
    return look(where, where.kafka_brokers[0], SOON)


def test_nobody_at_the_address_is_a_failure() -> None:
    finding = only(asked(settings(f"127.0.0.1:{free_port()}")))
    assert finding.level == "fail" and "Connection refused" in finding.words
    assert "KAFKA_BROKERS" in finding.remedy


def test_a_name_that_is_not_known_is_a_failure() -> None:
    assert "look-up failed" in only(asked(settings("no.such.name.invalid:9092"))).words


def test_a_broker_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.brokers.CLIENT_S", 1.0)
    with raw_server(swallow) as server:
        finding = only(asked(settings(f"127.0.0.1:{server.port}")))
    assert finding.level == "fail" and finding.remedy


def test_what_is_no_kafka_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def tls_alert(sock: socket, stopping: Event) -> None:
        sock.recv(100)
        sock.sendall(struct.pack(">BHHBB", 21, 0x0301, 2, 2, 10))

    monkeypatch.setattr("bot.doctor.brokers.CLIENT_S", 1.0)
    with raw_server(tls_alert) as server:
        finding = only(asked(settings(f"127.0.0.1:{server.port}")))
    assert finding.level == "fail" and finding.remedy


READ = Use("prices", "read", "KAFKA_TOPIC")
WELL = {"error_code": 0, "partitions": [{"partition_index": 0, "leader_id": 1}],
        "authorized_operations": ["READ", "DESCRIBE"]}


@pytest.mark.parametrize("changes, level, words", [
    ({}, "ok", "is there to read, 1 partitions"),
    ({"authorized_operations": None}, "ok", "is there to read"),
    ({"authorized_operations": ["ALL"]}, "ok", "is there to read"),
    ({"authorized_operations": ["DESCRIBE"]}, "fail", "may not read; allowed is DESCRIBE"),
    ({"error_code": 29}, "fail", "access is denied"), ({"error_code": 3}, "fail", "no such topic"),
    ({"error_code": 7}, "fail", "error 7"),
    ({"partitions": [{"partition_index": 0, "leader_id": -1}]}, "fail", "1 of 1 partitions have"),
])
def test_what_the_metadata_tell_of_a_topic_is_judged(
    changes: dict[str, object], level: str, words: str
) -> None:
    finding = _topic("k:1", READ, WELL | changes)
    assert finding.level == level and words in finding.words
    assert bool(finding.remedy) is (level != "ok")


def test_what_is_read_and_what_is_written_is_known() -> None:
    both = config(ENABLE_KAFKA="true", KAFKA_TOPIC="a", KAFKA_PUBLISH_TOPIC="b")
    assert [(use.topic, use.direction) for use in uses(both)] == [
        ("a", "read"), ("b", "write"), ("b.served", "write")]
    assert uses(config()) == []
