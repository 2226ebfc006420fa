"""Messages to an exchange stay below its limit (K20)."""

import random

import pytest

from bot.exchanges import ALL
from bot.feeds.pacing import Pacer

LIMITS = {"binance": 5, "okx": 3}


def test_allows_so_many_at_once_and_then_none() -> None:
    pacer = Pacer(3)
    assert [pacer.may_send(10.0) for _ in range(5)] == [True, True, True, False, False]


def test_allows_the_next_when_the_first_is_more_than_a_second_old() -> None:
    pacer = Pacer(2)
    assert pacer.may_send(10.0) and pacer.may_send(10.5)
    assert not pacer.may_send(11.0)
    assert pacer.may_send(11.06)
    assert not pacer.may_send(11.1), "the second of them is still within its second"


def test_a_refused_message_does_not_count_as_sent() -> None:
    pacer = Pacer(1)
    assert pacer.may_send(0.0)
    assert not any(pacer.may_send(now / 10) for now in range(1, 10))
    assert pacer.may_send(1.1)


@pytest.mark.parametrize("name", ALL)
def test_no_second_ever_holds_as_many_messages_as_the_exchange_forbids(name: str) -> None:
    pacer, chance, now = Pacer(ALL[name].SENDS_PER_S), random.Random(7), 0.0
    sent = []
    for _ in range(5000):
        now += chance.choice((0.0, 0.01, 0.1, 0.4))
        if pacer.may_send(now):
            sent.append(now)
    assert len(sent) > 500
    for first in sent:
        assert sum(first <= at <= first + 1.0 for at in sent) < LIMITS[name]
