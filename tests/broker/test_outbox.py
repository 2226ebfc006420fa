"""What waits to be sent: all while there is room, the newest per key when there is not."""

import random
import sys
import threading
from collections import deque
from collections.abc import Iterator

import msgspec
import pytest

from bot.broker.outbox import Numbered, Outbox


class Item(msgspec.Struct, frozen=True):
    key: str
    value: int


def taken(outbox: Outbox[Item]) -> list[Numbered[Item]]:
    outbox.gather()
    return list(iter(outbox.take, None))


def values(numbered: list[Numbered[Item]]) -> list[tuple[str, int]]:
    return [(item.key, item.value) for _, item in numbered]


def in_order(numbered: list[Numbered[Item]]) -> bool:
    """Whether numbers rise, and values within each key do."""
    newest: dict[str, int] = {}
    for _, item in numbered:
        if item.value <= newest.get(item.key, -1):
            return False
        newest[item.key] = item.value
    numbers = [number for number, _ in numbered]
    return numbers == sorted(set(numbers))


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads that change places as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_everything_goes_out_in_order_with_numbers_without_a_gap() -> None:
    outbox: Outbox[Item] = Outbox(10, 500)
    for number in range(10):
        outbox.put(Item("ab"[number % 2], number))
    assert len(outbox) == 10
    assert taken(outbox) == [(500 + number, Item("ab"[number % 2], number))
                             for number in range(10)]
    assert (len(outbox), outbox.dropped, outbox.take()) == (0, 0, None)


def test_numbers_go_on_from_one_gathering_to_the_next() -> None:
    outbox: Outbox[Item] = Outbox(2, 7)
    numbers = []
    for value in range(5):
        outbox.put(Item("a", value))
        numbers += [number for number, _ in taken(outbox)]
    assert numbers == [7, 8, 9, 10, 11]


def test_while_nobody_gathers_the_newest_of_each_key_takes_the_place_of_older_ones() -> None:
    outbox: Outbox[Item] = Outbox(3, 1)
    for value in range(100):
        outbox.put(Item("ab"[value % 2], value))
    assert len(outbox) == 3 + 2 and outbox.dropped == 95
    # five are more than three: of the older half both have newer ones
    assert values(taken(outbox)) == [("a", 2), ("b", 99), ("a", 98)]
    assert outbox.dropped == 97


def test_all_come_through_again_once_the_sender_is_back() -> None:
    outbox: Outbox[Item] = Outbox(4, 1)
    for value in range(50):
        outbox.put(Item("a", value))
    taken(outbox)
    dropped = outbox.dropped
    for value in range(50, 54):
        outbox.put(Item("a", value))
    assert values(taken(outbox)) == [("a", 50), ("a", 51), ("a", 52), ("a", 53)]
    assert outbox.dropped == dropped


def test_a_gap_in_the_numbers_tells_how_many_were_folded() -> None:
    outbox: Outbox[Item] = Outbox(4, 1)
    for value in range(6):  # the sender gathers, and cannot send
        outbox.put(Item("a", value))
        outbox.gather()
    left = taken(outbox)
    assert values(left) == [("a", 2), ("a", 3), ("a", 4), ("a", 5)]
    assert [number for number, _ in left] == [3, 4, 5, 6] and outbox.dropped == 2


def test_what_was_folded_goes_out_in_the_order_of_the_newest() -> None:
    outbox: Outbox[Item] = Outbox(3, 1)
    for key, value in (("a", 1), ("b", 2), ("a", 3)):
        outbox.put(Item(key, value))
    outbox.gather()
    outbox.put(Item("c", 4))
    assert taken(outbox) == [(2, Item("b", 2)), (3, Item("a", 3)), (4, Item("c", 4))]


def test_what_is_given_back_goes_out_first_and_with_the_same_numbers() -> None:
    outbox: Outbox[Item] = Outbox(100, 1)
    for value in range(6):
        outbox.put(Item("a", value))
    first = taken(outbox)
    outbox.put(Item("a", 6))
    outbox.gather()
    outbox.give_back(first[2:])
    outbox.put(Item("a", 7))
    again = taken(outbox)
    assert again[:4] == first[2:] and in_order(again)
    assert values(again) == [("a", value) for value in range(2, 8)]


def test_what_is_given_back_is_older_than_what_waits_when_there_is_no_room() -> None:
    outbox: Outbox[Item] = Outbox(3, 1)
    for value in range(3):
        outbox.put(Item("a", value))
    first = taken(outbox)
    for value in range(3, 6):
        outbox.put(Item("a", value))
    outbox.gather()
    outbox.give_back(first)
    assert values(taken(outbox)) == [("a", 3), ("a", 4), ("a", 5)] and outbox.dropped == 3


