"""The DuckDB file does not grow from month to month."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.record import archivist, rounds
from bot.record.opening import SETTINGS
from tests.record.months import Months
from tests.record.test_recorder import read


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(rounds, "SLICE_S", 0.01)
    monkeypatch.setattr(archivist, "KEPT_INCIDENTS", timedelta(days=30))
    monkeypatch.setitem(SETTINGS, "checkpoint_threshold", "500KB")


def test_the_file_of_day_90_is_as_large_as_that_of_day_10(tmp_path: Path) -> None:
    path = tmp_path / "analytics.duckdb"
    months = Months(path, rows_a_day=1_000, retention_days=30)
    sizes = months.live(90)
    assert max(sizes[60:]) < 1.25 * max(sizes[:10])
    assert months.days_kept in (30, 31)
    ((incidents, rows),) = read(path, "SELECT count(DISTINCT id), count(*) FROM incidents")
    assert 29 * 20 < incidents <= 31 * 20 and rows == incidents * 2
    assert read(path, "SELECT count(*) FROM events") == [(0,)]
