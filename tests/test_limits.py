"""How long an exchange asks to be left alone."""

from email.utils import formatdate

import pytest

from bot.limits import LONGEST_PAUSE_S, retry_after_s

NOW_S = 1_790_000_000.0


@pytest.mark.parametrize("text, seconds", [
    ("0", 0.0), ("7", 7.0), (" 7 ", 7.0), ("999999999", LONGEST_PAUSE_S),
    ("9" * 400, LONGEST_PAUSE_S), (formatdate(NOW_S + 30, usegmt=True), 30.0),
    (formatdate(NOW_S - 30, usegmt=True), 0.0), ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
    (formatdate(NOW_S + 9e6, usegmt=True), LONGEST_PAUSE_S)])
def test_it_is_a_number_of_seconds_or_a_date(text: str, seconds: float) -> None:
    assert retry_after_s(text, NOW_S) == seconds


@pytest.mark.parametrize("text", [
    "", " ", "soon", "\u00b2", "-5", "1.5", "1e400", "0x10", "Wed, 99 Foo 2026",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
def test_what_is_neither_says_nothing(text: str) -> None:
    assert retry_after_s(text, NOW_S) is None
