"""Which cases there are: what is told as one, when, and when it is over."""

import pytest

from bot.alerts.facts import Severity
from bot.events import LinkChanged, RecordingChanged, SourceSwitched
from bot.incidents.incident import DOWN, LOST
from tests.alerts.making import WALL, Desk, incident, tier


@pytest.fixture
def desk() -> Desk:
    return Desk()


def kinds(desk: Desk) -> list[str]:
    return [item.fact.kind for item in desk.last.items]


def test_an_outage_is_one_case_that_names_everything_worst_first(desk: Desk) -> None:
    desk.open("b", "binance", rule="connection")
    desk.open("o", "okx", rule="connection")
    desk.open("p")
    desk.wait(1.0)
    desk.take(tier("mock"))
    assert desk.wait(1.75) == []
    [told] = desk.wait(0.25)
    assert (told.event, told.severity, told.opened_at) == ("opened", Severity.CRITICAL, WALL)
    assert kinds(desk) == ["price", "tier", "source", "source"]
    assert desk.wait(50.0) == []


def test_what_is_over_within_the_gathering_time_is_only_counted(desk: Desk) -> None:
    desk.open()
    desk.wait(2.0)
    desk.close()
    assert desk.wait(60.0) == [] and desk.cases.brief == 1 and not desk.cases.is_busy


def test_what_lasted_long_enough_is_told_although_nobody_looked_in_time(desk: Desk) -> None:
    desk.open()
    desk.now += 3.5
    desk.close(lasted_s=3.5)
    assert [told.event for told in desk.wait(60.0)] == ["opened", "closed"]


def test_what_comes_back_is_told_soon(desk: Desk) -> None:
    desk.open("p1")
    desk.wait(1.0)
    desk.close("p1")
    desk.wait(10.0)
    desk.open("p2")
    desk.wait(0.5)
    desk.close("p2", lasted_s=0.5)
    [told] = desk.wait(0.5)
    assert told.event == "opened" and told.items[0].times == 2 and told.is_quiet


def test_it_is_closed_a_calm_time_after_the_last_end_with_its_whole_duration(desk: Desk) -> None:
    desk.open()
    desk.wait(20.0)
    desk.close(lasted_s=20.0)
    assert desk.wait(29.75) == []
    [told] = desk.wait(0.25)
    assert told.event == "closed" and not desk.cases.is_busy
    assert told.opened_at == WALL and told.closed_at == pytest.approx(WALL + 20.0)
    assert told.lasted_s == pytest.approx(20.0) and not told.items[0].is_open


def test_flapping_is_one_case_with_few_tellings_and_waits_longer_for_calm(desk: Desk) -> None:
    for number in range(50):
        desk.open(f"p{number}")
        desk.wait(1.0)
        desk.close(f"p{number}")
        desk.wait(1.0)
    assert desk.events == ["opened", "updated"]
    told = desk.wait(700.0)
    assert [one.event for one in told] == ["updated", "closed"]
    assert told[-1].items[0].times == 50
    assert told[-1].items[0].lasted_s == pytest.approx(50.0)
    assert told[-1].lasted_s == pytest.approx(99.0)


def test_a_rise_is_told_when_it_has_lasted_and_updates_once_a_minute(desk: Desk) -> None:
    desk.open("a", "binance", rule="disagreement")
    desk.wait(5.0)
    desk.open("b", "okx", rule="disagreement")
    assert desk.wait(20.0) == []
    desk.open("p")
    assert desk.wait(2.75) == []
    [risen] = desk.wait(0.25)
    assert (risen.event, risen.severity, risen.bells) == ("updated", Severity.CRITICAL, 1)
    desk.close("p", lasted_s=3.0)
    assert desk.wait(59.5) == []
    [later] = desk.wait(0.5)
    assert later.event == "updated" and later.bells == 1 and later.severity == Severity.CRITICAL


def test_what_grows_worse_for_a_moment_only_is_no_rise(desk: Desk) -> None:
    desk.take(tier("okx"))
    desk.wait(10.0)
    desk.take(tier("mock", "okx"))
    desk.wait(2.0)
    desk.take(tier("okx", "mock"))
    assert all(told.bells == 0 for told in desk.wait(100.0))
    desk.take(tier("mock", "okx"))
    assert [told.severity for told in desk.wait(3.5)] == [Severity.CRITICAL]


