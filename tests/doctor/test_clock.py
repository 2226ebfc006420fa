"""Whose clock is wrong."""

import pytest

from bot.doctor.clock import compare_clocks, ntp_state
from bot.doctor.finding import ClockReading


def reading(whose: str, ahead_s: float, within_s: float = 0.05) -> ClockReading:
    return ClockReading(whose, ahead_s, within_s)


@pytest.mark.parametrize("readings, level, words", [
    ([("binance", 0.002), ("okx", -0.010)], "ok", "10 ms (+-50 ms) behind okx, 2 ms"),
    ([("binance", 0.9), ("okx", 0.95)], "ok", "ahead of"),
    ([("binance", 2.0), ("okx", 2.1)], "warn", "it is this machine that is wrong"),
    ([("binance", 3600.0), ("okx", 3600.2)], "fail", "it is this machine that is wrong"),
    ([("binance", -90.0), ("okx", -90.0)], "fail", "90 s (+-50 ms) behind"),
    ([("binance", 0.0), ("okx", 30.0)], "warn", "they contradict one another"),
    ([("okx", 120.0)], "fail", "nobody else was reached"),
    ([("okx", 0.0)], "ok", "0 ms"),
    ([], "warn", "not compared"),
])
def test_two_that_agree_outvote_a_third(
    readings: list[tuple[str, float]], level: str, words: str
) -> None:
    (finding,) = compare_clocks([reading(*one) for one in readings])
    assert finding.level == level and words in finding.words, finding
    assert bool(finding.remedy) is (level != "ok")


def test_a_long_way_excuses_a_difference() -> None:
    (finding,) = compare_clocks([reading("okx", 3.0, within_s=2.5)])
    assert finding.level == "ok"


def test_of_each_exchange_the_sharpest_reading_counts() -> None:
    (finding,) = compare_clocks([reading("okx", 5.0, 4.0), reading("okx", 0.01, 0.02)])
    assert finding.words == "this machine is 10 ms (+-20 ms) ahead of okx"


@pytest.mark.parametrize("told, levels", [
    ("NTP=yes\nNTPSynchronized=yes\n", ["ok"]), ("NTP=yes\nNTPSynchronized=no\n", ["warn"]),
    ("NTP=no\nNTPSynchronized=no\n", ["warn"]), ("", []), ("garbage", [])])
def test_what_the_system_says_of_itself_is_told(told: str, levels: list[str]) -> None:
    assert [finding.level for finding in ntp_state(told)] == levels
