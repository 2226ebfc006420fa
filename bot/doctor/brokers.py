"""Kafka, broker by broker: TCP, log-in, topics and what may be done with them, as its own metadata
tell. Nothing is read from a topic and nothing is written to one.
"""

import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec

from bot.broker.access import Access, access
from bot.broker.grumbles import GRUMBLES
from bot.config import Config
from bot.doctor.finding import Finding, Report, fail, listed, ok, warn
from bot.doctor.place import broker_address
from bot.doctor.rounds import Check
from bot.doctor.trouble import HANGS
from bot.errors import named
from bot.feeds.dial import tcp
from bot.wording import worded
from bot.worker import Deadline

NAME = "kafka"
SECONDS = 10.0
TCP_S = 3.0
CLIENT_S = 4.0
UNKNOWN_TOPIC, DENIED = 3, 29  # error codes of Kafka's protocol guide
NEEDED = {"read": {"READ"}, "write": {"WRITE"}}


class Use(NamedTuple):
    """direction: read or write."""

    topic: str
    direction: str
    setting: str


def uses(config: Config) -> list[Use]:
    found = [Use(config.kafka_topic, "read", "KAFKA_TOPIC")] if config.enable_kafka else []
    if config.kafka_publish_topic:
        found += [Use(f"{config.kafka_publish_topic}{suffix}", "write", "KAFKA_PUBLISH_TOPIC")
                  for suffix in ("", ".served")]
    return found


def broker_checks(config: Config) -> Iterator[Check]:
    for broker in config.kafka_brokers if uses(config) else ():
        yield Check(NAME, broker, partial(look, config, broker), SECONDS, HANGS)


def look(config: Config, broker: str, deadline: Deadline) -> Report:
    return Report(tuple(_found(config, broker)))


def _found(config: Config, broker: str) -> Iterator[Finding]:
    try:
        tcp(*broker_address(broker), Deadline(TCP_S)).close()
    except (OSError, UnicodeError) as error:
        yield fail(NAME, broker, f"cannot be reached: {worded(error)}",
                   "start the broker, or correct KAFKA_BROKERS; see the lines `dns`")
        return
    wanted = uses(config)
    name = f"doctor-{NAME}-{broker}"  # as its thread is called, see bot.broker.grumbles
    way = msgspec.structs.replace(access(config), brokers=(broker,))
    try:
        told = _metadata(way, name, [use.topic for use in wanted])
    except Exception as error:  # it raises whatever went wrong inside, down to AssertionError
        words = GRUMBLES.last_words(name) or named(error)
        yield fail(NAME, broker, words, _remedy(words, config))
        return
    yield from _brokers(broker, told)
    topics = {topic["name"]: topic for topic in told["topics"]}
    for use in wanted:
        yield _topic(broker, use, topics.get(use.topic, {"error_code": UNKNOWN_TOPIC}))


def _metadata(way: Access, name: str, topics: list[str]) -> dict[str, Any]:
    """Raises: whatever kafka-python does."""
    client = way.admin(name, CLIENT_S)
    try:
        told: dict[str, Any] = client.describe_cluster()
        return told | {"topics": client.describe_topics(topics)}
    finally:
        client.close()


def _remedy(words: str, config: Config) -> str:
    if "uthentication" in words:
        return "check KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
    if "TLS" in words or "log-in" in words:
        return (f"KAFKA_SECURITY_PROTOCOL is {config.kafka_security_protocol}: it must be what "
                "this port of the broker speaks, and KAFKA_SSL_CAFILE what signed its certificate")
    return "the log of the broker; and whether it is a broker that listens there"


def _brokers(broker: str, told: dict[str, Any]) -> Iterator[Finding]:
    """A client is sent on to the addresses that the brokers advertise, which others cannot reach
    more often than not."""
    lost = [f"{one['host']}:{one['port']}" for one in told["brokers"]
            if not _reachable(one["host"], one["port"])]
    count = len(told["brokers"])
    if lost:
        yield warn(NAME, broker, f"sends clients on to {listed(lost)}, which cannot be reached",
                   "advertised.listeners of the broker has to name an address that this "
                   "machine can reach")
    else:
        yield ok(NAME, broker, f"answers and lets us in, as one of {count} brokers that can all be "
                 "reached" if count > 1 else "answers and lets us in")


def _reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1.0).close()
    except (OSError, UnicodeError):
        return False
    return True


def _topic(broker: str, use: Use, topic: dict[str, Any]) -> Finding:
    subject = f"{broker} {use.topic}"
    code = topic["error_code"]
    if code == UNKNOWN_TOPIC:
        return fail(NAME, subject, "there is no such topic", f"create it (the bot never does), or "
                    f"correct {use.setting}")
    if code == DENIED:
        return fail(NAME, subject, "access is denied", f"allow {use.direction} and describe to the "
                    f"user of KAFKA_SASL_USERNAME")
    if code:
        return fail(NAME, subject, f"error {code} of Kafka's protocol", "the log of the broker")
    partitions = topic["partitions"]
    leaderless = [row["partition_index"] for row in partitions if row["leader_id"] < 0]
    if leaderless:
        return fail(NAME, subject, f"{len(leaderless)} of {len(partitions)} partitions have no "
                    "leader", "start the brokers that hold them")
    allowed = set(topic.get("authorized_operations") or ())
    if allowed and not NEEDED[use.direction] <= allowed and "ALL" not in allowed:
        return fail(NAME, subject, f"may not {use.direction}; allowed is {listed(sorted(allowed))}",
                    f"allow {use.direction} to the user of KAFKA_SASL_USERNAME")
    return ok(NAME, subject, f"is there to {use.direction}, {len(partitions)} partitions")
