"""How old a message of another machine is: the oldest of its stamps counts."""

from collections.abc import Iterator

import pytest

from bot.broker.stamps import MOST_AHEAD_S, MOST_CLOCKS, Stamps, Whose
from bot.errors import ImplausibleStamp
from bot.feeds.lag import WINDOW_S
from tests.broker.records import EPOCH, ms
from tests.helpers import Clock

OKX: Whose = ("exchange", "okx")
ELSEWHERE: Whose = ("instance", "elsewhere")


class Watch:
    """Stamps with clocks to turn. now: what time it truly is."""

    def __init__(self) -> None:
        self.mono, self.wall, self.now = Clock(1000.0), Clock(EPOCH), EPOCH
        self.stamps = Stamps(10.0, self.mono, self.wall)

    def passes(self, seconds: float) -> None:
        self.mono.now += seconds
        self.wall.now += seconds
        self.now += seconds

    def late_s(self, old_s: float = 0.0, ahead_s: float = 0.0, whose: Whose = OKX) -> float:
        """Of a message `old_s` old, stamped by one clock that is `ahead_s` ahead."""
        return self.ages((whose, self.now - old_s + ahead_s))

    def ages(self, *stamps: tuple[Whose, float]) -> float:
        return self.stamps.late_s([(whose, ms(at)) for whose, at in stamps], self.mono.now,
                                  self.wall.now)

    def each_second(self, seconds: int) -> Iterator[None]:
        for _ in range(seconds):
            self.passes(1.0)
            yield


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.mark.parametrize("old_s", [0.0, 0.25, 3.0, 9.9, 10.0, 601.0, 86_400.0])
def test_with_right_clocks_a_message_is_as_old_as_its_stamp_from_the_first_one_on(
    watch: Watch, old_s: float
) -> None:
    assert watch.late_s(old_s) == pytest.approx(old_s, abs=0.001)


def test_the_oldest_stamp_counts_whichever_it_is(watch: Watch) -> None:
    now = watch.now
    assert watch.ages((OKX, now - 1), (ELSEWHERE, now - 4)) == pytest.approx(4.0, abs=0.001)
    assert watch.ages((ELSEWHERE, now - 1), (OKX, now - 4)) == pytest.approx(4.0, abs=0.001)


def test_a_backlog_is_old_however_long_it_takes_to_read_it(watch: Watch) -> None:
    """Being late for minutes does not become usual."""
    for _ in watch.each_second(600):
        assert watch.late_s(8.0) == pytest.approx(8.0, abs=0.001)
        assert watch.late_s(50.0, whose=ELSEWHERE) == pytest.approx(50.0, abs=0.001)


@pytest.mark.parametrize("ahead_s", [0.5, 5.0, 30.0, 59.0])
def test_a_clock_ahead_makes_nothing_younger_once_it_is_known(
    watch: Watch, ahead_s: float
) -> None:
    for _ in watch.each_second(4):
        assert watch.late_s(0.0, ahead_s) == pytest.approx(0.0, abs=0.001)
    for old_s in (1.0, 3.0, 20.0, 300.0):
        assert watch.late_s(old_s, ahead_s) == pytest.approx(old_s, abs=0.002)


def test_a_clock_ahead_is_not_forgotten_when_its_messages_are_late_for_a_while(
    watch: Watch,
) -> None:
    for _ in watch.each_second(100):
        watch.late_s(0.0, 5.0)
    for _ in watch.each_second(200):
        assert watch.late_s(4.0, 5.0) == pytest.approx(4.0, abs=0.002)


def test_never_is_anything_younger_than_by_our_own_clock(watch: Watch) -> None:
    for _ in watch.each_second(600):
        assert watch.late_s(7.0, 5.0) >= 2.0 - 0.001


@pytest.mark.parametrize("ahead_s", [-5.0, -3600.0])
def test_a_clock_behind_makes_older_for_as_long_as_it_lasts(watch: Watch, ahead_s: float) -> None:
    for _ in watch.each_second(400):
        assert watch.late_s(0.0, ahead_s) == pytest.approx(-ahead_s, abs=0.001)


@pytest.mark.parametrize("ahead_s", [MOST_AHEAD_S + 0.1, 3600.0, 86_400.0 * 365])
def test_a_clock_far_ahead_is_refused_for_as_long_as_it_lasts(
    watch: Watch, ahead_s: float
) -> None:
    for _ in watch.each_second(100):
        with pytest.raises(ImplausibleStamp, match="ahead of this machine's clock by exchange okx"):
            watch.late_s(0.0, ahead_s)
    assert watch.late_s(1.0) == pytest.approx(1.0, abs=0.001)  # and has taught nothing


