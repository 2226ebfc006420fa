"""Two connections tell the same: nothing lost, nothing twice, whichever of them lags."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from bot.feeds.handover import (
    BEHIND_S, MEMORY_S, MOST_PENDING, NEW, OLD, PATIENCE_S, QUIET_S, Key, Overlap,
)
from bot.feeds.line import Last
from bot.model import MarketDataUpdate, UpdateType

TRADES: Key = ("BTCUSDT", "trade")
TICKERS: Key = ("BTCUSDT", "ticker")
EPOCH_MS = 1_790_000_000_000


def update(number: int, key: Key = TRADES, ms: int | None = None, price: float = 100.0,
           numbered: bool = True) -> MarketDataUpdate:
    stamp = EPOCH_MS + number if ms is None else ms
    return MarketDataUpdate("okx", key[0], key[1], price, 1.0, None, None, stamp, 0, 0.0,
                            number if numbered else None)


def last(number: int, price: float = 100.0, numbered: bool = True) -> Last:
    return EPOCH_MS + number, number if numbered else None, (price, 1.0, None, None)


class Pair:
    """An overlap with a clock, told by the numbers of trades."""

    def __init__(self, told: int | None = None, keys: Sequence[Key] = (TRADES,)) -> None:
        self.now = 1000.0
        self.keys = keys
        self.overlap = Overlap({} if told is None else {TRADES: last(told)}, self.now)

    def tell(self, side: int, *numbers: int, key: Key = TRADES) -> list[int | None]:
        """Returns: the numbers of those that were news."""
        found = self.overlap.news([update(number, key) for number in numbers], side, self.now)
        return [one.event_id for one in found]

    def missing(self, after: float = 0.0) -> str | None:
        self.now += after
        return self.overlap.missing(self.keys, self.now)


def test_what_both_tell_is_news_once() -> None:
    pair = Pair()
    assert pair.tell(OLD, 1, 2, 3) == [1, 2, 3]
    assert pair.tell(NEW, 2, 3, 4) == [4]
    assert pair.tell(OLD, 4, 5) == [5]
    assert pair.tell(NEW, 5, 6) == [6]


def test_the_old_one_can_go_once_both_told_the_same() -> None:
    pair = Pair()
    pair.tell(OLD, 1, 2)
    assert pair.missing() == "no data"
    pair.tell(NEW, 2)
    assert pair.missing() == "BTCUSDT trade: not subscribed yet"  # it may be the last known state
    pair.tell(OLD, 3)
    pair.tell(NEW, 3)
    assert pair.missing() is None


def test_a_first_push_that_was_told_before_is_no_news() -> None:
    pair = Pair(told=7)
    assert pair.tell(NEW, 5, 7) == []
    assert pair.tell(NEW, 8) == [8]


def test_numbers_that_begin_anew_are_news() -> None:
    pair = Pair(told=1_000_000)
    anew = update(5, ms=EPOCH_MS + 1_000_000 + 5000)
    assert pair.overlap.news([anew], NEW, pair.now) == [anew]


@pytest.mark.parametrize("ms, price, news", [
    (-1, 100.0, False), (0, 100.0, False), (0, 101.0, True), (1, 100.0, True),
])
def test_without_numbers_stamp_and_content_tell_what_is_old(
    ms: int, price: float, news: bool
) -> None:
    overlap = Overlap({TICKERS: last(0, numbered=False)}, 0.0)
    told = update(0, TICKERS, EPOCH_MS + ms, price, numbered=False)
    assert overlap.news([told], NEW, 0.0) == ([told] if news else [])


def test_without_stamp_and_number_the_content_alone_tells() -> None:
    one = MarketDataUpdate("x", "BTCUSDT", "orderbook", 5.0, None, 4.0, 6.0, None, 0, 0.0)
    overlap = Overlap({("BTCUSDT", "orderbook"): (None, None, (5.0, None, 4.0, 6.0))}, 0.0)
    assert overlap.news([one], NEW, 0.0) == []


def test_an_old_one_that_lags_is_waited_for_and_its_late_trades_are_news() -> None:
    pair = Pair(told=10)
    assert pair.tell(NEW, 20, 21, 22) == [20, 21, 22]
    pair.overlap.ready(pair.now)
    assert pair.missing(after=QUIET_S + 0.1) == "BTCUSDT trade: nothing in common yet"
    assert pair.tell(OLD, *range(11, 22)) == list(range(11, 20))
    assert pair.missing() is None


def test_a_new_one_that_lags_has_to_come_near_before_the_old_one_goes() -> None:
    pair = Pair()
    for number in range(1, 6):
        pair.tell(OLD, number)
        pair.now += BEHIND_S
    pair.tell(NEW, 1, 2)
    assert pair.missing() == "BTCUSDT trade: 3.0 s behind"
    pair.tell(NEW, 3, 4, 5)
    assert pair.missing() is None


def test_what_the_old_one_told_before_the_subscription_is_not_waited_for() -> None:
    pair = Pair()
    pair.tell(OLD, 1, 2, 3)
    pair.now += 5.0
    pair.tell(OLD, 4, 5)
    pair.tell(NEW, 4, 5)
    assert pair.missing() is None


def test_a_quiet_stream_keeps_nobody_waiting() -> None:
    quiet: Key = ("DOGEUSDT", "trade")
    pair = Pair(keys=(TRADES, quiet))
    for side in (OLD, NEW):
        pair.tell(side, 1, 2)
    pair.overlap.ready(pair.now)
    assert pair.missing(after=QUIET_S - 0.1) == "DOGEUSDT trade: nothing in common yet"
    pair.tell(OLD, 9, key=quiet)
    assert pair.missing(after=1.0)  # what the old one brings must come here too
    pair.tell(NEW, 9, key=quiet)
    assert pair.missing(after=1.0)
    assert pair.missing(after=QUIET_S) is None


def test_silence_counts_only_after_both_have_answered() -> None:
    pair = Pair()
    pair.tell(NEW, 1)
    pair.tell(OLD, 1)
    assert pair.missing(after=PATIENCE_S - 0.1) == "BTCUSDT trade: not subscribed yet"
    assert pair.missing(after=QUIET_S)
    assert pair.missing(after=0.2) is None  # one that answers no pings is waited for no longer


def test_a_stream_that_only_the_old_one_brings_is_never_given_up() -> None:
    pair = Pair(keys=(TRADES, TICKERS))
    pair.overlap.ready(pair.now)
    for number in range(1, 100):
        pair.now += QUIET_S + 1.0
        for side in (OLD, NEW):
            pair.tell(side, number)
        pair.tell(OLD, number, key=TICKERS)
        assert pair.missing()
    assert pair.missing(after=QUIET_S + 1.0) == "BTCUSDT ticker: nothing in common yet"


def test_an_old_one_that_has_fallen_silent_is_left_after_a_while() -> None:
    pair = Pair(told=1)
    pair.overlap.ready(pair.now)
    for number in range(2, 11):
        pair.now += 1.0
        pair.tell(NEW, number)
        assert pair.missing() == "BTCUSDT trade: nothing in common yet"
    pair.tell(NEW, 11)
    assert pair.missing(after=1.0) is None


def test_tickers_taken_at_other_moments_by_each_connection_are_enough_after_a_while() -> None:
    pair = Pair(keys=(TICKERS,))
    pair.overlap.ready(pair.now)
    for number in range(10, 100, 10):
        pair.now += 1.0
        pair.tell(OLD, number, key=TICKERS)
        pair.tell(NEW, number + 5, key=TICKERS)
        assert pair.missing()
    pair.tell(NEW, 200, key=TICKERS)
    assert pair.missing(after=1.0) is None


def test_after_the_old_one_is_gone_what_it_told_is_dropped_until_the_new_one_is_past_it() -> None:
    pair = Pair(told=0)
    pair.tell(OLD, *range(1, 10))
    pair.tell(NEW, 1, 2, 3)
    assert pair.missing() is None
    pair.overlap.leave(OLD, pair.now)
    assert not pair.overlap.over(pair.now)
    assert pair.tell(NEW, 4, 5, 6, 7, 8) == []
    assert not pair.overlap.over(pair.now)
    assert pair.tell(NEW, 9, 10) == [10]
    assert pair.overlap.over(pair.now)


def test_after_the_new_one_is_given_up_the_old_one_does_not_tell_what_that_told() -> None:
    pair = Pair(told=0)
    pair.tell(NEW, 3, 4)
    pair.overlap.leave(NEW, pair.now)
    assert pair.tell(OLD, 1, 2, 3) == [1, 2]
    assert not pair.overlap.over(pair.now)
    assert pair.tell(OLD, 4, 5) == [5]
    assert pair.overlap.over(pair.now)


def test_memory_of_the_one_that_is_gone_ends() -> None:
    pair = Pair()
    pair.tell(OLD, 1)
    pair.overlap.leave(OLD, pair.now)
    assert not pair.overlap.over(pair.now + MEMORY_S - 0.1)
    assert pair.overlap.over(pair.now + MEMORY_S)


def test_what_is_remembered_is_bounded() -> None:
    pair = Pair()
    for first in range(0, 3 * MOST_PENDING, 1000):
        pair.tell(OLD, *range(first, first + 1000))
    pair.overlap.leave(NEW, pair.now)
    (track,) = pair.overlap._tracks.values()
    assert len(track._pending[OLD]) == MOST_PENDING
    pair.tell(OLD, *range(10**6, 10**6 + 1000))
    assert 10**6 not in track._pending[OLD]  # alone, there is nothing to remember


def test_the_first_of_each_stream_is_marked_as_one_that_may_be_old() -> None:
    pair = Pair(told=5)
    pair.tell(NEW, 5)
    assert not pair.overlap.firsts  # it was not news
    pair.tell(NEW, 6, key=TICKERS)
    pair.tell(NEW, 6)
    assert pair.overlap.firsts == {TICKERS}


# ---- any two connections to any exchange: each in order and without holes, each with its own lag


class Arrival(NamedTuple):
    at: float
    side: int
    update: MarketDataUpdate


class World:
    """Events of several streams over LASTS_S; the new connection is subscribed at BEGINS_S."""

    LASTS_S, BEGINS_S, STEP_S = 60.0, 5.0, 0.05

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)
        self.snapshots = chance.random() < 0.5
        self.lags = (chance.choice((0.01, 0.3, 2.0, 6.0)), chance.choice((0.01, 0.3, 0.9, 4.0)))
        kinds: tuple[UpdateType, ...] = ("trade", "ticker")
        self.keys = [(symbol, kind) for symbol in ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
                     for kind in kinds]
        self.events = {key: self._stream(key) for key in self.keys}
        self.arrivals = sorted(
            [*self._arrive(OLD), *self._arrive(NEW)], key=lambda arrival: arrival.at)
        self.published: Counter[tuple[str, str, object]] = Counter()

    def _stream(self, key: Key) -> list[tuple[float, MarketDataUpdate]]:
        """(moment, event); between events there is a tenth of a second, or half a minute."""
        pause = self.chance.choice((0.1, 0.5, 3.5, 30.0))
        at, number, found = 0.0, self.chance.randrange(1000), []
        while (at := at + self.chance.expovariate(1 / pause)) < self.LASTS_S:
            number += self.chance.randint(1, 3)
            ms = EPOCH_MS + int(at * 20) * 50  # several events have the same stamp
            found.append((at, update(number, key, ms, float(number), key[1] == "trade")))
        return found

    def _arrive(self, side: int) -> Iterator[Arrival]:
        begins = self.BEGINS_S if side == NEW else 0.0
        for events in self.events.values():
            arrives = 0.0
            before = [one for at, one in events if at < begins]
            if before and self.snapshots and side == NEW:
                yield Arrival(arrives := begins + self._way(side), side, before[-1])
            for at, one in events:
                if at >= begins:
                    arrives = max(arrives, at + self._way(side))
                    yield Arrival(arrives, side, one)

    def _way(self, side: int) -> float:
        return self.lags[side] * self.chance.uniform(0.5, 1.0)

    def take(self, updates: Sequence[MarketDataUpdate]) -> None:
        self.published.update((one.symbol, one.type, one.price) for one in updates)

    def told_before(self) -> dict[Key, Last]:
        found: dict[Key, Last] = {}
        for at, side, one in self.arrivals:
            if side == OLD and at < self.BEGINS_S:
                self.take([one])
                found[one.symbol, one.type] = (
                    one.timestamp, one.event_id, (one.price, one.volume, one.bid, one.ask))
        return found

    def run(self, given_up_at: float = 999.0, lost_at: float = 999.0) -> float | None:
        """Returns: when the old connection was closed, or lost."""
        overlap, gone, ends = Overlap(self.told_before(), self.BEGINS_S), None, None
        answered_at = self.BEGINS_S + 2 * max(self.lags)
        for at, side, one in self.arrivals:
            if at >= self.BEGINS_S and gone is None:
                if at >= answered_at:
                    overlap.ready(answered_at)
                if at >= given_up_at:
                    gone = NEW
                elif at >= lost_at or overlap.missing(self.keys, at) is None:
                    gone, ends = OLD, at
                if gone is not None:
                    overlap.leave(gone, at)
            if at >= self.BEGINS_S and side != gone:
                self.take(overlap.news([one], side, at) if not overlap.over(at) else [one])
        return ends

    def lost(self, *kinds: UpdateType) -> list[tuple[str, str, object]]:
        arrived = {(one.symbol, one.type, one.price) for _, _, one in self.arrivals}
        return sorted(arrived - set(self.published), key=str) if not kinds else [
            key for key in arrived - set(self.published) if key[1] in kinds]

    def twice(self) -> list[tuple[str, str, object]]:
        return [key for key, count in self.published.items() if count > 1]


@pytest.mark.parametrize("seed", range(400))
def test_any_handover_loses_nothing_and_tells_nothing_twice(seed: int) -> None:
    world = World(seed)
    closed_at = world.run()
    assert (world.lost("trade"), world.twice()) == ([], [])
    if max(world.lags) < 0.5:
        assert closed_at is not None and world.lost() == []


@pytest.mark.parametrize("seed", range(400, 600))
def test_an_attempt_given_up_at_any_moment_loses_nothing_and_tells_nothing_twice(seed: int) -> None:
    world = World(seed)
    world.run(given_up_at=World.BEGINS_S + random.Random(seed).uniform(0.0, 10.0))
    assert (world.lost(), world.twice()) == ([], [])


@pytest.mark.parametrize("seed", range(600, 800))
def test_a_loss_of_the_old_one_at_any_moment_tells_nothing_twice(seed: int) -> None:
    world = World(seed)
    world.run(lost_at=World.BEGINS_S + random.Random(seed).uniform(0.0, 10.0))
    assert world.twice() == []