def lost_again(desk: Desk) -> None:
    """A price is lost, told, well for so long that it is told as quiet, and lost again."""
    desk.open("p1")
    desk.wait(65.0)
    desk.close("p1", lasted_s=65.0)
    [quiet] = desk.wait(5.0)
    assert quiet.is_quiet and quiet.bells == 0
    desk.open("p2")


def test_what_comes_back_after_it_was_told_as_quiet_rings(desk: Desk) -> None:
    lost_again(desk)
    assert desk.wait(0.75) == []
    [back] = desk.wait(0.25)
    assert (back.event, back.bells, back.is_quiet) == ("updated", 1, False)
    assert desk.wait(300.0) == []


def test_what_comes_back_for_a_moment_only_rings_no_bell(desk: Desk) -> None:
    lost_again(desk)
    desk.wait(0.5)
    desk.close("p2", lasted_s=0.5)
    assert all(told.bells == 0 for told in desk.wait(300.0))
    assert desk.events[-1] == "closed"


def test_what_is_less_than_a_warning_rings_no_bell_when_it_comes_back() -> None:
    desk = Desk(Severity.INFO)
    for number in range(2):
        desk.open(f"b{number}", "binance", rule="silence")
        desk.wait(65.0)
        desk.close(f"b{number}", "binance", rule="silence", lasted_s=65.0)
        desk.wait(5.0)
    assert [told.is_quiet for _, told in desk.told][:3] == [False, True, False]
    assert desk.last.bells == 0


def test_who_flaps_rings_ever_more_rarely(desk: Desk) -> None:
    """Each time that it came back it must be quiet for longer until that is told."""
    for number in range(60):
        desk.open(f"p{number}")
        desk.wait(60.0)
        desk.close(f"p{number}", lasted_s=60.0)
        desk.wait(25.0 + number)
    assert 1 <= desk.last.bells <= 4
    assert len({told.id for _, told in desk.told}) == 1


def made_up(desk: Desk, id: str, seconds: float) -> None:
    """No source and no REST for so long; then it is served from a stream again."""
    desk.take(tier("okx"))
    desk.wait(8.0)
    desk.open(id)
    desk.take(tier("mock", "okx"))
    desk.wait(seconds)
    desk.close(id, lasted_s=seconds)
    desk.take(tier("websocket", "mock"))


@pytest.mark.parametrize("least", [Severity.INFO, Severity.WARNING])
def test_what_is_critical_again_after_some_seconds_rings_again(least: Severity) -> None:
    """Although the case was never told as quiet."""
    desk = Desk(least)
    desk.open("b", "binance", rule="silence")
    made_up(desk, "p1", 12.0)
    desk.wait(6.0)
    before = desk.last.bells
    made_up(desk, "p2", 0.75)
    assert desk.last.bells == before
    desk.wait(6.0)
    made_up(desk, "p3", 1.25)
    assert desk.last.bells == before + 1
    assert ("price", True) in [(item.fact.kind, item.is_open) for item in desk.last.items]


@pytest.mark.parametrize("worse", ["p", "tier"])
def test_what_is_critical_again_rings_while_lesser_things_stay(desk: Desk, worse: str) -> None:
    def begin() -> None:
        desk.open(f"p{desk.now}") if worse == "p" else desk.take(tier("mock", "okx"))

    def end() -> None:
        desk.close(f"p{desk.now - 5.0}") if worse == "p" else desk.take(tier("okx", "mock"))

    desk.open("b", "okx", rule="disagreement")
    desk.take(tier("okx"))
    desk.wait(10.0)
    for number in range(2):
        begin()
        assert desk.wait(5.0)[-1].bells == number + 1
        end()
        assert desk.wait(12.0) == []


@pytest.mark.parametrize("least", [Severity.INFO, Severity.WARNING])
@pytest.mark.parametrize("up_s, down_s, most", [
    (2.0, 2.0, 1), (5.0, 5.0, 1), (5.0, 15.0, 2), (20.0, 20.0, 3), (60.0, 60.0, 4)])
def test_what_is_critical_again_and_again_rings_ever_more_rarely(
    least: Severity, up_s: float, down_s: float, most: int
) -> None:
    desk = Desk(least)
    desk.open("b", "binance", rule="silence")
    desk.open("o", "okx", rule="disagreement")
    desk.wait(10.0)
    for number in range(50):
        desk.open(f"p{number}")
        desk.wait(up_s)
        desk.close(f"p{number}", lasted_s=up_s)
        desk.wait(down_s)
    assert 1 <= desk.last.bells <= most


