"""When REST is asked, and how seldom."""

import msgspec

from bot.judging.agreement import Agreement
from bot.judging.doubts import (
    ALONE_EVERY_S, DISPUTE_EVERY_S, LEAST_SILENCE_S, SILENCE_EVERY_S, Questions, doubts, unusual_s,
)
from bot.judging.fitness import SourceView

BOTH = ("okx", "binance")


def view(source: str, silent: float = 0.1, price: float | None = 1.0, step: float | None = None
         ) -> SourceView:
    return SourceView(source=source, connected_since=0.0, age_s=silent, silent_s=silent,
                      latency_s=None, detail="", price=price, step_s=step)


WELL = Agreement(("binance", "okx"), (), True)
ALONE = Agreement(("okx",), (), True)


def test_nobody_is_asked_while_all_is_well() -> None:
    assert doubts([view("binance"), view("okx")], WELL, "binance", 5.0, BOTH) == {}


def test_all_are_asked_about_a_dispute_and_an_outvoted_source() -> None:
    views = [view("binance"), view("okx")]
    every = dict.fromkeys(BOTH, DISPUTE_EVERY_S)
    assert doubts(views, Agreement((), ("binance", "okx"), False), "binance", 5.0, BOTH) == every
    assert doubts(views, Agreement(("okx", "okx rest"), ("binance",), True), "okx", 5.0,
                  BOTH) == every


def test_now_and_then_when_one_source_is_alone_and_often_when_it_stepped() -> None:
    views = [view("binance", price=None), view("okx")]
    assert doubts(views, ALONE, "okx", 5.0, BOTH) == dict.fromkeys(BOTH, ALONE_EVERY_S)
    views = [view("binance", price=None), view("okx", step=1.0)]
    assert doubts(views, ALONE, "okx", 5.0, BOTH) == dict.fromkeys(BOTH, DISPUTE_EVERY_S)


def test_rest_that_speaks_along_does_not_end_the_asking() -> None:
    views = [view("binance", price=None), view("okx")]
    agreement = Agreement(("okx", "okx rest", "binance rest"), (), True)
    assert doubts(views, agreement, "okx", 5.0, BOTH)


def test_what_is_unusual_is_learnt_between_a_floor_and_a_ceiling() -> None:
    def unusual(pause: float) -> float:
        return unusual_s(msgspec.structs.replace(view("okx"), pause_s=pause), 5.0)
    assert [unusual(pause) for pause in (0.05, 0.5, 9.0)] == [LEAST_SILENCE_S, 1.5, 2.0]


def test_the_active_sources_own_is_asked_when_it_has_been_silent() -> None:
    views = [view("binance", silent=2.1), view("okx")]
    assert doubts(views, WELL, "binance", 5.0, BOTH) == {"binance": SILENCE_EVERY_S}
    assert doubts(views, WELL, "okx", 5.0, BOTH) == {}
    assert doubts(views, WELL, "binance", 5.0, ("okx",)) == {}


def test_nobody_is_asked_about_sources_that_never_said_anything() -> None:
    assert doubts([view("binance", price=None)], Agreement(), None, 5.0, BOTH) == {}


def test_questions_are_asked_no_more_often_than_wanted() -> None:
    questions, asked = Questions(), 0
    for tenth in range(103):
        asked += len(list(questions.due("BTCUSDT", {"okx": 1.0}, tenth / 10)))
    assert asked == 10


def test_a_doubt_that_ends_at_once_is_not_asked_about() -> None:
    questions = Questions()
    for turn in range(20):
        assert not list(questions.due("BTCUSDT", {"okx": 4.0}, turn * 2.0))
        assert not list(questions.due("BTCUSDT", {"okx": 4.0}, turn * 2.0 + 0.9))
        assert not list(questions.due("BTCUSDT", {}, turn * 2.0 + 1.0))
    questions.due("ETHUSDT", {"okx": 4.0}, 90.0)
    assert list(questions.due("BTCUSDT", {"okx": 4.0}, 90.0)) == []
    assert list(questions.due("BTCUSDT", {"okx": 4.0}, 91.0)) == ["okx"]
