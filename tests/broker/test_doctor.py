"""The doctor's checks of Kafka against Kafka itself."""

from bot.config import Config
from bot.doctor.brokers import look
from bot.doctor.finding import Finding, Report
from bot.worker import Deadline
from tests.broker.cluster import Cluster
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.doctor.helpers import bad, config

pytestmark = CLIENTS
SOON = Deadline(30.0)


def settings(broker: str, **names: str) -> Config:
    return config(None, ENABLE_KAFKA="true", KAFKA_BROKERS=broker, **names)


def asked(where: Config) -> Report:
    return look(where, where.kafka_brokers[0], SOON)


def told(where: Config) -> Finding:
    return bad(asked(where))


def test_a_broker_that_has_the_topics_is_well(kafka: Cluster, topic: str) -> None:
    kafka.create_topic(f"{topic}.served")
    before = kafka.view(topic)
    report = asked(settings(kafka.bootstrap, KAFKA_TOPIC=topic, KAFKA_PUBLISH_TOPIC=topic))
    assert [finding.level for finding in report.findings] == ["ok"] * 4
    assert "3 partitions" in report.findings[1].words
    assert kafka.view(topic) == before


def test_a_topic_that_is_not_there_is_a_failure_and_is_not_made(kafka: Cluster) -> None:
    finding = told(settings(kafka.bootstrap, KAFKA_TOPIC="no-such-topic"))
    assert finding.level == "fail" and "no such topic" in finding.words
    assert "KAFKA_TOPIC" in finding.remedy
    assert "no such topic" in told(settings(kafka.bootstrap, KAFKA_TOPIC="no-such-topic")).words


def test_a_wrong_password_is_told_and_not_repeated(cluster: ClusterMaker) -> None:
    with_login = cluster(sasl="PLAIN")
    names = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
             "KAFKA_SASL_USERNAME": "bot", "KAFKA_SASL_PASSWORD": "wr0ng-word"}
    finding = told(settings(with_login.bootstrap, **names))
    assert finding.level == "fail" and "uthentication failed" in finding.words
    assert "KAFKA_SASL_PASSWORD" in finding.remedy and "wr0ng-word" not in str(finding)
