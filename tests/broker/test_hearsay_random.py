"""Several instances that publish the same market, in every disorder: the price is that of one."""

import random
from collections.abc import Sequence

import pytest

from bot.errors import SourceError
from bot.model import Quote
from tests.broker.records import Ear, Got, Writer

SLACK_S = 0.002  # stamps are whole milliseconds
Sent = tuple[float, Got]  # when it arrives, in s after the start


def price_at(number: int) -> float:
    """Of the event of that number: each is another one, and none is a wild tick."""
    return 100.0 + (number % 997) / 10_000


def heard(ear: Ear, sent: Sequence[Sent], every_s: float = 0.2) -> list[tuple[float, Quote | None]]:
    """What is served after each poll, with when it was; None: nothing."""
    begin, waiting = ear.now, sorted(sent, key=lambda one: one[0])
    served: list[tuple[float, Quote | None]] = []
    while waiting:
        ear.passes(every_s)
        here = [one for one in waiting if one[0] <= ear.now - begin]
        waiting = waiting[len(here):]
        ear.hears(*(record for _, record in here))
        try:
            served.append((ear.now, ear.quote()))
        except SourceError:
            served.append((ear.now, None))
    return served


def published(
    ear: Ear, name: str, events: Sequence[float], delay_s: float = 0.0, ahead_s: float = 0.0
) -> list[Sent]:
    """An instance's records of the same events, each with the number of the event as its id."""
    writer = Writer(name, ear, ahead_s)
    return [(at + delay_s, writer.tells(price_at(number), ear.now + at, event_id=number))
            for number, at in enumerate(events)]


def prices(served: list[tuple[float, Quote | None]]) -> list[float | None]:
    return [quote.price if quote else None for _, quote in served]


EVENTS = [0.05 * number for number in range(600)]


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.3, 3.0, 30.0])
def test_a_second_instance_that_says_the_same_changes_no_price(delay_s: float) -> None:
    alone, ear = Ear(), Ear()
    expected = heard(alone, published(alone, "eins", EVENTS))
    both = heard(ear, published(ear, "eins", EVENTS) + published(ear, "zwei", EVENTS, delay_s))
    assert prices(both)[:len(expected)] == prices(expected)
    for (_, ours), (_, theirs) in zip(both, expected):
        assert ours is not None and theirs is not None
        assert ours.age_s == pytest.approx(theirs.age_s, abs=SLACK_S)


@pytest.mark.parametrize("ahead_s", [-4.0, 5.0, 50.0, 3600.0])
def test_nor_does_one_whose_clock_is_wrong(ahead_s: float) -> None:
    """What it says first is old, or refused; what the other says of the same event comes late."""
    ear = Ear()
    served = heard(ear, published(ear, "eins", EVENTS, 0.1)
                   + published(ear, "zwei", EVENTS, 0.15, ahead_s))
    for at, quote in served[2:]:
        assert quote is not None
        assert 0.1 - SLACK_S < quote.age_s < 0.4


def test_the_same_records_twice_change_nothing() -> None:
    """Sent again by a writer that had no answer, with the same numbers."""
    once, twice = Ear(), Ear()
    expected = heard(once, published(once, "eins", EVENTS))
    again = published(twice, "eins", EVENTS)
    served = heard(twice, [sent for at, record in again
                           for sent in ((at, record), (at + 0.7, record))])
    assert prices(served)[:len(expected)] == prices(expected)
    assert twice.hearsay.counts.repeated > 0


def test_when_the_first_instance_dies_the_delayed_one_takes_over_and_never_goes_back() -> None:
    ear = Ear()
    served = heard(ear, published(ear, "eins", EVENTS[:300])
                   + published(ear, "zwei", EVENTS, 3.0))
    numbers = [round((quote.price - 100.0) * 10_000) for _, quote in served if quote]
    assert numbers == sorted(numbers) and numbers[-1] == 599
    assert len(numbers) == len(served)
    for at, quote in served[100:150]:
        assert quote is not None and quote.age_s > 2.9


def test_an_instance_that_begins_anew_with_lower_numbers_is_heard_at_once() -> None:
    ear = Ear()
    before = Writer("eins", ear, first=1_000_000)
    before.talks(5, 100.0)
    after = Writer("eins", ear, first=1)
    ear.passes(1.0)
    ear.hears(after.tells(100.1))
    assert ear.shown == pytest.approx((100.1, 0.0), abs=SLACK_S)


def test_trades_of_the_same_millisecond_are_told_apart_by_their_number() -> None:
    ear = Ear()
    eins, zwei = Writer("eins", ear), Writer("zwei", ear)
    now = ear.now
    first, second = (eins.tells(price, now, event_id=number)
                     for number, price in ((7, 100.0), (8, 100.1)))
    ear.hears(second, first)
    assert ear.quote().price == 100.1
    ear.passes(1.0)
    ear.hears(zwei.tells(100.0, now, event_id=7))
    ear.hears(first)
    assert ear.shown == pytest.approx((100.1, 1.0), abs=SLACK_S)


@pytest.mark.parametrize("seed", range(40))
def test_in_any_disorder_the_price_is_the_newest_that_came_and_no_younger_than_it_is(
    seed: int
) -> None:
    """Events of one market, told by three instances with clocks of their own, some of them lost,
    each record delayed at random and some sent twice.
    """
    chance, ear = random.Random(seed), Ear()
    events = sorted(chance.uniform(0.0, 30.0) for _ in range(300))
    begin, sent, known = ear.now, [], []
    for name in ("eins", "zwei", "drei"):
        writer = Writer(name, ear, chance.uniform(0.0, 5.0))
        for number, at in enumerate(events):
            if chance.random() < 0.3:
                continue
            record = writer.tells(price_at(number), begin + at, event_id=number)
            for _ in range(chance.choice([1, 1, 1, 2])):
                arrives = at + chance.choice([0.01, 0.1, chance.uniform(0.0, 4.0)])
                sent.append((arrives, record))
                known.append((arrives, number))
    chance.shuffle(sent)
    for at, quote in heard(ear, sent, chance.choice([0.05, 0.2, 1.0])):
        here = [number for arrives, number in known if arrives <= at - begin]
        if not here:
            assert quote is None
            continue
        assert quote is not None
        assert quote.price == price_at(max(here))
        true_age_s = at - begin - events[max(here)]
        assert true_age_s - SLACK_S <= quote.age_s <= true_age_s + SLACK_S
