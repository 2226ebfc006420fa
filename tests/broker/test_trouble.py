"""Trouble with the broker, on both ways: told once, by its cause; nothing escapes or grows."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.broker.access import Access
from tests.broker.cluster import Cluster
from tests.broker.colleague import Colleague
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.broker.ends import (
    SYMBOL, End, Reading, Writing, access, descriptors, memory_mb, reading, update,
    writing)
from tests.broker.liar import Distant, Peer
from tests.broker.node import own_port
from tests.helpers import eventually

pytestmark = CLIENTS

PATIENCE_S = 5.0  # until trouble is told of
RETURN_S = 10.0  # until all is well again; a broker that was killed takes a part of it


class Both:
    """A reader and a writer on one topic, the writer fed with 20 updates a second."""

    def __init__(self, tier: Reading, out: Writing) -> None:
        self.tier, self.out = tier, out

    @property
    def ends(self) -> tuple[End, End]:
        return self.tier, self.out

    @property
    def changes(self) -> list[list[bool]]:
        return [end.changes for end in self.ends]

    def all_up(self, within: float = RETURN_S) -> dict[str, float]:
        return self._times(lambda end: end.up, within)

    def all_down(self, within: float = PATIENCE_S) -> dict[str, float]:
        return self._times(lambda end: end.down, within)

    def _times(self, condition: Any, within: float) -> dict[str, float]:
        """Wait for both. Returns: how long each took, in s."""
        begun = time.monotonic()
        took: dict[str, float] = {}

        def look() -> bool:
            for end in self.ends:
                if condition(end):
                    took.setdefault(end.worker.name, round(time.monotonic() - begun, 1))
            return len(took) == 2
        eventually(look, within, lambda: [end.link.state for end in self.ends])
        return took


@contextmanager
def both(way: Access, topic: str) -> Iterator[Both]:
    with reading(way, topic) as tier, writing(way, topic) as out:
        with out.fed(20):
            yield Both(tier, out)


@contextmanager
def stopped_meanwhile(way: Access, topic: str) -> Iterator[None]:
    """Others that are started in the midst of it can be stopped in it, too."""
    with both(way, topic) as others:
        eventually(lambda: others.tier.reader._follower and others.out.writer._producer)
    yield


def test_an_outage_is_told_and_survived(
    cluster: ClusterMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("follower", "writer"):  # or the test takes a minute
        monkeypatch.setattr(f"bot.broker.{module}.GIVE_UP_S", 2.5)
    own = cluster()
    node = own.nodes[0]
    own.create_topic("prices")
    node.kill()
    with both(access(own), "prices") as pair:
        # a client that is given up within the start's patience has its successor wait anew
        took = {"down at start": pair.all_down(RETURN_S)}
        for end in pair.ends:
            assert end.why == f"no broker answers at {own.bootstrap}: connection refused"
        node.start()
        took["up after it"] = pair.all_up()
        threads, files, memory = threading.active_count(), descriptors(), memory_mb()
        _killed(own, pair, took)
        _hung(own, pair, took)
        Colleague(own, "prices").says(update(5))
        pair.tier.has(5)
        assert pair.changes == [[False, True, False, True, False, True]] * 2
        assert threading.active_count() <= threads and descriptors() <= files + 2
        assert memory_mb() - memory < 20.0
    print(took)


def _killed(own: Cluster, pair: Both, took: dict[str, Any]) -> None:
    own.nodes[0].kill()
    took["killed, told after"] = pair.all_down()
    for end in pair.ends:
        assert end.why == f"no broker answers at {own.bootstrap}: connection refused"
    with stopped_meanwhile(access(own), "prices"):
        rebuilt = [pair.tier.reader.rebuilt + 1, pair.out.writer.rebuilt + 1]
    # an outage that outlives the clients
    eventually(lambda: pair.tier.reader.rebuilt > rebuilt[0]
               and pair.out.writer.rebuilt > rebuilt[1], 20.0)
    own.nodes[0].start()
    took["returned, up after"] = pair.all_up()


def _hung(own: Cluster, pair: Both, took: dict[str, Any]) -> None:
    own.nodes[0].hang()
    took["hung, told after"] = pair.all_down()
    for end in pair.ends:
        assert end.why in (f"no answer from {own.bootstrap}", "the broker does not answer")
    with stopped_meanwhile(access(own), "prices"):
        own.nodes[0].resume()
    took["resumed, up after"] = pair.all_up()


def test_a_leader_that_is_killed_is_followed_by_another(cluster: ClusterMaker) -> None:
    three = cluster(3)
    three.create_topic("prices", replication=3)
    eventually(lambda: all(len(each) == 3 for each in three.view("prices").in_sync.values()))
    with both(access(three), "prices") as pair:
        pair.all_up()
        colleague = Colleague(three, "prices")
        old = three.leader("prices", 0)
        assert old
        old.kill()
        begun = time.monotonic()
        three.new_leader("prices", 0, than=old)
        elected = time.monotonic() - begun
        colleague.says(update(5), partition=0)
        took = pair.tier.has(5, within=20.0)
        pair.all_up(within=20.0)
        print(f"elected after {elected:.1f} s, read {took:.1f} s later")
        assert all(len(changes) in (1, 3) for changes in pair.changes)
        held = pair.out.given
        eventually(lambda: pair.out.writer.acknowledged > held, 10.0, "it is written on")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_a_wrong_password_is_told_and_not_repeated(
    cluster: ClusterMaker, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    own, wrong = cluster(sasl=mechanism), "wrong-and-secret"
    own.create_topic("prices")
    with both(access(own), "prices") as pair:
        pair.all_up()
    with both(access(own, password=wrong), "prices") as pair:
        pair.all_down()
        for end in pair.ends:
            assert end.why.startswith("authentication failed")
        eventually(lambda: all(end.worker.alive for end in pair.ends))
    if mechanism == "PLAIN":
        with both(access(own, protocol="PLAINTEXT", mechanism=None), "prices") as pair:
            pair.all_down()
            assert all("it may want TLS or a log-in" in end.why for end in pair.ends)
    said = [record.getMessage() for record in caplog.records]
    for secret in (wrong, *own.security.users.values()):
        assert not any(secret in words for words in said)
        assert secret not in repr(access(own, password=wrong))


def test_tls_that_does_not_fit_is_told(cluster: ClusterMaker) -> None:
    own = cluster(tls=True)
    own.create_topic("prices")
    with both(access(own), "prices") as pair:
        pair.all_up()
    for changes, words in (
            ({"cafile": None}, "TLS: certificate verify failed: self-signed certificate"),
            ({"protocol": "PLAINTEXT", "cafile": None}, "it may want TLS")):
        with both(access(own, **changes), "prices") as pair:
            pair.all_down()
            assert all(words in end.why for end in pair.ends), pair.tier.why
            assert pair.changes == [[False], [False]]
    # the harness's own listener has no TLS
    with both(access(own, brokers=[f"127.0.0.1:{own.nodes[0].inner}"]), "prices") as pair:
        pair.all_down()
        assert all("may not speak TLS" in end.why for end in pair.ends), pair.tier.why


def test_a_full_disk_is_survived(cluster: ClusterMaker) -> None:
    own = cluster(disk_mb=48)
    own.create_topic("prices")
    with both(access(own), "prices") as pair:
        pair.all_up()
        own.disks[0].fill()
        with pair.out.fed(2000):
            own.nodes[0].ended(30.0)
        pair.all_down()
        own.disks[0].clear()
        own.nodes[0].start()
        pair.all_up()
        Colleague(own, "prices").says(update(0, SYMBOL))
        pair.tier.has(0)
        assert pair.changes == [[True, False, True]] * 2


def test_a_name_that_does_not_resolve_is_told() -> None:
    with both(access(brokers=["nowhere.invalid:9092"]), "prices") as pair:
        pair.all_down()
        assert all(end.why == "the name nowhere.invalid cannot be resolved" for end in pair.ends)


def test_a_broker_far_away_is_reached(kafka: Cluster, topic: str) -> None:
    """A client that is given up before it has connected would be so for ever."""
    with Distant(kafka.nodes[0].port, delay_s=0.3) as far:
        with both(access(kafka, brokers=[far.address]), topic) as pair:
            pair.all_up()
            assert pair.changes == [[True], [True]]
            assert pair.tier.reader.rebuilt == pair.out.writer.rebuilt == 0


def test_many_rebuilds_leave_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("follower", "writer"):
        monkeypatch.setattr(f"bot.broker.{module}.GIVE_UP_S", 0.1)
    for module in ("reader", "writer"):
        monkeypatch.setattr(f"bot.broker.{module}.BACKOFF_CAP_S", 0.01)
    monkeypatch.setattr("bot.broker.follower.QUIET_S", 0.05)
    monkeypatch.setattr("bot.broker.follower.ASK_MS", 50)
    with Peer() as silent:
        for brokers in ([f"127.0.0.1:{own_port()}"], [silent.address]):
            threads, files = set(threading.enumerate()), descriptors()
            with both(access(brokers=brokers), "prices") as pair:
                eventually(lambda: pair.tier.reader.rebuilt >= 20
                           and pair.out.writer.rebuilt >= 20, 60.0)
            left = set(threading.enumerate()) - threads
            # those of the silent peer itself wait for its end
            assert not [thread.name for thread in left if "kafka" in thread.name]
            if brokers != [silent.address]:
                assert descriptors() <= files
