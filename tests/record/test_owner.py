"""An archive is of one record; what is gone from it holds nothing up."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import RecorderError
from bot.record.archivist import Archivist
from bot.record.owner import own
from tests.helpers import eventually
from tests.record.test_archive import FIRST, archiving, fill, restless  # noqa: F401
from tests.record.test_recorder import path, read, recording  # noqa: F401


def test_two_records_never_share_an_archive(tmp_path: Path) -> None:
    folder, ours, theirs = tmp_path / "archive", tmp_path / "a.duckdb", tmp_path / "b.duckdb"
    ours.touch()
    theirs.touch()
    own(folder, ours, [])
    own(folder, ours, [])
    with pytest.raises(RecorderError, match=f"is the archive of {ours}: set ARCHIVE_DIR"):
        own(folder, theirs, [])
    ours.unlink()  # it was renamed
    own(folder, theirs, [])


def test_a_folder_that_is_not_mounted_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with pytest.raises(RecorderError, match="1 files are missing: mount it"):
        own(folder, tmp_path / "a.duckdb", ["updates/day=2026-09-01/updates.parquet"])
    assert not folder.exists()
    folder.mkdir()
    (folder / ".owner").touch()
    own(folder, tmp_path / "a.duckdb", ["updates/day=2026-09-01/updates.parquet"])


def test_a_file_that_is_gone_is_told_and_holds_no_other_day_up(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        fill(recorder, 2)
        with archiving(recorder, FIRST + timedelta(days=1, hours=1)) as archivist:
            eventually(lambda: archivist.looks)
        (recorder.archive / "updates/day=2026-09-01/updates.parquet").unlink()
        with archiving(recorder, FIRST + timedelta(days=2, hours=1)) as archivist:
            eventually(lambda: archivist.looks)
            assert archivist.state == ""
        eventually(lambda: recorder.pending == 0)
        assert (recorder.archive / "updates/day=2026-09-02/updates.parquet").exists()
    assert read(path, "SELECT count(*) FROM updates") == [(0,)]
    ((cause, opened_at, closed_at),) = read(
        path, "SELECT cause, opened_at, closed_at FROM incidents WHERE rule = 'lost'")
    assert str(cause).startswith("updates of 2026-09-01 in the archive: ")
    assert str(cause).endswith("updates.parquet is gone")
    assert (opened_at, closed_at) == (FIRST, FIRST + timedelta(days=1))


def test_a_clock_that_was_set_far_ahead_deletes_nothing(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        fill(recorder, 1)
        now, mono = FIRST + timedelta(days=1, hours=1), 1000.0
        archivist = Archivist(recorder, 30, now=lambda: now, mono=lambda: mono)
        archivist.start()
        eventually(lambda: archivist.looks)
        now, mono, looks = now + timedelta(days=400), mono + 1.0, archivist.looks
        eventually(lambda: "the clock was set" in archivist.state)
        assert archivist.looks <= looks + 1
        now -= timedelta(days=400)
        archivist.stop()
        assert archivist.join(5) and archivist.failure is None
        assert (recorder.archive / "updates/day=2026-09-01/updates.parquet").exists()


def test_a_folder_of_a_day_that_there_is_not_is_none_of_ours(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        fill(recorder, 1)
        odd = recorder.archive / "updates/day=2026-02-30/updates.parquet"
        odd.parent.mkdir(parents=True)
        odd.write_text("x")
        with archiving(recorder, FIRST + timedelta(days=1, hours=1)) as archivist:
            eventually(lambda: archivist.looks > 1)
        assert odd.exists()
