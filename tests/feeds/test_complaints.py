"""What is wrong with a source: counted, and told once, and then how often."""

from threading import Event

import pytest

from bot.errors import ExchangeError, ParseError
from bot.events import Publisher, SourceFault
from bot.feeds.complaints import Complaints
from bot.folding import REPORT_EVERY_S
from tests.helpers import Clock, Pause


class Desk:
    """Complaints of okx, with what they published."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.faults: list[SourceFault] = []
        publisher = Publisher(("source_error",))
        publisher.on("source_error", self.faults.append)
        self.complaints = Complaints("okx", publisher, self.clock, lambda: 1.5)

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(fault.reason, fault.count) for fault in self.faults]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_junk_is_told_once_however_many_kinds_of_it_come(desk: Desk) -> None:
    for number in range(5):
        desk.complaints.tell(ParseError(f"okx: junk {number}"))
    assert desk.told == [("unreadable frame: junk 0", 1)] and desk.complaints.count == 5
    assert (desk.faults[0].source, desk.faults[0].at) == ("okx", 1.5)


def test_a_minute_later_the_rest_is_told_and_nothing_twice(desk: Desk) -> None:
    for number in range(5):
        desk.complaints.tell(ParseError(f"okx: junk {number}"))
    desk.complaints.remind()
    assert len(desk.told) == 1
    desk.clock.now += REPORT_EVERY_S
    for _ in range(3):
        desk.complaints.remind()
    assert desk.told[1:] == [("unreadable frame: junk 4 (60 s ago)", 4)]
    assert sum(fault.count for fault in desk.faults) == desk.complaints.count


def test_the_rest_is_told_also_in_the_middle_of_a_long_pause(desk: Desk) -> None:
    for _ in range(3):
        desk.complaints.tell(ExchangeError("okx: 429"), "; next attempt in 3600 s")
    began = desk.clock.now
    assert not desk.complaints.pause(3600.0, Pause(desk.clock))
    assert desk.told == [("429; next attempt in 3600 s", 1), ("429 (60 s ago)", 2)]
    assert desk.clock.now - began == pytest.approx(3600.0), "and the pause is as long as it was"


def test_a_stop_ends_a_pause(desk: Desk) -> None:
    stopping = Event()
    stopping.set()
    assert desk.complaints.pause(3600.0, stopping)
    for _ in range(2):
        desk.complaints.tell(ExchangeError("okx: 429"))
    assert desk.complaints.pause(3600.0, stopping)
