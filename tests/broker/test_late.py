"""A reader that cannot keep up, and one whose client does not come back."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.broker import follower, reader
from tests.broker.cluster import Cluster
from tests.broker.colleague import Colleague
from tests.broker.conftest import CLIENTS
from tests.broker.ends import SYMBOLS, access, reading, update, writing
from tests.helpers import eventually

pytestmark = CLIENTS

MANY = 30_000


def held_up(monkeypatch: pytest.MonkeyPatch, hearsay: Any, wait: Callable[[], object]) -> None:
    """Whatever is read costs `wait` first."""
    take = hearsay.take

    def slowly(records: Any) -> None:
        wait()
        take(records)

    monkeypatch.setattr(hearsay, "take", slowly)


def test_one_that_fell_behind_goes_on_with_what_is_fresh_and_tells_what_it_skipped(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "MAX_AGE_S", 1.0)
    gate = threading.Event()
    colleague = Colleague(kafka, topic)
    with reading(access(kafka), topic) as tier:
        eventually(lambda: tier.up, what="the link")
        held_up(monkeypatch, tier.reader.hearsay, lambda: gate.wait(30.0))
        colleague.says(update(1))
        for number in range(MANY):
            colleague.write(update(1 + number, SYMBOLS[number % 6], ago_s=60.0))
        colleague.says(update(MANY + 1))
        gate.set()
        assert tier.has(MANY + 1) < 5.0
        status = tier.reader.status
        assert status.counts["skipped"] > MANY / 10
        assert tier.changes == [True] and tier.reader.rebuilt == 0


def test_what_waits_is_counted_over_all_partitions(
    kafka: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "SKIP_LAG", 10 * MANY)
    gate = threading.Event()
    colleague = Colleague(kafka, topic)
    with reading(access(kafka), topic) as tier:
        eventually(lambda: tier.up, what="the link")
        held_up(monkeypatch, tier.reader.hearsay,
                lambda: gate.wait(30.0) and tier.reader.stopping.wait(0.1))
        for number in range(MANY):
            colleague.write(update(1 + number), partition=number % 3)
        colleague.says(update(MANY + 1))
        gate.set()
        eventually(lambda: tier.reader.status.waiting > MANY / 2, what="all that waits")


@pytest.fixture
def dead_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that does not answer until the end of the test. Yields: what was asked."""
    asked: list[str] = []
    answer = threading.Event()
    resolve = socket.getaddrinfo

    def hang(host: Any, *rest: Any, **options: Any) -> Any:
        if str(host).endswith(".example"):
            asked.append(str(host))
            answer.wait(60.0)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    answer.set()


def test_a_name_look_up_that_hangs_is_told_and_holds_up_no_stop(
    dead_names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "ROUND_S", 1.0)
    threads = threading.active_count()
    with reading(access(brokers=["kafka.example:9092"]), "prices") as tier, \
            writing(access(brokers=["kafka.example:9092"]), "prices") as out, out.fed(20):
        eventually(lambda: tier.down and out.down, what="both links go down")
        assert dead_names and "name look-up" in tier.why and "kafka.example:9092" in tier.why
        eventually(lambda: tier.reader.rebuilt == reader.HANGING, 15.0, "no more clients")
        begun = time.monotonic()
        tier.reader.stop()
        assert tier.reader.join(5.0) and time.monotonic() - begun < 2.0
        assert threading.active_count() <= threads + 12