def test_a_first_red_message_is_not_kept_back_by_flashes_before_it() -> None:
    """What was red for a moment, and told when that was over, was seen by nobody."""
    desk = Desk(Severity.INFO)
    desk.open("b", "binance", rule="silence")
    desk.open("o", "okx", rule="silence")
    desk.wait(4.0)
    for number in range(2):
        desk.open(f"p{number}")
        desk.wait(1.0)
        desk.close(f"p{number}")
        desk.wait(0.5)
    desk.wait(12.0)
    bells = desk.last.bells
    desk.open("p2")
    assert [told.bells for told in desk.wait(2.0)] == [bells + 1]


def test_what_is_told_anyway_is_as_bad_as_what_is_wrong_then(desk: Desk) -> None:
    """And does not ring a second time when that has lasted, too."""
    desk.take(LinkChanged("reading prices", False, "no answer", WALL, None))
    desk.wait(2.0)
    desk.open("p")
    [told] = desk.wait(1.0)
    assert (told.event, told.severity) == ("opened", Severity.CRITICAL)
    assert desk.wait(0.5) == []
    desk.close("p", lasted_s=1.5)
    [later] = desk.wait(60.0)
    assert (later.severity, later.bells) == (Severity.CRITICAL, 0)


def test_nothing_changes_nothing_is_told(desk: Desk) -> None:
    desk.take(LinkChanged("reading prices", False, "no answer from a", WALL, None))
    desk.wait(5.0)
    for number in range(10):
        desk.wait(60.0)
        desk.take(LinkChanged("reading prices", False, f"no answer from {number}", WALL, None))
    assert desk.events == ["opened"]


def test_what_opens_long_after_is_a_case_of_its_own(desk: Desk) -> None:
    desk.take(LinkChanged("reading prices", False, "no answer", WALL, None))
    desk.wait(70.0)
    desk.open("a", "binance", rule="disagreement")
    assert [told.event for told in desk.wait(5.0)] == ["opened"]
    assert len({told.id for _, told in desk.told}) == 2
    assert kinds(desk) == ["source"]


def test_who_flaps_does_not_swallow_what_is_new(desk: Desk) -> None:
    for number in range(40):
        desk.open(f"p{number}")
        desk.wait(2.0)
        desk.close(f"p{number}")
        desk.wait(2.0)
    desk.take(LinkChanged("reading prices", False, "no answer", WALL, None))
    assert "opened" in [told.event for told in desk.wait(4.0)]


def test_lesser_things_make_no_case_but_are_told_beside_one(desk: Desk) -> None:
    desk.open("b", "binance", rule="silence")
    assert desk.wait(600.0) == [] and not desk.cases.is_busy
    desk.open("p")
    [told] = desk.wait(3.5)
    assert kinds(desk) == ["price", "source"] and told.opened_at == WALL + 600.0
    desk.close("p", lasted_s=3.5)
    [closed] = desk.wait(40.0)
    assert closed.event == "closed" and closed.lasted_s == pytest.approx(3.5)
    assert [item.is_open for item in closed.items] == [False, True]
    desk.open("q", symbol="ETHUSDT")
    desk.wait(3.5)
    assert kinds(desk) == ["price", "source"]


def test_a_source_that_comes_to_be_put_away_becomes_a_case(desk: Desk) -> None:
    desk.open("b", "binance", rule="silence")
    desk.wait(100.0)
    desk.open("b", "binance", rule="disagreement", revision=2)
    [told] = desk.wait(3.5)
    assert told.severity == Severity.WARNING and told.items[0].fact.rule == "disagreement"


def test_what_is_told_from_info_on_has_every_source(desk: Desk) -> None:
    desk = Desk(Severity.INFO)
    desk.open("b", "binance", rule="silence", cause="drill: silence for 10 s")
    assert [told.severity for told in desk.wait(4.0)] == [Severity.INFO]
    assert desk.last.items[0].fact.is_drill