def test_it_stays_bounded_with_a_thousand_keys_and_the_newest_of_each_survives() -> None:
    keys, capacity = 1000, 100
    outbox: Outbox[Item] = Outbox(capacity, 1)
    longest = 0
    for value in range(20_000):
        outbox.put(Item(f"k{value % keys}", value))
        if value % 37 == 0:
            outbox.gather()
        longest = max(longest, len(outbox))
    assert longest <= 2 * keys + capacity + keys
    left = taken(outbox)
    assert {item.key: item.value for _, item in left} == {
        f"k{value % keys}": value for value in range(19_000, 20_000)}
    assert in_order(left)
    assert outbox.dropped == 20_000 - len(left)


def test_a_sender_that_hangs_costs_no_more_than_twice_the_capacity_and_one_per_key() -> None:
    outbox: Outbox[Item] = Outbox(100, 1)
    for value in range(100):
        outbox.put(Item(f"k{value % 10}", value))
    outbox.gather()
    for value in range(100, 5000):
        outbox.put(Item(f"k{value % 10}", value))
    assert len(outbox) == 100 + 100 + 10


@pytest.mark.parametrize("seed", range(20))
def test_order_and_counts_hold_whatever_happens_in_whatever_order(seed: int) -> None:
    """Puts, gatherings, takings and givings back at random, against what was put."""
    chance = random.Random(seed)
    outbox: Outbox[Item] = Outbox(chance.choice([1, 2, 5, 20]), 1)
    newest: dict[str, int] = {}
    out: list[Numbered[Item]] = []
    underway: list[Numbered[Item]] = []
    for value in range(3000):
        key = f"k{chance.randrange(7)}"
        outbox.put(Item(key, value))
        newest[key] = value
        if chance.random() < 0.2:
            outbox.gather()
        if chance.random() < 0.3 and (one := outbox.take()):
            underway.append(one)
        if chance.random() < 0.02:
            outbox.give_back(underway)
            underway = []
        if chance.random() < 0.05:
            out += underway
            underway = []
    out += underway + taken(outbox)
    assert in_order(out)
    assert {item.key: item.value for _, item in out} == newest
    assert outbox.dropped == 3000 - len(out)


def test_order_per_key_holds_while_feeds_and_a_sender_race(quick_switches: None) -> None:
    outbox: Outbox[Item] = Outbox(8, 1)
    each = 20_000

    def feed(key: str) -> None:
        for value in range(each):
            outbox.put(Item(key, value))

    feeds = [threading.Thread(target=feed, args=(key,)) for key in "ab"]
    for thread in feeds:
        thread.start()
    out: list[Numbered[Item]] = []
    while any(thread.is_alive() for thread in feeds):
        out += taken(outbox)
    for thread in feeds:
        thread.join()
    out += taken(outbox) + taken(outbox)
    assert in_order(out)
    assert {item.key: item.value for _, item in out} == {"a": each - 1, "b": each - 1}
    assert len(outbox) == 0 and outbox.dropped > 0


def test_what_is_left_after_a_long_outage_ends_with_the_newest_half_unbroken() -> None:
    outbox: Outbox[Item] = Outbox(100, 1)
    for value in range(10_000):
        outbox.put(Item("ab"[value % 2], value))
        outbox.gather()
    left = [value for _, value in values(taken(outbox))]
    assert len(left) >= 50 and left == list(range(10_000 - len(left), 10_000))


def test_two_of_each_key_are_kept_where_that_is_more_than_the_capacity() -> None:
    outbox: Outbox[Item] = Outbox(4, 1)
    for value in range(20):
        outbox.put(Item(f"k{value % 10}", value))
        outbox.gather()
    assert (len(taken(outbox)), outbox.dropped) == (19, 1)  # one while it still learnt the keys
    for value in range(25):
        outbox.put(Item(f"k{value % 10}", value))
        outbox.gather()
    assert (len(outbox), outbox.dropped) == (15, 1 + 10)


class Interrupted(deque[Item]):
    """An inbox that is emptied while another thread has a turn before each `popleft`."""

    def __init__(self, items: Iterator[Item], outbox: Outbox[Item]) -> None:
        super().__init__(items)
        self._outbox = outbox
        self._said = 0

    def popleft(self) -> Item:
        self._said += 1
        item = Item("c", self._said)
        if self._said == 1:
            self.append(item)  # it saw room before others took it, and only now comes to use it
        else:
            self._outbox.put(item)
        return super().popleft()


def test_a_feed_held_up_between_its_look_and_its_append_is_not_overtaken_by_itself() -> None:
    outbox: Outbox[Item] = Outbox(3, 1)
    for value in range(5):
        outbox.put(Item("b", value))
    outbox._inbox = Interrupted(iter(outbox._inbox), outbox)
    out = taken(outbox)
    outbox._inbox = deque(outbox._inbox)
    out += taken(outbox)
    assert values(out) == [("b", 2), ("b", 4), ("c", 1), ("c", 3)]
    assert in_order(out) and outbox.dropped == 4
