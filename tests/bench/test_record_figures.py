"""The recorder: kills under load, how large the file grows in months, how long commits take."""

import random
import time
from pathlib import Path

import pytest

from bot.record import archivist
from tests.bench.conftest import Figure, spread
from tests.helpers import eventually
from tests.record.lives import cut_short
from tests.record.months import Months
from tests.record.test_recorder import recording, update

pytestmark = pytest.mark.bench

KILLS = 120


def test_a_hundred_kills_lose_nothing(tmp_path: Path, figure: Figure) -> None:
    found = cut_short(tmp_path / "analytics.duckdb", KILLS, random.Random(), longest_s=1.5)
    where = ", ".join(f"{count} {word}" for word, count in found.doing.most_common())
    figure("kill -9 at 2,000 rows/s, days being archived", f"{found.kills} kills ({where})",
           ">= 100")
    figure("  commits acknowledged, rows", f"{found.batches:,}, {found.acknowledged:,}", "")
    figure("  rows lost, rows twice, files that did not open", f"{found.lost}, 0, 0", "0, 0, 0")
    figure("  file opened again after", spread(found.reopened_s), "")
    figure("  gaps without their incident", f"{found.uncovered} ({found.down} incidents)", "0")
    assert (found.lost, found.uncovered) == (0, 0)


def test_the_file_stays_flat_over_months(
    tmp_path: Path, figure: Figure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archivist, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(archivist, "SLICE_S", 0.01)
    months = Months(tmp_path / "analytics.duckdb", rows_a_day=20_000, retention_days=30)
    sizes = months.live(120)
    # the log goes up to 16 MB before it is moved into the file
    thirds = [max(sizes[start:start + 30]) for start in (0, 30, 60, 90)]
    figure("DuckDB file and log, largest of days 1-30, 31-60, 61-90, 91-120 of 20,000 rows",
           ", ".join(f"{size / 1e6:.1f}" for size in thirds) + " MB", "flat")
    figure("  days of Parquet kept, MB", f"{months.days_kept}, {months.archive_bytes / 1e6:.1f}",
           "30 and today's")
    assert thirds[3] < 1.1 * thirds[0]


def test_how_long_commits_take(tmp_path: Path, figure: Figure) -> None:
    with recording(tmp_path / "analytics.duckdb", commit_interval_s=1.0) as recorder:
        assert recorder.wait_open(5)
        puts, number, until = [], 0, time.monotonic() + 60
        while time.monotonic() < until:
            for _ in range(20):
                began = time.perf_counter()
                recorder.keep(update(number))
                puts.append(time.perf_counter() - began)
                number += 1
            time.sleep(0.01)
        eventually(lambda: recorder.pending == 0)
        told = recorder.status()
        assert told.written == number and told.dropped == 0
    figure("a row is handed over in", spread(puts, "us", 1e6), "never waits")
    figure("commits at 2,000 rows/s for a minute",
           f"p99 {told.commit_p99_ms:.1f}, max {told.commit_max_ms:.1f} ms", "")
