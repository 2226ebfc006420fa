"""What makes a client of kafka-python 3.0.12 spin, hang or grow: it is noticed and thrown away.

Numbers as in the notes on kafka-python. Number 5, a constructor that leaks, is among the rebuilds
of `test_trouble`; number 7, threads that share a client, is ruled out by what a Worker is.
"""

import logging
import threading
import time

import pytest
from kafka import codec

from bot.broker.writer import MOST_OUTSTANDING
from tests.broker.cluster import Cluster
from tests.broker.colleague import Colleague
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.broker.ends import (
    SYMBOLS, access, cpu_share, holds, memory_mb, reading, update, writing)
from tests.broker.liar import Liar, Peer
from tests.helpers import eventually

pytestmark = CLIENTS


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What comes into our own log."""
    caplog.set_level(logging.INFO, logger="bot")
    return caplog.records


def test_1_a_batch_that_cannot_be_decoded(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lz4", "zstd", "snappy"):
        monkeypatch.setattr(codec, f"has_{name}", lambda: False)
    plain = Colleague(kafka, topic)
    with reading(access(kafka), topic) as tier:
        eventually(lambda: tier.up, what="the link")
        deadline = time.monotonic() + 20.0
        for number, kind in enumerate(("lz4", "zstd", "snappy"), 1):
            packed = Colleague(kafka, topic, **{"compression.type": kind})
            while tier.reader.rebuilt < number:  # it begins at the end of the topic
                packed.says(update(number))
                assert time.monotonic() < deadline, f"{kind} is not noticed"
            assert tier.down and "compression" in tier.why
            eventually(lambda: tier.reader._follower, what="a new client")
        with cpu_share() as share:
            eventually(lambda: (new := tier.reader._follower) and new._seeded,
                       what="it begins again")
            plain.says(update(1000))
            assert tier.has(1000) < 3.0
            holds(lambda: tier.reader.rebuilt == 3, 1.5)
        assert share[0] < 0.4
        # a topic with both kinds must not fill the log: the link has to prove itself first
        eventually(lambda: tier.up, what="the link is believed in")
        assert tier.changes == [True, False, True]


def test_2_and_3_a_leader_that_is_nobody(lines: list[logging.LogRecord]) -> None:
    with Liar("prices") as liar:
        way = access(brokers=[liar.address])
        with reading(way, "prices") as tier, writing(way, "prices") as out:
            with out.fed(20), cpu_share() as share:
                eventually(lambda: tier.down and out.down, what="both links go down")
                assert tier.changes == out.changes == [False]
                rebuilt = tier.reader.rebuilt, out.writer.rebuilt
                eventually(lambda: tier.reader.rebuilt > rebuilt[0]
                           and out.writer.rebuilt > rebuilt[1], 20.0, "new clients")
            print(f"{share[0]:.0%} of a core; {tier.why}; {out.why}")
            assert share[0] < 0.5
    ours = [line.msg for line in lines if line.name.startswith("bot")]
    assert all("were not sent" in words for words in ours)


def test_4_a_peer_that_accepts_and_says_nothing() -> None:
    with Peer() as silent:
        way = access(brokers=[silent.address], protocol="SSL")
        with reading(way, "prices") as tier, writing(way, "prices") as out, out.fed(20):
            eventually(lambda: tier.down and out.down, what="both links go down")
            assert tier.why == out.why == f"no answer from {silent.address}"
            before = len(silent._open)
            eventually(lambda: tier.reader.rebuilt and out.writer.rebuilt
                       and len(silent._open) >= before + 2, 15.0, "it is tried again")


def test_6_a_broker_that_hangs_while_much_is_sent(cluster: ClusterMaker) -> None:
    own = cluster()
    own.create_topic("prices")
    with writing(access(own), "prices") as out:
        out.send()
        out.delivered()
        own.nodes[0].hang()
        before, threads = memory_mb(), threading.active_count()
        for number in range(150_000):
            out.send(SYMBOLS[number % 6])
        eventually(lambda: out.down, what="the link goes down")
        assert memory_mb() - before < 60.0
        assert len(out.writer._underway) <= MOST_OUTSTANDING
        assert threading.active_count() <= threads
        own.nodes[0].resume()
        out.delivered()
        assert out.changes == [True, False, True]
