"""Whose clock is wrong."""

import pytest

from bot.doctor.clock import compare_clocks, ntp
from bot.doctor.finding import ClockReading
from bot.worker import Deadline
from tests.doctor.conftest import Command
from tests.doctor.helpers import only


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


@pytest.mark.parametrize("on, in_step, level, words", [
    ("yes", "yes", "ok", "in step"), ("yes", "no", "warn", "is on, but"),
    ("no", "no", "warn", "is off")])
def test_what_the_system_says_of_itself_is_told(
    command: Command, on: str, in_step: str, level: str, words: str
) -> None:
    command("timedatectl", f"echo NTP={on}; echo NTPSynchronized={in_step}")
    finding = only(ntp(Deadline(5.0)))
    assert finding.level == level and words in finding.words


@pytest.mark.parametrize("script, words", [
    ("exec sleep 60", "no answer within 0.2 s"), ("echo garbage", "said: nothing"),
    ("echo Failed to connect to bus >&2; exit 1", "Failed to connect to bus"),
    (None, "timedatectl: No such file")])
def test_a_system_that_does_not_say_it_is_a_warning(
    command: Command, script: str | None, words: str
) -> None:
    command("timedatectl", script)
    finding = only(ntp(Deadline(5.0)))
    assert finding.level == "warn" and finding.subject == "NTP" and finding.remedy
    assert "could not be asked about: timedatectl" in finding.words and words in finding.words


def test_where_there_is_no_systemd_it_says_so(without_systemd: None) -> None:
    finding = only(ntp(Deadline(5.0)))
    assert finding.level == "skip" and "no systemd here" in finding.words
