"""Faults that end by themselves."""

import math
from typing import Any

import pytest

from bot.feeds.drill import Drill
from tests.helpers import Clock


def test_it_ends_when_its_time_is_over() -> None:
    clock = Clock()
    drill = Drill(clock)
    assert drill.fault() is None and drill.in_words() is None
    drill.begin("cut", 10.0)
    clock.now += 9.9
    assert drill.fault() == "cut" and drill.in_words() == "drill: cut for 10 s"
    clock.now += 0.1
    assert drill.fault() is None and drill.in_words() is None


def test_it_can_be_ended_before_and_replaced_by_another() -> None:
    drill = Drill()
    drill.begin("cut", 10.0)
    drill.begin("silence", 0.5)
    assert drill.in_words() == "drill: silence for 0.5 s"
    drill.end()
    assert drill.fault() is None


@pytest.mark.parametrize("fault, seconds", [
    ("flood", 1.0), ("cut", 0.0), ("cut", -1.0), ("cut", math.inf), ("cut", math.nan)])
def test_what_makes_no_sense_is_refused(fault: Any, seconds: float) -> None:
    drill = Drill()
    with pytest.raises(ValueError, match="flood|positive"):
        drill.begin(fault, seconds)
    assert drill.fault() is None
