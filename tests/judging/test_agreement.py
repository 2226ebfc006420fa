"""Who agrees with whom: chrony's own test, said of prices, and what a venue's vote is."""

import pytest

from bot.judging.agreement import (
    BASIS_CAP, LEARNT_VOTES, Agreement, Habit, Statement, agree, learn, spread_of, stated,
)

HALF = 5.0


def says(who: str, price: float, half: float = HALF) -> Statement:
    return Statement(who, who.removesuffix(" rest"), price, price - half, price + half)


def outcome(**prices: float) -> Agreement:
    """Underscores stand for the blank in `okx rest`."""
    return agree([says(who.replace("_", " "), price) for who, price in prices.items()])


@pytest.mark.parametrize("prices, members", [
    ({"a": 100.0}, "a"),
    ({"a": 100.0, "b": 104.0}, "ab"),
    ({"a": 100.0, "b": 104.0, "c": 150.0}, "ab"),
    ({"a": 100.0, "b": 150.0, "c": 104.0}, "ac"),
    ({"a": 100.0, "b": 101.0, "c": 102.0, "d": 150.0}, "abc"),
    ({"a": 100.0, "b": 101.0, "c": 102.0, "d": 150.0, "e": 155.0}, "abc"),
    ({"a": 100.0, "b": 101.0, "c": 102.0, "d": 150.0, "e": 300.0}, "abc"),
])
def test_the_majority_is_found_and_the_liars_are_outside(
    prices: dict[str, float], members: str
) -> None:
    found = outcome(**prices)
    assert found.majority and "".join(found.members) == members
    assert set(found.outside) == set(prices) - set(members)


@pytest.mark.parametrize("prices", [
    {"a": 100.0, "b": 150.0},
    {"a": 100.0, "b": 150.0, "c": 200.0},
    {"a": 100.0, "b": 101.0, "c": 150.0, "d": 151.0},
    {"a": 100.0, "b": 101.0, "c": 150.0, "d": 200.0, "e": 250.0},
])
def test_without_a_majority_nobody_is_called_right(prices: dict[str, float]) -> None:
    """Three of four that lie together cannot be told from one that does."""
    assert outcome(**prices).disputed


@pytest.mark.parametrize("prices, members, majority", [
    ({"a": 100.0, "b": 150.0, "b_rest": 101.0}, ("a", "b rest"), True),
    ({"a": 100.0, "b": 150.0, "b_rest": 151.0}, ("b", "b rest"), False),
    ({"a": 100.0, "a_rest": 100.0, "b": 150.0, "b_rest": 150.0}, (), False),
    ({"a": 100.0, "a_rest": 150.0}, (), False),
    ({"a": 100.0, "a_rest": 101.0}, ("a", "a rest"), True),
    ({"a": 100.0, "b_rest": 101.0}, ("a", "b rest"), True),
    ({"a": 100.0, "a_rest": 150.0, "b_rest": 151.0}, ("a rest", "b rest"), True),
    ({"a": 100.0, "b": 101.0, "a_rest": 150.0}, ("a", "b"), True),
    ({"a": 100.0, "a_rest": 100.0, "b": 150.0, "c": 151.0}, ("b", "c"), True),
])
def test_rest_breaks_a_tie_and_adds_no_vote_to_its_venue(
    prices: dict[str, float], members: tuple[str, ...], majority: bool
) -> None:
    found = outcome(**prices)
    assert (found.members, found.majority) == (members, majority)


def test_one_in_the_middle_keeps_both_sides_in() -> None:
    assert outcome(a=100.0, b=108.0, c=116.0).members == ("a", "b", "c")


def test_nobody_says_anything() -> None:
    assert agree([]) == Agreement() and not Agreement().disputed


def test_the_interval_widens_with_spread_age_and_haste() -> None:
    def half(bid: float = 59_999.0, ask: float = 60_001.0, age_s: float = 0.0, rush: float = 0.0,
             habit: Habit = Habit()) -> float:
        return stated("a", "a", 60_000.0, bid, ask, age_s, 0.0002, rush, habit).half

    calm = half()
    assert half(bid=59_900.0) > calm and half(age_s=4.0) == pytest.approx(calm + 24.0)
    assert half(rush=-0.001) == pytest.approx(calm + 60.0)
    assert half(habit=Habit(votes=LEARNT_VOTES)) < calm


def told(habits: dict[str, Habit], votes: int, **prices: float) -> dict[str, Habit]:
    for _ in range(votes):
        habits = dict(learn(habits, [says(who, price) for who, price in prices.items()]))
    return habits


def test_a_lasting_difference_becomes_usual_and_a_new_one_does_not() -> None:
    habits = told({}, 300, a=60_000.0, b=60_030.0)
    assert (habits["b"].basis - habits["a"].basis) * 1e4 == pytest.approx(5.0, abs=0.5)

    def met(b: float) -> Agreement:
        return agree([stated(who, who, price, None, None, 0.1, 0.0001, 0.0, habits[who])
                      for who, price in (("a", 60_000.0), ("b", b))])
    assert not met(60_030.0).disputed
    assert met(60_300.0).disputed


def test_what_is_usual_has_a_limit() -> None:
    habits = told({}, 5_000, a=60_000.0, b=61_000.0)
    assert habits["b"].basis == BASIS_CAP and habits["a"].basis == -BASIS_CAP


def test_one_that_leaves_does_not_move_the_others_basis() -> None:
    habits = told({}, 500, a=60_000.0, b=60_030.0, c=60_060.0)
    before = habits["b"].basis - habits["a"].basis
    habits = told(habits, 500, a=60_000.0, b=60_030.0)
    assert habits["b"].basis - habits["a"].basis == pytest.approx(before, abs=1e-5)


def test_one_alone_teaches_nothing() -> None:
    assert learn({}, [says("a", 1.0)]) == {}


def test_spread_is_to_the_farthest() -> None:
    assert spread_of([says("a", 100.0), says("b", 104.0)], 101.0) == 3.0
    assert spread_of([], 101.0) == 0.0
