"""The record: who holds it, can it be opened, whose archive is it."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from bot.config import Config
from bot.doctor.record import archive, disk, file
from bot.record.mark import Mark, held_by
from bot.record.opening import open_file
from bot.sandbox.server import Sandbox
from bot.worker import Deadline
from tests.doctor.helpers import config, only
from tests.helpers import eventually
from tests.processes import daemon, free_port

SOON = Deadline(5.0)
HOLD = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    return config(DUCKDB_PATH=str(tmp_path / "data/x.duckdb"), API_PORT=str(free_port()))


def made(settings: Config) -> Path:
    path = settings.duckdb_path
    open_file(path, path.parent / "archive").con.close()
    return path


def found(settings: Config) -> tuple[str, str, str]:
    finding = only(file(settings, SOON))
    return finding.level, finding.words, finding.remedy


def test_no_file_yet_is_well_and_none_is_made(settings: Config) -> None:
    assert found(settings)[0] == "ok" and only(disk(settings, SOON)).level == "ok"
    assert only(archive(settings, SOON)).level == "ok"
    assert not settings.duckdb_path.parent.exists()


def test_a_file_that_can_be_opened_is_well(settings: Config) -> None:
    path = made(settings)
    before = path.read_bytes()
    assert found(settings)[:2] == ("ok", "can be opened, and holds nothing yet")
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO openings VALUES (TIMESTAMP '2026-11-01', 'x', 3, '0.1', 1000)")
    assert "1 start since 2026-11-01" in found(settings)[1]
    assert len(before) > 0


def test_what_is_no_file_keeps_the_bot_from_recording(settings: Config) -> None:
    settings.duckdb_path.mkdir(parents=True)
    level, words, remedy = found(settings)
    assert level == "fail" and "not a regular file" in words and "moved aside" not in words
    assert "DUCKDB_PATH" in remedy


def test_a_file_of_a_newer_program_is_a_failure(settings: Config) -> None:
    with duckdb.connect(str(made(settings))) as con:
        con.execute("INSERT INTO openings VALUES (TIMESTAMP '2026-11-01', 'x', 99, '9.9', 1000)")
    level, words, remedy = found(settings)
    assert level == "fail" and "newer version of this program (9.9)" in words
    assert "DUCKDB_PATH" in remedy


def test_a_damaged_file_is_a_warning_for_the_bot_moves_it_aside(settings: Config) -> None:
    made(settings).write_bytes(b"no database at all" * 1000)
    level, words, _ = found(settings)
    assert level == "warn" and "move it aside" in words


def test_one_that_a_stranger_holds_is_a_failure_that_names_him(settings: Config) -> None:
    path = made(settings)
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        level, words, remedy = found(settings)
        holder.communicate("\n")
    assert level == "fail" and f"held by process {holder.pid} (" in words
    assert "end that process" in remedy


def test_one_that_our_running_bot_holds_is_well(tmp_path: Path, sandbox: Sandbox) -> None:
    names = {"ENABLE_WEBSOCKET_FEEDS": "true", "INSTANCE_ID": "mine"}
    with daemon(tmp_path, sandbox.environment() | names) as bot:
        bot.wait_for("DuckDB Analytics: ACTIVE")
        here = config(DUCKDB_PATH=str(tmp_path / "data/analytics.duckdb"), API_PORT=str(bot.port))

        def well() -> bool:
            level, words, _ = found(here)
            return level == "ok" and f"held by the running bot 'mine' (process {bot.process.pid}" \
                in words
        eventually(well)
        elsewhere = config(DUCKDB_PATH=str(tmp_path / "data/analytics.duckdb"),
                           API_PORT=str(free_port()))
        level, words, remedy = found(elsewhere)
        assert level == "fail" and "no bot answers" in words and "API_PORT" in remedy
        assert bot.terminate() == 0


def test_the_archive_of_another_record_is_a_failure(settings: Config, tmp_path: Path) -> None:
    folder = settings.duckdb_path.parent / "archive"
    folder.mkdir(parents=True)
    other = tmp_path / "other.duckdb"
    (folder / ".owner").write_text(f"{other}\n")
    assert only(archive(settings, SOON)).level == "ok", "its owner is gone"
    other.write_text("")
    finding = only(archive(settings, SOON))
    assert finding.level == "fail" and str(other) in finding.words
    (folder / ".owner").write_text(f"{settings.duckdb_path.absolute()}\n")
    assert only(archive(settings, SOON)).level == "ok"


def test_files_of_the_archive_that_are_missing_are_told(settings: Config) -> None:
    with duckdb.connect(str(made(settings))) as con:
        con.execute("INSERT INTO days BY NAME SELECT 'updates' AS table_name, DATE '2026-11-01'"
                    " AS day, 'updates/day=2026-11-01/updates.parquet' AS file")
    level, words, _ = found(settings)
    assert level == "warn" and "1 files of the archive are missing" in words


def test_the_mark_says_who_holds_it_and_is_not_touched(settings: Config) -> None:
    path = made(settings)
    assert held_by(path) is None and not path.with_name("x.duckdb.mark").exists()
    mark = Mark(path)
    assert held_by(path) == str(os.getpid())
    mark.close()
    assert held_by(path) is None
    assert Mark(path).last is None
