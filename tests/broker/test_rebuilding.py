"""When the writer throws its client away without a word, and when not. Without Kafka."""

from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import InvalidTimestampError, KafkaError
from kafka.future import Future

from bot.broker.access import MOST_SPOILT, Access, Spoilt
from bot.broker.link import Link
from bot.broker.writer import TopicWriter, Update
from bot.events import LinkChanged
from tests.broker.ends import update
from tests.helpers import Clock

NEIGHBOURS = KafkaError("Failed to append record because it was part of a batch which had one more")
REFUSED = InvalidTimestampError("Timestamp is out of range")


class Producer:
    """Of what it is given nothing is settled before `settle`."""

    def __init__(self) -> None:
        self.futures: list[Any] = []
        self.closing: Callable[[], None] = lambda: None

    def send(self, *record: object, **how: object) -> Any:
        self.futures.append(Future())
        return self.futures[-1]

    def settle(self, *faults: Exception | None) -> None:
        open_ones = [future for future in self.futures if not future.is_done]
        for future, fault in zip(open_ones, faults):
            future.success(None) if fault is None else future.failure(fault)

    def close(self, timeout: float) -> None:
        self.closing()


class Bench:
    """A writer whose clients are `made`, turned by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[Producer] = []
        self.told: list[LinkChanged] = []
        self.clock = Clock()
        monkeypatch.setattr(Access, "producer", lambda way, name: self._make())
        self.link = Link("publishing to prices", self.told.append, self.clock)
        self.writer = TopicWriter("rebuilt", Access(brokers=["a:1"], instance="me"), "prices",
                                  self.link, mono=self.clock)
        self.link.up()

    def _make(self) -> Producer:
        self.made.append(Producer())
        return self.made[-1]

    def puts(self, count: int) -> None:
        for number in range(count):
            self.writer.put(Update(update(number)))

    def turn(self, seconds: float = 0.02) -> None:
        self.clock.now += seconds
        self.writer._turn()

    @property
    def changes(self) -> list[bool]:
        return [event.up for event in self.told]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def fails(bench: Bench, turns: int, *faults: Exception | None) -> None:
    """Every client that is made meets these."""
    for _ in range(turns):
        bench.turn()
        bench.made[-1].settle(*faults)


def test_a_fault_without_a_name_that_no_refused_record_explains_is_an_outage(bench: Bench) -> None:
    bench.puts(3)
    fails(bench, 600, *[KafkaError("something else")] * 3)
    assert bench.changes == [True, False] and "something else" in bench.link.state[1]
    assert bench.writer.rebuilt < 60 and bench.writer.waiting == 3  # 12 s, with a growing pause


def test_neighbours_of_a_refused_record_are_sent_again_at_once_and_without_a_word(
    bench: Bench,
) -> None:
    bench.puts(3)
    fails(bench, 1, NEIGHBOURS, REFUSED, NEIGHBOURS)
    bench.turn()
    bench.turn()
    assert len(bench.made) == 2 and len(bench.made[1].futures) == 2
    bench.made[1].settle(None, None)
    bench.turn()
    assert (bench.writer.refused, bench.writer.acknowledged) == (1, 2)
    assert bench.changes == [True]


@pytest.mark.parametrize("order", [(REFUSED, NEIGHBOURS), (NEIGHBOURS, REFUSED)])
def test_a_batch_may_be_looked_at_while_the_library_goes_through_it(
    bench: Bench, order: tuple[Exception, Exception]
) -> None:
    first, second = order
    bench.puts(2)
    fails(bench, 1, first)
    if first is REFUSED:
        bench.turn()
        bench.made[-1].settle(second)
    else:  # that is found while the client is thrown away, for its thread is waited for
        bench.made[-1].closing = lambda: bench.made[0].settle(second)
    bench.turn()
    bench.turn()
    assert bench.changes == [True] and len(bench.made) == 2


def test_a_record_refused_long_ago_explains_nothing(bench: Bench) -> None:
    bench.puts(2)
    fails(bench, 1, REFUSED)
    for _ in range(5):
        bench.turn()
    bench.made[-1].settle(NEIGHBOURS)
    bench.turn()
    assert bench.changes == [True, False]


def test_a_record_refused_time_and_again_is_an_outage_at_last(bench: Bench) -> None:
    for _ in range(MOST_SPOILT + 1):
        assert bench.changes == [True]
        bench.puts(2)
        bench.turn()
        count = len(bench.made[-1].futures)
        bench.made[-1].settle(*[NEIGHBOURS] * (count - 1), REFUSED)
        bench.turn()
    assert bench.changes == [True, False]


def test_what_is_acknowledged_in_between_gives_new_patience(bench: Bench) -> None:
    for _ in range(3 * MOST_SPOILT):
        bench.puts(2)
        fails(bench, 1, NEIGHBOURS, REFUSED)
        bench.turn()
        bench.turn()
        bench.made[-1].settle(None)
        bench.turn()
    assert bench.changes == [True] and bench.writer.waiting == 0


def test_only_the_base_of_all_errors_may_be_a_neighbours() -> None:
    spoilt = Spoilt()
    spoilt.turn(0, 0)
    assert not spoilt.excuses(REFUSED, 1) and spoilt.excuses(NEIGHBOURS, 1)
