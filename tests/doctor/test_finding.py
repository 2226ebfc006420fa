"""Levels, exit codes, lists."""

import pytest

from bot.doctor.finding import Level, exit_code, fail, listed, ok, skip, warn


@pytest.mark.parametrize("levels, code", [
    ([], 0), (["ok"], 0), (["skip", "ok"], 0),
    (["ok", "warn"], 1), (["warn", "fail", "ok"], 2), (["fail"], 2)])
def test_the_exit_code_is_that_of_the_worst(levels: list[Level], code: int) -> None:
    made = {"ok": ok("c", "s", "w"), "skip": skip("c", "s", "w"),
            "warn": warn("c", "s", "w", "r"),
            "fail": fail("c", "s", "w", "r")}
    assert exit_code(made[level] for level in levels) == code


def test_a_long_list_is_cut_and_says_so() -> None:
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