def test_a_time_without_a_bot_is_told_as_over(desk: Desk) -> None:
    desk.now = 1000.0
    desk.take(incident("d", None, None, DOWN, opened_at=desk.wall - 600.0, closed_at=desk.wall,
                       duration_ms=600_000.0))
    [told] = desk.wait(5.0)
    assert (told.event, told.severity) == ("closed", Severity.WARNING)
    assert told.lasted_s == pytest.approx(600.0) and told.closed_at == pytest.approx(WALL + 1000.0)
    assert not desk.cases.is_busy and desk.wait(100.0) == []


def test_a_start_after_which_something_is_wrong_is_one_case(desk: Desk) -> None:
    desk.take(incident("d", None, None, LOST, closed_at=WALL, duration_ms=0.0))
    desk.open("p")
    assert [told.event for told in desk.wait(5.0)] == ["opened"]
    assert kinds(desk) == ["price", "lost"]


def test_a_short_restart_and_what_an_earlier_life_left_are_not_told(desk: Desk) -> None:
    desk.take(incident("d", None, None, DOWN, closed_at=WALL, duration_ms=5_000.0),
              incident("old", None, closed_at=WALL, duration_ms=90_000.0, revision=2))
    assert desk.wait(10.0) == [] and not desk.cases.is_busy


def test_an_end_that_overtakes_its_beginning_is_an_end(desk: Desk) -> None:
    desk.close("p")
    desk.open("p")
    assert desk.wait(60.0) == [] and not desk.cases.is_busy


def test_old_news_change_nothing(desk: Desk) -> None:
    desk.open("b", "binance", rule="disagreement", revision=2)
    desk.open("b", "binance", rule="silence", revision=1)
    desk.wait(4.0)
    assert desk.last.items[0].fact.rule == "disagreement"


def test_an_end_that_was_lost_is_made_up_for_by_the_next_beginning(desk: Desk) -> None:
    desk.open("p1")
    desk.wait(100.0)
    desk.open("p2")
    desk.wait(10.0)
    desk.close("p2", lasted_s=10.0)
    desk.wait(700.0)
    assert desk.events[-1] == "closed" and not desk.cases.is_busy
    assert desk.last.items[0].times == 2


def test_what_the_bot_did_before_and_meanwhile_is_told(desk: Desk) -> None:
    desk.take(SourceSwitched("BTCUSDT", "binance", "okx", WALL, "silent"),
              SourceSwitched("ETHUSDT", "binance", "okx", WALL, "silent"),
              tier("websocket", None))
    desk.wait(10.0)
    desk.open("p")
    desk.take(tier("mock"))
    desk.wait(3600.0)
    desk.take(tier("websocket", "mock"))
    desk.close("p", lasted_s=3600.0)
    desk.wait(40.0)
    assert {(path.kind, path.symbol): path.stops for path in desk.last.paths} == {
        ("source", "BTCUSDT"): ("binance", "okx"),
        ("tier", "BTCUSDT"): ("websocket", "mock", "websocket")}


def test_a_long_way_is_cut_in_the_middle_and_counted(desk: Desk) -> None:
    desk.open("p")
    for _ in range(20):
        desk.take(SourceSwitched("BTCUSDT", "binance", "okx", WALL, "silent"),
                  SourceSwitched("BTCUSDT", "okx", "binance", WALL, "fit again"))
    desk.wait(4.0)
    [path] = desk.last.paths
    assert path.moves == 40 and len(path.stops) <= 8


def test_a_tier_is_told_at_its_worst_when_it_is_over(desk: Desk) -> None:
    desk.take(tier("mock"))
    desk.wait(10.0)
    desk.take(tier("okx", "mock"))
    desk.wait(60.0)
    assert desk.last.items[0].fact.to == "okx"
    desk.take(tier("websocket", "okx"))
    desk.wait(40.0)
    assert desk.last.event == "closed" and desk.last.items[0].fact.to == "mock"


def test_a_record_that_is_not_kept_is_a_case_until_it_is_again(desk: Desk) -> None:
    desk.take(RecordingChanged(False, "disk", "the disk runs low", WALL))
    desk.wait(30.0)
    desk.take(RecordingChanged(False, "record", "disk full", WALL))
    desk.wait(60.0)
    desk.take(RecordingChanged(True, "good", "recording", WALL))
    desk.wait(40.0)
    assert desk.events == ["opened", "updated", "closed"]
    assert desk.last.items[0].fact.rule == "record"
