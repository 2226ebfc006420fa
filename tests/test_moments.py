from datetime import datetime, timedelta

import pytest

from bot.moments import in_iso, in_ms, moment, moment_or_ago

NOW = datetime(2026, 11, 22, 12, 0, 0, 5)


@pytest.mark.parametrize("text, meant", [
    ("2026-11-22T09:30:00Z", datetime(2026, 11, 22, 9, 30)),
    ("2026-11-22T09:30", datetime(2026, 11, 22, 9, 30)),
    ("2026-11-22 09:30:00.25", datetime(2026, 11, 22, 9, 30, 0, 250_000)),
    ("2026-11-22T09:30:00+02:00", datetime(2026, 11, 22, 7, 30)),
    ("2026-11-22", datetime(2026, 11, 22)),
    ("1795339800000", datetime(2026, 11, 22, 9, 30)),
])
def test_a_moment_may_be_written_in_several_ways(text: str, meant: datetime) -> None:
    assert moment(text) == moment_or_ago(text, NOW) == meant


@pytest.mark.parametrize("text", [
    "", "soon", "-", "-1", "-1y", "1h", "20261122", "1999-12-31", "2100-01-01", "9" * 15,
    "9" * 5000,
    "2026-13-01", "٢٠٢٦-11-22", "0001-01-01T00:00+14:00", "now ", "-999999999d", "-9999999999s"])
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment(text) is None and moment_or_ago(text, NOW) is None


@pytest.mark.parametrize("text, ago", [
    ("now", timedelta()), ("-90s", timedelta(seconds=90)), ("-5m", timedelta(minutes=5)),
    ("-1h", timedelta(hours=1)), ("-2d", timedelta(days=2))])
def test_how_long_ago_is_a_moment_where_it_is_asked_for(text: str, ago: timedelta) -> None:
    assert moment_or_ago(text, NOW) == NOW - ago
    assert moment(text) is None


def test_moments_are_told_in_utc_and_in_epoch_ms() -> None:
    assert in_iso(NOW) == "2026-11-22T12:00:00.000005Z"
    assert in_ms(datetime(2026, 11, 22, 9, 30)) == 1795339800000
