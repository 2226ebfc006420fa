"""Which messages are news, and which prices are credible."""

import pytest

from bot.feeds.line import CONFIRM_S, CREDIT, GAP_MEMORY_S, MEMORY_S, Line, Stream


def test_of_two_at_the_same_time_the_one_with_the_lower_number_is_no_news() -> None:
    """It comes late, over a connection that lags behind another one."""
    stream = Stream()
    assert stream.advances(5, 20, (101.0,), 1.0)
    assert not stream.advances(5, 19, (100.0,), 1.1)
    assert stream.advances(5, 21, (102.0,), 1.2)
    assert stream.last == (5, 21, (102.0,))


def test_without_a_stamp_the_number_alone_tells_what_is_older() -> None:
    stream = Stream()
    assert stream.advances(None, 20, (101.0,), 1.0)
    assert not stream.advances(None, 19, (100.0,), 1.1)
    stream.forget()
    assert stream.last == (None, None, ())
    assert stream.advances(None, 3, (99.0,), 1.2)  # another connection may count anew


def nobody() -> None:
    """What others say, where there are none."""


class Told:
    """A line that is told prices a tenth of a second apart, beside others that say `others`."""

    def __init__(self, price: float = 60_000.0) -> None:
        self.now = 100.0
        self.others: float | None = None
        self.line = Line()
        for _ in range(CREDIT + 1):
            self.says(price)

    def says(self, price: float, after: float = 0.1) -> bool:
        self.now += after
        return self.line.admit(price, self.now, lambda: self.others)


@pytest.mark.parametrize("wild", [63_000.0, 57_000.0, 600_000.0, 1 / 60_000.0])
def test_a_single_wild_tick_is_no_price(wild: float) -> None:
    told = Told()
    assert not told.says(wild)
    assert (told.line.price, told.line.held) == (60_000.0, wild)
    assert told.says(60_001.0) and told.line.held is None and told.line.step_at is None
    assert told.line.refused == 1


def test_wild_ticks_among_honest_ones_never_add_up() -> None:
    told = Told()
    for turn in range(300):
        assert told.says(60_000.0 + turn % 3)
        assert not told.says(63_000.0)
    assert told.line.step_at is None


def test_a_price_that_stays_is_believed_and_the_step_is_noted() -> None:
    told = Told()
    assert [told.says(60_300.0) for _ in range(3)] == [False, False, False]
    assert told.says(60_301.0), f"{CONFIRM_S} s have passed"
    assert told.line.step_at == told.now


def test_a_step_that_another_source_has_taken_is_believed_at_once() -> None:
    told = Told()
    told.others = 60_310.0
    assert told.says(60_300.0) and told.line.step_at is None


def test_what_the_others_deny_waits_like_any_step() -> None:
    told = Told()
    told.others = 60_000.0
    assert not told.says(60_300.0)


def test_after_an_outage_any_price_is_the_new_one() -> None:
    """A guard that refused must come back by itself."""
    told = Told()
    assert not told.says(66_000.0)
    assert told.says(72_000.0, after=MEMORY_S + 0.1) and told.line.price == 72_000.0


def test_a_first_push_is_nothing_to_compare_with() -> None:
    line = Line()
    assert line.admit(60_000.0, 100.0, nobody) and line.admit(60_000.0, 100.01, nobody)
    assert line.admit(50_000.0, 101.0, nobody), "the first ones may have been of long ago"


def test_what_is_usual_for_a_lively_source_is_not_doubted() -> None:
    told = Told(1.0)
    for turn in range(400):
        told.says(1.0 + 0.0025 * (turn % 2), after=0.6)
    assert told.says(1.0 + 0.0060, after=0.6)


def test_rush_is_the_move_of_the_last_two_seconds() -> None:
    told = Told()
    for _ in range(10):
        told.says(told.line.price * 1.0002)
    assert told.line.rush(told.now) == pytest.approx(0.0016, abs=0.0005)
    assert told.line.rush(told.now + 2.0) == 0.0


def test_coming_back_from_nonsense_is_no_rush() -> None:
    told = Told(1 / 60_000.0)
    told.others = 60_000.0
    assert told.says(60_000.0)
    assert abs(told.line.rush(told.now)) <= 0.01


def stream(*events: tuple[int | None, int | None, float]) -> Stream:
    made = Stream()
    for number, (ms, identity, price) in enumerate(events):
        made.advances(ms, identity, (price,), float(number))
    return made


@pytest.mark.parametrize("held, next_, news", [
    ((1000, None, 1.0), (1001, None, 1.0), True),
    ((1000, None, 1.0), (1000, None, 1.0), False),
    ((1000, None, 1.0), (1000, None, 2.0), True),
    ((1000, None, 1.0), (999, None, 2.0), False),
    ((1000, 7, 1.0), (1000, 8, 1.0), True),
    ((1000, 7, 1.0), (1000, 7, 2.0), False),
    ((None, 7, 1.0), (None, 7, 1.0), False),
    ((None, 7, 1.0), (None, 8, 1.0), True),
    ((None, None, 1.0), (None, None, 1.0), False),
    ((None, None, 1.0), (None, None, 2.0), True),
])
def test_news_is_a_later_event_or_another_one_of_the_same_moment(
    held: tuple[int | None, int | None, float], next_: tuple[int | None, int | None, float],
    news: bool,
) -> None:
    ms, identity, price = next_
    assert stream(held).advances(ms, identity, (price,), 5.0) is news


def test_a_new_connection_may_repeat_what_was_said() -> None:
    made = stream((1000, None, 1.0))
    made.forget()
    assert made.advances(1000, None, (1.0,), 9.0)
    assert made.gap_s == 0.0, "the time without a connection is no pause of the stream"


def test_the_longest_pause_is_remembered_and_fades() -> None:
    made = Stream()
    now = 0.0
    for gap in (0.1, 0.1, 7.0, 0.1):
        now += gap
        made.advances(int(now * 1000), None, (), now)
    assert made.gap_s == pytest.approx(7.0, rel=0.01)
    while now < GAP_MEMORY_S * 3:
        now += 0.1
        made.advances(int(now * 1000), None, (), now)
    assert made.gap_s < 1.0
