"""Folders that the bot writes to, on real disks."""

import os
import shutil
from pathlib import Path

import pytest

from bot.doctor import folders
from bot.doctor.folders import existing, writable
from bot.record.vitals import Room
from tests.doctor.disks import read_only_disk, small_disk


def test_a_folder_that_can_be_written_is_well_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    finding = writable("record", tmp_path, "DUCKDB_PATH")
    assert finding.level == "ok" and "fsync" in finding.words and "GB free" in finding.words
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_not_there_yet_is_judged_by_the_one_above_it(tmp_path: Path) -> None:
    finding = writable("record", tmp_path / "a/b", "DUCKDB_PATH")
    assert finding.level == "ok" and f"will be made in {tmp_path}" in finding.words
    assert existing(tmp_path / "a/b") == tmp_path and not (tmp_path / "a").exists()


def test_a_file_in_its_place_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    finding = writable("record", tmp_path / "data", "DUCKDB_PATH")
    assert finding.level == "fail" and "is no folder" in finding.words
    assert "DUCKDB_PATH" in finding.remedy


def test_a_disk_that_is_read_only_is_a_failure(tmp_path: Path) -> None:
    with read_only_disk(tmp_path / "disk") as disk:
        finding = writable("record", disk / "data", "DUCKDB_PATH")
    assert finding.level == "fail" and "Read-only file system" in finding.words


def test_a_disk_that_is_full_is_a_failure(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        with pytest.raises(OSError):
            (disk / "filler").write_bytes(b"x" * 2_000_000)
        finding = writable("record", disk, "DUCKDB_PATH")
        assert finding.level == "fail" and "No space left" in finding.words
        (disk / "filler").unlink()
        finding = writable("record", disk, "DUCKDB_PATH")
        assert finding.level == "fail" and "nothing is recorded" in finding.words
        assert ", 1 MB free" in finding.words


def test_a_disk_that_runs_low_or_is_slow_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path).free
    room = Room(warn=2 * free, stop=0)
    assert writable("record", tmp_path, "DUCKDB_PATH", room).level == "warn"
    monkeypatch.setattr(folders, "SLOW_FSYNC_S", 0.0)
    finding = writable("record", tmp_path, "DUCKDB_PATH", Room(warn=0, stop=0))
    assert finding.level == "warn" and finding.words.endswith("slow")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_another_user_is_a_failure(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert writable("record", tmp_path, "DUCKDB_PATH").level == "fail"
