"""Whose clock is wrong: the exchanges' and ours compared."""

import pytest

from bot.judging.clocks import behind_s, our_offset_s


@pytest.mark.parametrize("offsets, behind", [
    ({"a": 0.05}, 0.0),
    ({"a": 3600.0}, 0.0),
    ({"a": 0.05, "b": 0.06}, 0.0),
    ({"a": 3600.0, "b": 0.06}, 3599.94),
    ({"a": 0.05, "b": 3600.0}, 0.0),
    ({"a": 3600.05, "b": 3600.1}, 0.0),
    ({"a": -3600.0, "b": 0.05}, 0.0),
    ({"a": 60.0, "b": 0.05, "c": 0.1}, 59.95),
    ({"a": 3600.0, "b": 3600.1, "c": 3600.2}, 0.0),
    ({"a": None, "b": 0.05}, 0.0),
    ({"a": 3600.0, "b": None}, 0.0),
])
def test_a_source_is_late_only_against_every_other_clock(
    offsets: dict[str, float | None], behind: float
) -> None:
    assert behind_s("a", offsets) == pytest.approx(behind)


@pytest.mark.parametrize("offsets, ours", [
    ({"a": 3600.0, "b": 3600.2}, 3600.1),
    ({"a": -30.0, "b": -30.2}, -30.1),
    ({"a": 0.05, "b": 0.1}, None),
    ({"a": 3600.0, "b": 0.1}, None),
    ({"a": 3600.0}, None),
    ({"a": 3600.0, "b": None}, None),
])
def test_it_is_our_clock_when_all_agree_on_that(
    offsets: dict[str, float | None], ours: float | None
) -> None:
    assert our_offset_s(offsets) == (None if ours is None else pytest.approx(ours))
