"""The DuckDB file does not grow from month to month."""

from pathlib import Path

import pytest

from bot.record import rounds
from bot.record.opening import SETTINGS
from tests.record.months import Months


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(rounds, "SLICE_S", 0.01)
    monkeypatch.setitem(SETTINGS, "checkpoint_threshold", "500KB")


def test_the_file_of_day_90_is_as_large_as_that_of_day_10(tmp_path: Path) -> None:
    months = Months(tmp_path / "analytics.duckdb", rows_a_day=1_000, retention_days=30)
    sizes = months.live(90)
    assert max(sizes[60:]) < 1.25 * max(sizes[:10])
    assert months.days_kept in (30, 31)
