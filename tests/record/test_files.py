"""The record as one, to read and not to write, whatever state its files are in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.record.archivist import Archivist
from bot.record.files import Held, opened_file
from bot.record.schema import TABLES
from bot.record.selects import NoQuestion, select
from bot.record.whole import BARS
from tests.helpers import eventually
from tests.processes import ROOT
from tests.record.old_files import leave_file
from tests.record.test_archive import FIRST, FIRST_MS, fill, trade
from tests.record.test_recorder import holding, recording, update

KILLED = """
import os, sys
from pathlib import Path
from bot.record.recorder import Recorder
from tests.record.test_recorder import ANY_ROOM, update
recorder = Recorder(Path(sys.argv[1]), "primary", commit_interval_s=0.05, room=ANY_ROOM)
recorder.start()
for number in range(500):
    recorder.keep(update(number))
while recorder.written < 500:
    pass
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days, of which two are in the archive, and a row that came late for the first. Tests
    leave it as it is."""
    path = tmp_path_factory.mktemp("archived") / "data" / "analytics.duckdb"
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=3)
        archivist = Archivist(recorder, 30, now=lambda: FIRST + timedelta(days=2, minutes=11))
        archivist.start()
        eventually(lambda: archivist.looks)
        archivist.stop()
        assert archivist.join(5)
        recorder.keep(trade(FIRST_MS + 999_000, 999))
    return path


def asked(path: Path, sql: str) -> list[tuple[object, ...]]:
    with opened_file(path) as record:
        return [tuple(row) for chunk in select(record.con, sql).chunks for row in chunk]


def test_hot_rows_and_archived_days_are_one(archived: Path) -> None:
    assert asked(archived, "SELECT received_at::DATE AS day, count(*), count(DISTINCT event_id), "
                           "max(price) FROM updates GROUP BY day ORDER BY day") == [
        (date(2026, 9, 1), 51, 51, 149.0), (date(2026, 9, 2), 50, 50, 149.0),
        (date(2026, 9, 3), 50, 50, 149.0)]
    assert asked(archived, "SELECT (SELECT count(*) FROM served), (SELECT count(*) FROM samples)"
                 ) == [(150, 3)]
    assert asked(archived, "SELECT count(*) > 0, max(opened_at)::DATE FROM bars") == [
        (True, date(2026, 9, 2))]
    assert asked(archived, "SELECT count(*) FROM updates WHERE "
                           "received_at >= '2026-09-01 00:00:10' "
                           "AND received_at < '2026-09-01 00:00:20'") == [(10,)]


def test_every_table_is_there_with_its_columns_and_meanings(path: Path) -> None:
    """Also those of a file that an earlier version left."""
    leave_file(path, 1)
    with opened_file(path) as record:
        found = record.con.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
            " WHERE database_name = 'memory' ORDER BY table_oid, column_index").fetchall()
        assert found == [
            (table, column, *meaning) for table, (_, columns) in (TABLES | {"bars": BARS}).items()
            for column, meaning in columns.items()]
        assert record.con.execute("SELECT exchange, seq FROM updates").fetchall() == [
            ("binance", None)]
        assert record.con.execute("SELECT count(*) FROM incidents").fetchall() == [(0,)]


def gone(file: Path) -> str:
    file.unlink()
    return "is gone"


def truncated(file: Path) -> str:
    file.write_bytes(file.read_bytes()[:200])
    return "is damaged (No magic bytes found at end of file)"


def emptied(file: Path) -> str:
    file.write_bytes(b"")
    return "is damaged (File too small to be a Parquet file)"


def in_place_of_it(file: Path) -> str:
    """Which holds up whoever opens it."""
    file.unlink()
    os.mkfifo(file)
    return "is no file"


def of_another_day(file: Path) -> str:
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM '{file}' LIMIT 7) TO '{file}' (FORMAT parquet)")
    return "holds 7 rows, not 50"


@pytest.mark.parametrize("harm", [gone, truncated, emptied, in_place_of_it, of_another_day])
def test_files_that_cannot_be_read_are_told_and_the_others_are_read(
    archived: Path, tmp_path: Path, harm: Callable[[Path], str]
) -> None:
    copy = shutil.copytree(archived.parent, tmp_path / "copy")
    file = copy / "archive/updates/day=2026-09-01/updates.parquet"
    why = harm(file)
    with opened_file(copy / archived.name) as record:
        ((told, words),) = record.missing
        assert told == file and words.startswith(why)
        assert record.con.execute("SELECT count(*) FROM updates").fetchall() == [(101,)]
        assert record.con.execute("SELECT count(*) FROM served").fetchall() == [(150,)]


def test_a_killed_bots_log_is_read_and_left_to_it(path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], cwd=ROOT,
                            env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=30)
    assert killed.returncode == -signal.SIGKILL
    log = path.with_name(f"{path.name}.wal")
    before = log.read_bytes()
    assert before and asked(path, "SELECT count(*) FROM updates") == [(500,)]
    assert log.read_bytes() == before
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(update(500))
    assert asked(path, "SELECT count(*), sum(volume) FROM updates") == [(501, 125_250)]


def test_a_file_that_is_held_is_told_with_its_holder(path: Path) -> None:
    leave_file(path, 2)
    with holding(path) as holder, pytest.raises(Held, match=f"held by process {holder.pid}$"):
        asked(path, "SELECT 1")


def test_several_may_read_at_once(path: Path) -> None:
    leave_file(path, 2)
    with opened_file(path):
        code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"
        assert subprocess.run([sys.executable, "-c", code, str(path)], timeout=20).returncode == 0


def test_what_is_no_record_is_told(path: Path) -> None:
    with pytest.raises(RecorderError, match="there is no record at"):
        asked(path, "SELECT 1")
    path.parent.mkdir()
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE openings_of_a_shop (i INTEGER)")
    with pytest.raises(RecorderError, match="is no record of this program"):
        asked(path, "SELECT 1")
    path.write_text("this is no database\n" * 1000)
    with pytest.raises(RecorderError, match="cannot be read: .*not a valid DuckDB database"):
        asked(path, "SELECT 1")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("closed", ["folder", "file"])
def test_a_file_of_another_user_is_told_with_what_to_do(closed: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "analytics.duckdb"
        leave_file(path, 2)
        path.parent.chmod(0o755 if closed == "file" else 0)
        path.chmod(0)
        with as_nobody(), pytest.raises(RecorderError, match="not be read by this user; .*sudo"):
            asked(path, "SELECT 1")
        path.parent.chmod(0o700)


@pytest.mark.parametrize("sql", [
    "INSERT INTO record.updates(price) VALUES (1)", "DELETE FROM record.updates",
    "UPDATE record.updates SET price = 1", "DROP TABLE record.updates", "DROP VIEW updates",
    "ATTACH '{archive}/new.duckdb' AS new", "COPY updates TO '{archive}/new.csv'",
    "COPY record.updates FROM '{archive}/new.csv'", "EXPORT DATABASE '{archive}/all'",
    "INSTALL httpfs", "LOAD httpfs", "SET threads = 8", "PRAGMA threads = 8", "CHECKPOINT",
    "EXPLAIN ANALYZE COPY updates TO '{archive}/new.csv'", "EXPLAIN /* */ ANALYZE DELETE FROM days",
    "WITH made AS (COPY (SELECT 1) TO '{archive}/new.csv') FROM made",
    "WITH made AS /* ) */ (COPY (SELECT 1) TO '{archive}/new.csv') SELECT 1; -- (",
    "EXPLAIN ANALYZE WITH made AS (COPY (SELECT 1) TO '{archive}/new.csv') FROM made",
    "SELECT 1) t; COPY (SELECT 1) TO '{archive}/new.csv'; FROM (SELECT 1",
    "WITH gone AS (DELETE FROM record.updates RETURNING price) FROM gone",
    "SELECT 1; COPY updates TO '{archive}/new.csv'", "CALL force_checkpoint()", "", "-- nothing",
    "FROM query('COPY (SELECT 1) TO ''{archive}/new.csv''')", "FROM read_csv('/etc/passwd')",
    "FROM read_parquet('{data}/*')",
    "FROM enable_logging(storage='file', storage_path='{archive}')",
])
def test_nothing_can_be_written_and_nothing_else_be_read(archived: Path, sql: str) -> None:
    def everything() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in archived.parent.rglob("*") if file.is_file()}

    before = everything()
    archive = archived.parent / "archive"
    with pytest.raises((NoQuestion, duckdb.Error)) as caught:
        asked(archived, sql.format(archive=archive, data=archived.parent))
    assert str(caught.value)
    assert everything() == before


@pytest.mark.parametrize("sql", [
    "FROM updates", "TABLE updates", "VALUES (1)", "DESCRIBE updates", "SUMMARIZE served",
    "SHOW TABLES", "EXPLAIN FROM updates", "EXPLAIN ANALYZE SELECT 1", "(SELECT 1)", "SELECT 1;",
    "SELECT 1 -- why not", "PIVOT updates ON symbol IN ('BTCUSDT') USING count(*)",
    "WITH a AS (SELECT 1 AS x), b AS (FROM a) SELECT x, x FROM b",
    "FROM updates a ASOF JOIN served b ON a.received_at >= b.served_at",
])
def test_questions_of_every_kind_are_answered(archived: Path, sql: str) -> None:
    assert asked(archived, sql)


def test_now_is_utc_wherever_this_runs(archived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    ((now, moment, again, listed),) = asked(
        archived, "SELECT now(), TIMESTAMP '2026-09-01', TIMESTAMPTZ '2026-09-01 00:00:00+09', "
                  "[TIMESTAMPTZ '2026-09-01 00:00:00+00']")
    assert isinstance(now, datetime) and now.tzinfo is None
    assert abs(now - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)
    assert (moment, again) == (datetime(2026, 9, 1), datetime(2026, 8, 31, 15))
    assert listed == "['2026-09-01 00:00:00+00']"


def test_the_place_of_a_fault_is_that_in_the_question(archived: Path) -> None:
    with pytest.raises(duckdb.Error, match=r"LINE 2: nonsense FROM updates"):
        asked(archived, "SELECT\nnonsense FROM updates")
    with pytest.raises(duckdb.Error, match="LINE 1: SELCT 1"):
        asked(archived, "SELCT 1")


def test_no_scratch_is_left(
    archived: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    asked(archived, "FROM updates ORDER BY price")
    assert list(scratch.iterdir()) == []
