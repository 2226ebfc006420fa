"""The archive outlives the DuckDB file: no file goes that has rows which are nowhere else."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.record import archive
from bot.record.database import Database
from tests.helpers import eventually
from tests.record.test_archive import FIRST, FIRST_MS, archived, archiving, counted, fill, trade
from tests.record.test_recorder import recording

LATER = FIRST + timedelta(days=3, hours=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("bot.record.rounds.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("bot.record.rounds.SLICE_S", 0.01)
    yield


def a_record(path: Path) -> None:
    """Three days in the archive, none in the file."""
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=3)
        archived(recorder, LATER)


def parquet(path: Path) -> list[str]:
    return sorted(file.name for file in (path.parent / "archive").rglob("*.parquet"))


def test_a_lost_file_leaves_the_archive_as_it_was(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    a_record(path)
    before = parquet(path)
    path.write_bytes(b"this was never a database\n" * 500)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        assert counted(recorder, "updates") == 0
        archived(recorder, LATER)
        assert counted(recorder, "updates") == counted(recorder, "served") == 150
        assert counted(recorder, "samples") == 3 and counted(recorder, "bars") > 0
    assert parquet(path) == before
    assert "was not known of; its rows are of the record again" in caplog.text


def test_rows_that_came_after_the_loss_do_not_overwrite_the_day_of_before(path: Path) -> None:
    a_record(path)
    path.unlink()
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(trade(FIRST_MS + 999_000, 99))
        eventually(lambda: recorder.pending == 0)
        archived(recorder, LATER)
        assert counted(recorder, "updates") == 151


def test_an_older_file_put_back_brings_no_row_twice(path: Path) -> None:
    """As after the loss of the log: days that were dropped are in the file again, in part."""
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=2)
    shutil.copy(path, path.with_suffix(".old"))
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(trade(FIRST_MS + 999_000, 777))
        eventually(lambda: recorder.pending == 0)
        archived(recorder, LATER)
    shutil.move(path.with_suffix(".old"), path)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        archived(recorder, LATER)
        assert counted(recorder, "updates") == 101
        with recorder.reading() as con:
            assert con.execute("SELECT count(*) FROM updates").fetchall() == [(0,)]
    assert [name for name in parquet(path) if name.startswith("updates")] == [
        "updates-2.parquet", "updates-2.parquet"]


def test_what_a_kill_before_the_drop_leaves_is_deleted(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        with recorder.reading() as con:
            for table in ("updates", "served"):
                archive.export(con, recorder.archive, table, date(2026, 9, 1))
            archive.export_bars(con, recorder.archive, date(2026, 9, 1), LATER)
        draft = recorder.archive / "updates" / "day=2026-09-01" / "updates-2.tmp"
        draft.write_text("half a file")
        archived(recorder, LATER)
        assert counted(recorder, "updates") == 50
        eventually(lambda: len(parquet(path)) == 4)
        assert not draft.exists()


def test_a_file_that_is_not_ours_is_left_alone_and_holds_nothing_up(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd = path.parent / "archive" / "updates" / "day=2026-09-01" / "updates.parquet"
    odd.parent.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1 AS mood) TO '{odd}' (FORMAT parquet)")
    broken = odd.with_name("updates-2.parquet")
    broken.write_text("no Parquet")
    a_record(path)
    assert odd.exists() and broken.exists()
    assert caplog.text.count("cannot be used, and is left alone") == 2


def test_a_drop_that_fails_costs_the_recorder_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drop = Database.drop

    def failing(database: Database, closed: archive.Closed) -> bool:
        with database._transaction():
            database._con.execute("SELECT error('no memory for it')")
        return drop(database, closed)

    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        monkeypatch.setattr(Database, "drop", failing)
        with archiving(recorder, LATER) as archivist:
            eventually(lambda: "no memory for it" in archivist.state)
            recorder.keep(trade(FIRST_MS + 3 * 86_400_000, 99))
            eventually(lambda: recorder.pending == 0)
            assert recorder.active
        assert "Not recording" not in caplog.text
        monkeypatch.setattr(Database, "drop", drop)
        archived(recorder, LATER)
        assert counted(recorder, "updates") == 51


@pytest.mark.parametrize("committed", [False, True])
def test_a_drop_in_doubt_neither_loses_rows_nor_doubles_them(
    path: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    """The instance dies in it, before or after the commit; the recorder opens the file again."""
    drop = Database.drop
    faults: list[bool] = []

    def dying(database: Database, closed: archive.Closed) -> bool:
        if not faults:
            faults.append(drop(database, closed) if committed else False)
            database._con.close()
            raise RecorderError("the disk failed")
        return drop(database, closed)

    monkeypatch.setattr("bot.record.rounds.RETRY_S", 0.0)
    monkeypatch.setattr(Database, "drop", dying)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        archived(recorder, LATER)
        assert faults and counted(recorder, "updates") == counted(recorder, "served") == 50