@pytest.mark.parametrize("stamp", [1, 10**12 - 1, 1_790_000_000])
def test_stamps_in_another_unit_are_refused(watch: Watch, stamp: int) -> None:
    with pytest.raises(ImplausibleStamp, match="milliseconds"):
        watch.stamps.late_s([(OKX, stamp)], watch.mono.now, watch.wall.now)


@pytest.mark.parametrize("lie_s", [15.0, 40.0, 3600.0])
def test_a_liar_among_honest_stamps_makes_them_neither_old_nor_young(
    watch: Watch, lie_s: float
) -> None:
    for _ in watch.each_second(5):
        watch.late_s(0.1)
    for _ in watch.each_second(400):
        with pytest.raises(ImplausibleStamp):
            watch.late_s(0.0, lie_s)
        assert watch.late_s(0.1) == pytest.approx(0.1, abs=0.002)
        assert watch.late_s(2.0) == pytest.approx(2.0, abs=0.002)


def test_one_false_stamp_spoils_the_message_and_no_other_clock(watch: Watch) -> None:
    for _ in watch.each_second(20):
        with pytest.raises(ImplausibleStamp, match="by instance elsewhere"):
            watch.ages((OKX, watch.now), (ELSEWHERE, watch.now + 3600))
        assert watch.ages((OKX, watch.now - 2)) == pytest.approx(2.0, abs=0.002)


@pytest.mark.parametrize("step_s", [-30.0, -2.0, 2.0, 30.0, 3600.0])
def test_a_step_of_our_own_clock_never_makes_a_message_younger(
    watch: Watch, step_s: float
) -> None:
    for _ in watch.each_second(5):
        watch.late_s(0.0)
    watch.wall.now += step_s
    for _ in watch.each_second(300):
        assert watch.late_s(0.0) == pytest.approx(max(0.0, step_s), abs=0.002)
        for old_s in (3.0, 20.0):
            assert watch.late_s(old_s) == pytest.approx(old_s + max(0.0, step_s), abs=0.002)


def test_our_clock_set_far_back_has_everything_refused_and_set_right_nothing(
    watch: Watch,
) -> None:
    for _ in watch.each_second(5):
        watch.late_s(0.0)
    watch.wall.now -= 3600.0
    for _ in watch.each_second(5):
        with pytest.raises(ImplausibleStamp, match="check NTP on both machines"):
            watch.late_s(0.0)
    watch.wall.now += 3600.0
    assert watch.late_s(0.0) == pytest.approx(0.0, abs=0.002)


def test_a_sleep_of_this_machine_costs_seconds(watch: Watch) -> None:
    """Suspended for an hour: the wall clock went on, the monotonic one did not."""
    for _ in watch.each_second(5):
        watch.late_s(0.0)
    watch.wall.now += 3600.0
    watch.now += 3600.0
    for _ in watch.each_second(3):
        with pytest.raises(ImplausibleStamp):
            watch.late_s(0.0)
    for _ in watch.each_second(400):
        assert watch.late_s(0.5) == pytest.approx(0.5, abs=0.002)


def test_a_flood_of_clocks_is_bounded_and_leaves_the_known_ones_alone(watch: Watch) -> None:
    watch.late_s(1.0)
    refused = 0
    for number in range(10_000):
        try:
            watch.late_s(0.0, whose=("instance", f"i{number}"))
        except ImplausibleStamp as error:
            assert f"more than {MOST_CLOCKS}" in str(error)
            refused += 1
    assert refused == 10_000 - (MOST_CLOCKS - 1)
    assert len(watch.stamps._clocks) == len(watch.stamps._heard_at) == MOST_CLOCKS
    assert watch.late_s(1.0) == pytest.approx(1.0, abs=0.001)


def test_a_hundred_restarts_under_new_names_do_not_shut_the_next_one_out(watch: Watch) -> None:
    """As with containers, whose host name is a new one each time."""
    for number in range(3 * MOST_CLOCKS):
        watch.passes(60.0)
        watch.late_s(0.0)
        assert watch.late_s(0.0, whose=("instance", f"pod-{number}")) < 0.01
    assert len(watch.stamps._clocks) <= MOST_CLOCKS


def test_room_is_made_of_silent_clocks_only(watch: Watch) -> None:
    for number in range(MOST_CLOCKS - 1):
        watch.late_s(0.0, whose=("instance", f"i{number}"))
    for _ in watch.each_second(int(WINDOW_S) + 1):
        watch.late_s(0.0, 5.0)
    watch.late_s(0.0, whose=ELSEWHERE)
    watch.late_s(0.0, whose=("instance", "another"))
    assert watch.late_s(3.0, 5.0) == pytest.approx(3.0, abs=0.002)  # it knows that clock still
    assert len(watch.stamps._clocks) == 3
