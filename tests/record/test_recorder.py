"""The recorder against real DuckDB files and real faults."""

import json
import logging
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.errors import RecorderError
from bot.incidents.incident import Incident
from bot.model import MarketDataUpdate, Quote
from bot.record import vitals
from bot.record.archive import export
from bot.record.database import Database
from bot.record.mark import Mark
from bot.record.opening import SETTINGS, set_aside
from bot.record.recorder import Recorder
from bot.record.rows import Row
from bot.record.schema import VERSION
from bot.record.vitals import Room
from tests.helpers import eventually

ANY_ROOM = Room(0, 0)  # for disks of a few MB
MS = 1_790_000_000_123
MOMENT = datetime(2026, 9, 21, 14, 13, 20, 123_000)


def update(number: int = 0, *, symbol: str = "BTCUSDT", at: int = MS) -> MarketDataUpdate:
    return MarketDataUpdate(
        "binance", symbol, "trade", 50_000.1, float(number), 50_000.0, 50_000.2, at - 5, at, 1.0
    )


def quote(**fields: Any) -> Quote:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT", "price": 50_000.1, "source": "websocket", "received_at": MS,
        "age_s": 0.25, "trusted": True, "reason": "fresh", "status": "trusted",
    }
    return Quote(**(values | fields))


@contextmanager
def recording(path: Path, **options: Any) -> Iterator[Recorder]:
    """A started recorder that is stopped at the end and must leave no thread."""
    usual: dict[str, Any] = {"commit_interval_s": 0.05, "retry_cap_s": 0.1, "room": ANY_ROOM}
    recorder = Recorder(path, "primary", **(usual | options))
    recorder.start()
    try:
        yield recorder
    finally:
        stop(recorder)


def stop(recorder: Recorder) -> None:
    recorder.stop()
    assert recorder.join(10)
    assert "recorder" not in [thread.name for thread in threading.enumerate()]
    assert recorder.failure is None


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def left_in(folder: Path) -> list[Path]:
    """What is in it but for the mark, which holds no data."""
    return [path for path in folder.iterdir() if path.suffix != ".mark"]


def numbers(path: Path) -> list[int]:
    """The `volume` of every update, in which these tests number them."""
    return [int(row[0]) for row in read(path, "SELECT volume FROM updates ORDER BY volume")]


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the file open."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None and holder.stdout.readline() == "1\n"
        try:
            yield holder
        finally:
            holder.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


def test_updates_come_back_as_they_were_in_utc(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with recording(path) as recorder:
            assert recorder.wait_open(5)
            recorder.keep(update(3))
            recorder.keep(MarketDataUpdate(
                "okx", "ETHUSDT", "orderbook", 0.1 + 0.2, None, None, None, None, MS + 1, 1.0, 77))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert read(path, "SELECT * EXCLUDE (received_mono, seq) FROM updates") == [
        (MOMENT, MOMENT.replace(microsecond=118_000), "binance", "BTCUSDT", "trade",
         50_000.1, 3.0, 50_000.0, 50_000.2, None),
        (MOMENT.replace(microsecond=124_000), None, "okx", "ETHUSDT", "orderbook",
         0.1 + 0.2, None, None, None, 77),
    ]
    ((opened_at, instance, version),) = read(
        path, "SELECT opened_at, instance, schema_version FROM openings")
    assert (instance, version) == ("primary", VERSION)
    assert timedelta() <= datetime.now(UTC).replace(tzinfo=None) - opened_at < timedelta(minutes=1)


def test_served_prices_and_events_come_back(path: Path) -> None:
    with recording(path) as recorder:
        recorder.record_served(quote(exchange="okx", timestamp=MS, volume=1.5), MS)
        recorder.record_served(quote(exchanges=("okx", "binance"), synthetic=True), MS)
        recorder.record_event("source_switch", source="okx", symbol="BTCUSDT", reason="stale 🌐",
                              at_ms=MS, detail={"from": "binance", "path": path, "ms": 5012})
        recorder.record_event("start", source=None, symbol=None, reason="", at_ms=MS)
    assert recorder.written == 4
    assert read(path, "SELECT * EXCLUDE seq FROM served") == [
        (MOMENT, "BTCUSDT", 50_000.1, None, None, 1.5, "websocket", "okx", None, MOMENT, MOMENT,
         250.0, False, True, "fresh", "trusted", None, None),
        (MOMENT, "BTCUSDT", 50_000.1, None, None, None, "websocket", None, "okx,binance", None,
         MOMENT, 250.0, True, True, "fresh", "trusted", None, None),
    ]
    switch, start = read(path, "SELECT * EXCLUDE seq FROM events")
    assert switch[:5] == (MOMENT, "source_switch", "okx", "BTCUSDT", "stale 🌐")
    assert json.loads(switch[5]) == {"from": "binance", "path": str(path), "ms": 5012}
    assert start == (MOMENT, "start", None, None, "", None)


def test_every_table_and_column_says_what_it_means(path: Path) -> None:
    with recording(path):
        pass
    assert read(path, "SELECT count(*) FROM duckdb_columns() WHERE NOT internal "
                      "AND schema_name = 'main' AND comment IS NULL") == [(0,)]


def test_rows_are_committed_while_it_runs(path: Path) -> None:
    with recording(path) as recorder:
        recorder.keep(update())
        eventually(lambda: recorder.written == 1)
        assert (recorder.active, recorder.state, recorder.pending) == (True, "recording", 0)
    assert (recorder.active, recorder.state) == (False, "stopped")


def test_a_full_queue_is_written_before_the_thread_ends(path: Path) -> None:
    recorder = Recorder(path, "primary")
    for number in range(50_000):
        recorder.keep(update(number))
    recorder.start()
    began = time.monotonic()
    stop(recorder)
    assert time.monotonic() - began < 5
    assert numbers(path) == list(range(50_000))
    assert not path.with_name(path.name + ".wal").exists()


def test_rows_beyond_the_capacity_and_after_the_stop_are_refused_and_counted(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(path, "primary", capacity=10, commit_interval_s=0.05)
    for number in range(15):
        recorder.keep(update(number))
    assert (recorder.pending, recorder.dropped) == (10, 5)
    recorder.start()
    eventually(lambda: "queue of 10 rows is full" in caplog.text)
    stop(recorder)
    recorder.keep(update(99))
    assert (recorder.pending, recorder.dropped) == (0, 6)
    assert numbers(path) == list(range(10))


def test_many_producers_at_once_lose_nothing(path: Path) -> None:
    with recording(path) as recorder:
        def produce(first: int) -> None:
            for number in range(first, first + 2_000):
                recorder.keep(update(number))

        threads = [threading.Thread(target=produce, args=(n * 2_000,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert numbers(path) == list(range(16_000))


def test_a_second_start_appends_to_the_same_file(path: Path) -> None:
    for number in range(2):
        with recording(path) as recorder:
            recorder.keep(update(number))
    assert numbers(path) == [0, 1]
    assert read(path, "SELECT count(*) FROM openings") == [(2,)]


def real_file(path: Path) -> bytes:
    with recording(path) as recorder:
        for number in range(3_000):
            recorder.keep(update(number))
    return path.read_bytes()


def garbage(_: bytes) -> bytes:
    return b"this was never a database\n" * 500


def truncated(content: bytes) -> bytes:
    return content[:len(content) // 2]


def flipped(content: bytes) -> bytes:
    return content[:40] + bytes(255 - byte for byte in content[40:60]) + content[60:]


def other_program(_: bytes) -> bytes:
    return b"SQLite format 3\0" + bytes(4_080)


@pytest.mark.parametrize("damage", [garbage, truncated, flipped, other_program])
def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(
    path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    content = damage(real_file(path))
    path.write_bytes(content)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(update(7))
    assert numbers(path) == [7]
    (aside,) = path.parent.glob("analytics.duckdb.damaged-????????T??????Z")
    assert aside.read_bytes() == content
    (record,) = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert str(path) in record.getMessage() and aside.name in record.getMessage()


def test_a_damaged_file_takes_its_log_along(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("not a database")
    path.with_name(path.name + ".wal").write_text("not a log")
    with recording(path) as recorder:
        assert recorder.wait_open(5)
    names = {name.suffix: name.read_bytes() for name in path.parent.glob("*damaged*")}
    assert sorted(names.values()) == [b"not a database", b"not a log"]
    assert names[".wal"] == b"not a log"


def test_setting_aside_never_overwrites(path: Path) -> None:
    path.parent.mkdir()
    moved = set()
    for number in range(3):
        path.write_text(str(number))
        moved.add(set_aside(path))
    assert sorted(name.read_text() for name in moved) == ["0", "1", "2"]


def test_an_empty_file_is_simply_used(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.touch()
    with recording(path) as recorder:
        recorder.keep(update())
    assert numbers(path) == [0]
    assert left_in(path.parent) == [path]
    assert not caplog.records


def newer(content: bytes) -> bytes:
    """The header as a later storage version would write it, with its checksum."""
    header = content[8:12] + struct.pack("<Q", 998) + content[20:4_096]
    checksum = 5_381
    for (word,) in struct.iter_unpack("<Q", header):
        checksum ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return struct.pack("<Q", checksum) + header + content[4_096:]


def test_a_file_of_a_newer_duckdb_is_left_alone(path: Path) -> None:
    content = newer(real_file(path))
    path.write_bytes(content)
    with recording(path) as recorder:
        assert not recorder.wait_open(5)
        assert recorder.state == "the file was written by a newer version of DuckDB"
    assert path.read_bytes() == content
    assert left_in(path.parent) == [path]


def test_an_encrypted_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with duckdb.connect() as con:
        con.execute("SET force_mbedtls_unsafe = 'true'")
        con.execute(f"ATTACH '{path}' AS secret (ENCRYPTION_KEY 'k')")
        con.execute("CREATE TABLE secret.t (a INTEGER)")
        con.execute("DETACH secret")
    content = path.read_bytes()
    with recording(path) as recorder:
        assert not recorder.wait_open(5)
        assert "encrypt" in recorder.state
    assert path.read_bytes() == content
    assert left_in(path.parent) == [path]


def test_a_foreign_table_of_the_same_name_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE served (dish VARCHAR)")
    with recording(path) as recorder:
        assert not recorder.wait_open(5)
        assert recorder.state == "the file holds a table 'served' that is not this program's"
    assert left_in(path.parent) == [path]


def a_directory(path: Path) -> str:
    path.mkdir(parents=True)
    return f"{path} is not a regular file"


def a_pipe(path: Path) -> str:
    path.parent.mkdir()
    os.mkfifo(path)
    return f"{path} is not a regular file"


def below_a_file(path: Path) -> str:
    path.parent.write_text("in the way")
    return f"File exists: {path.parent}"


@pytest.mark.parametrize("obstacle", [a_directory, a_pipe, below_a_file])
def test_an_unusable_path_is_left_alone_and_said_once(
    path: Path, obstacle: Callable[[Path], str], caplog: pytest.LogCaptureFixture
) -> None:
    reason = obstacle(path)
    with recording(path) as recorder:
        recorder.keep(update())
        assert not recorder.wait_open(5)
        first = recorder._failed_at
        eventually(lambda: recorder._failed_at > first)
        assert (recorder.active, recorder.pending) == (False, 1)
        assert recorder.state == reason
    assert len([entry for entry in caplog.records if "Not recording" in entry.message]) == 1
    assert "1 accepted rows were not written" in caplog.text
    assert not list(path.parent.parent.glob("**/*damaged*"))


def test_a_duckdb_that_cannot_be_loaded_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bot.record.database", None)
    with recording(path) as recorder:
        assert not recorder.wait_open(5)
        assert recorder.state.startswith("DuckDB cannot be loaded")


def test_a_file_held_by_another_process_is_taken_over_once_released(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path.parent.mkdir()
    with ExitStack() as stack:
        with holding(path) as holder:
            recorder = stack.enter_context(recording(path))
            assert not recorder.wait_open(5)
            assert recorder.state == f"held by another process (PID {holder.pid})"
            for number in range(100):
                recorder.keep(update(number))
        eventually(lambda: recorder.active and recorder.written == 100)
    assert numbers(path) == list(range(100))
    assert [entry.message.partition(";")[0] for entry in caplog.records] == [
        f"📊 [DUCKDB] Not recording, 0 rows waiting: held by another process (PID {holder.pid})",
        "📊 [DUCKDB] Recording again",
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> Path:
    ballast = folder / "ballast"
    state = os.statvfs(folder)
    ballast.write_bytes(bytes(state.f_bavail * state.f_frsize - leave))
    return ballast


FULL = "disk full: no room left for the database"


def test_rows_wait_for_a_full_disk_and_are_written_once(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = small_disk / "analytics.duckdb"
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        ballast = fill(small_disk, leave=200_000)
        for number in range(12_000):
            recorder.keep(update(number))
        eventually(lambda: recorder.state == FULL)
        assert recorder.pending > 0
        ballast.unlink()
        eventually(lambda: recorder.written == 12_000)
        assert recorder.active
    assert numbers(path) == list(range(12_000))
    assert caplog.text.count("Not recording") == 1


@pytest.mark.parametrize("batch_rows, fault", [
    (200, "COMMIT succeeded and is durable, but the autocheckpoint failed"),
    # Above the threshold DuckDB checkpoints in place of writing its log; nothing is durable then.
    (2_000, "FATAL Error: Failed to create checkpoint"),
])
def test_a_commit_whose_checkpoint_failed_is_written_once(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, batch_rows: int, fault: str
) -> None:
    faults = []
    write = Database.write

    def watched(database: Database, rows: list[tuple[str, Row]], seq: int) -> str | None:
        try:
            return write(database, rows, seq)
        except RecorderError as error:
            faults.append(str(error.__cause__))
            raise

    monkeypatch.setattr(Database, "write", watched)
    monkeypatch.setattr("bot.record.pile.BATCH_ROWS", batch_rows)
    monkeypatch.setitem(SETTINGS, "checkpoint_threshold", "100KB")
    path = small_disk / "analytics.duckdb"
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        ballast = fill(small_disk, leave=400_000)
        for number in range(12_000):
            recorder.keep(update(number))
        eventually(lambda: recorder.state == FULL)
        ballast.unlink()
        eventually(lambda: recorder.written == 12_000)
    assert fault in faults[0]
    assert numbers(path) == list(range(12_000))


@pytest.mark.parametrize("leave", [0, 4_096, 12_288, 16_384])
def test_a_disk_that_is_full_from_the_start_leaves_no_damaged_file(
    small_disk: Path, leave: int
) -> None:
    path = small_disk / "analytics.duckdb"
    ballast = fill(small_disk, leave)
    with recording(path) as recorder:
        recorder.keep(update())
        assert not recorder.wait_open(5)
        assert recorder.state == FULL
        ballast.unlink()
        eventually(lambda: recorder.written == 1)
    assert left_in(small_disk) == [path]
    assert numbers(path) == [0]


def test_what_a_full_disk_keeps_out_at_the_stop_is_said(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with recording(small_disk / "analytics.duckdb") as recorder:
        assert recorder.wait_open(5)
        fill(small_disk)
        for number in range(30_000):
            recorder.keep(update(number))
    assert recorder.pending > 0
    assert f"{recorder.pending} accepted rows were not written: {FULL}" in caplog.text


def test_a_value_that_cannot_be_stored_does_not_stop_the_others(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(path, "primary")
    for number in range(3_000):
        recorder.keep(update(number, symbol="\ud800" if number in (7, 2_500) else "X"))
    endless: dict[str, object] = {}
    endless["self"] = endless
    recorder.record_event("odd", source=None, symbol=None, reason="", at_ms=MS, detail=endless)
    recorder.start()
    stop(recorder)
    assert (recorder.written, recorder.rejected, recorder.pending) == (2_998, 3, 0)
    assert numbers(path) == [n for n in range(3_000) if n not in (7, 2_500)]
    assert caplog.text.count("A row cannot be stored") == 1


def test_texts_are_made_storable(path: Path) -> None:
    with recording(path) as recorder:
        recorder.record_event(
            "a\ud800", source="b\udfff", symbol="c", reason="d" * 9_000 + "\ud800", at_ms=MS)
    assert read(path, "SELECT kind, source, symbol, reason FROM events") == [
        ("a?", "b?", "c", "d" * 2_000)]


@pytest.mark.parametrize("at", [1_831_000_000_000_000, 10**30, -10**15, -10**400])
def test_a_stamp_that_is_no_date_becomes_null(path: Path, at: int) -> None:
    with recording(path) as recorder:
        recorder.keep(update(at=at))
    assert read(path, "SELECT received_at, event_at FROM updates") == [(None, None)]


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.record.test_recorder import Recorder, update
recorder = Recorder(Path(sys.argv[1]), "primary", commit_interval_s=0.01)
recorder.start()
first = number = int(sys.argv[3])
while True:
    recorder.keep(update(number)) if recorder.pending < 5_000 else None
    number = first + recorder.written + recorder.pending
    print(first + recorder.written, flush=True)
"""


def test_what_was_written_survives_a_kill(path: Path) -> None:
    root = str(Path(__file__).parents[1])
    acknowledged = 0
    for round_ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), root, str(acknowledged)],
            stdout=subprocess.PIPE, text=True)
        with writer:
            assert writer.stdout is not None
            target = acknowledged + 300 * (round_ + 1)
            for line in writer.stdout:
                if int(line) >= target:
                    break
            writer.kill()
            seen = [int(line) for line in writer.stdout.read().splitlines(keepends=True)
                    if line.endswith("\n")]
        with recording(path):
            pass
        found = numbers(path)
        assert found[-1] + 1 == len(found) >= max(seen, default=target)
        assert found == list(range(len(found)))
        acknowledged = len(found)
    assert left_in(path.parent) == [path]


def test_a_reader_that_ends_as_the_file_is_closed_harms_nobody(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        database = recorder._database
        assert database is not None
        with database.lent() as cursor:
            cursor.close()  # as its reader does, before it gives it back
            recorder._disconnect()
        eventually(lambda: recorder._database not in (None, database))


def test_a_disk_that_runs_low_is_left_to_others_until_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(vitals, "LOOK_EVERY_S", 0.01)
    path = small_disk / "analytics.duckdb"
    with recording(path, room=Room(2_500_000, 1_000_000), capacity=100) as recorder:
        assert recorder.wait_open(5)
        eventually(lambda: recorder.state == "recording")
        ballast = fill(small_disk, leave=2_000_000)
        eventually(lambda: recorder.status().is_low)
        assert recorder.active and "the disk runs low, " in recorder.status().state
        ballast.unlink()
        ballast = fill(small_disk, leave=900_000)
        eventually(lambda: not recorder.active)
        assert recorder.state == "disk low: less than 1 MB are free" and not recorder.has_room
        for number in range(120):
            recorder.keep(update(number))
        with recorder.reading() as con:
            assert con.execute("SELECT count(*) FROM updates").fetchall() == [(0,)]
        assert (recorder.pending, recorder.dropped) == (100, 20)
        ballast.unlink()
        eventually(lambda: recorder.written == 100 and recorder.active)
        told = recorder.status()
        assert (told.active, told.state, told.dropped) == (True, "recording", 20)
    assert numbers(path) == list(range(100))
    assert caplog.text.count("Not recording, 0 rows waiting: disk low") == 1
    assert caplog.text.count("the disk runs low") == 1


def test_what_waits_at_the_stop_is_written_to_a_disk_that_is_low(small_disk: Path) -> None:
    path = small_disk / "analytics.duckdb"
    with recording(path, room=Room(10**12, 10**12)) as recorder:
        assert not recorder.wait_open(5)
        recorder.keep(update(7))
    assert numbers(path) == [7]


def test_a_read_only_disk_is_used_once_it_can_be_written(small_disk: Path) -> None:
    def mount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(small_disk)], check=True)

    path = small_disk / "analytics.duckdb"
    with recording(path):
        pass
    mount("ro")
    with recording(path) as recorder:
        recorder.keep(update(7))
        assert not recorder.wait_open(5)
        assert "Read-only file system" in recorder.state
        mount("rw")
        eventually(lambda: recorder.written == 1)
    assert numbers(path) == [7]


def test_a_file_that_is_taken_away_is_noticed_and_a_new_one_begun(path: Path) -> None:
    lost: list[Incident] = []
    began = time.time()
    with recording(path, on_loss=lost.append) as recorder:
        recorder.keep(update(1))
        eventually(lambda: recorder.written == 1)
        committed = time.time()
        path.rename(path.with_suffix(".elsewhere"))
        eventually(lambda: path.exists() and recorder.active)
        recorder.keep(update(2))
    assert numbers(path) == [2]
    (incident,) = lost
    assert (incident.rule, incident.source, incident.symbol) == ("lost", None, None)
    assert incident.cause == (
        "1 commits, some 1 rows are missing in the file: it was taken away or deleted, and what "
        "was not in the archive yet with it")
    assert incident.closed_at is not None
    assert began - 0.01 <= incident.opened_at <= incident.closed_at <= committed


@pytest.mark.parametrize("harm", ["taken away", "damaged"])
def test_what_was_in_the_archive_is_not_told_as_lost_with_the_file(path: Path, harm: str) -> None:
    """It begins with the end of the last day there."""
    lost: list[Incident] = []
    day = datetime.fromtimestamp(MS / 1000, UTC).date()
    with recording(path) as recorder:
        recorder.keep(update(1))
        eventually(lambda: recorder.written == 1)
        with recorder.reading() as con:
            closed = export(con, recorder.archive, "updates", day)
        dropped: list[bool] = []
        recorder.ask(lambda database: dropped.append(database.drop(closed)))
        eventually(lambda: dropped)
        recorder.keep(update(2, at=MS + 86_400_000))
        eventually(lambda: recorder.written == 2)
        recorder.keep(update(3, at=MS + 86_400_000))
        eventually(lambda: recorder.written == 3)
    if harm == "damaged":
        path.write_bytes(b"no database" * 1000)
    else:
        path.unlink()
    with recording(path, on_loss=lost.append) as recorder:
        assert recorder.wait_open(5)
    (incident,) = lost
    assert harm in incident.cause
    opened = time.time()  # the file is younger than the rows in it
    assert incident.closed_at and incident.opened_at <= incident.closed_at <= opened
    assert incident.opened_at >= (MS // 86_400_000 + 1) * 86_400


def killed_with_rows(path: Path) -> None:
    """Rows are committed, and all of them are in the log."""
    code = ("import sys, os; sys.path.insert(0, sys.argv[2])\n"
            "from pathlib import Path\n"
            "from tests.record.test_recorder import Recorder, update\n"
            "recorder = Recorder(Path(sys.argv[1]), 'primary', commit_interval_s=0.01)\n"
            "[recorder.keep(update(number)) for number in range(10)]\n"
            "recorder.start()\n"
            "while recorder.written < 10: pass\n"
            "os.kill(os.getpid(), 9)")
    root = str(Path(__file__).parents[2])
    assert subprocess.run([sys.executable, "-c", code, str(path), root]).returncode == -9


@pytest.mark.parametrize("harm", ["deleted", "damaged"])
def test_a_log_that_is_gone_is_missed_and_said(
    path: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    """DuckDB itself opens the file without a word."""
    killed_with_rows(path)
    log_file = path.with_name(path.name + ".wal")
    if harm == "deleted":
        log_file.unlink()
    else:
        log_file.write_bytes(b"\xff" * 40 + log_file.read_bytes()[40:])
    before = time.time()
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        eventually(lambda: recorder.written == 1)  # the incident
    ((rule, cause, closed_at),) = read(
        path, "SELECT rule, cause, epoch(closed_at) FROM incidents")
    assert rule == "lost" and closed_at < before
    assert "commits, some 10 rows are missing" in cause or "is damaged" in cause
    assert "Lost: " in caplog.text
    with recording(path) as recorder:
        assert recorder.wait_open(5)
    assert read(path, "SELECT count(*) FROM incidents") == [(1,)]


def test_incidents_are_kept_when_the_queue_is_full(path: Path) -> None:
    recorder = Recorder(path, "primary", capacity=10, room=ANY_ROOM)
    for number in range(15):
        recorder.keep(update(number))
    for number in range(3):
        recorder.record_incident(Incident(
            id=f"a-{number}", source=None, symbol=None, cause="c", rule="r", opened_at=1.0,
            instance="primary"))
    assert (recorder.pending, recorder.dropped) == (13, 5)
    recorder.start()
    stop(recorder)
    assert (recorder.pending, recorder.dropped) == (0, 5)
    assert read(path, "SELECT count(*), count(DISTINCT seq) FROM incidents") == [(3, 3)]


def test_the_mark_keeps_a_second_bot_out_also_where_the_lock_of_duckdb_was_lost(
    path: Path
) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        path.read_bytes()  # which makes the kernel drop the lock of DuckDB
        code = ("import sys; sys.path.insert(0, sys.argv[2])\n"
                "from pathlib import Path\n"
                "from tests.record.test_recorder import Recorder\n"
                "recorder = Recorder(Path(sys.argv[1]), 'second')\n"
                "recorder.start(); recorder.wait_open(5); print(recorder.state)\n"
                "recorder.stop(); recorder.join(5)")
        told = subprocess.run(
            [sys.executable, "-c", code, str(path), str(Path(__file__).parents[2])],
            text=True, capture_output=True)
        assert told.stdout == f"held by another process (PID {os.getpid()})\n"
        with pytest.raises(RecorderError, match="held by another process"):
            Mark(path)


def test_the_status_tells_sizes_and_times(path: Path) -> None:
    with recording(path) as recorder:
        fresh = Recorder(path, "primary").status()
        assert (fresh.active, fresh.state, fresh.commit_last_ms) == (False, "not open yet", None)
        recorder.keep(update())
        eventually(lambda: recorder.written == 1)
        told = eventually(lambda: recorder.status().waiting == 0 and recorder.status())
        assert (told.active, told.state, told.written, told.capacity) == (
            True, "recording", 1, 50_000)
        assert told.commit_last_ms is not None and told.commit_max_ms is not None
        assert 0 < told.commit_last_ms <= told.commit_max_ms
        assert told.last_commit_at is not None
        assert abs(told.last_commit_at - time.time() * 1000) < 10_000
        assert told.free_bytes and told.free_bytes > 0 and told.file_bytes is not None
        assert 100 <= told.lost_window_ms < 1_000
        assert recorder.commit_times.count == 1 and 0 < recorder.commit_times.sum < 5


def test_a_bot_that_does_not_record_loads_no_database() -> None:
    code = "import sys, bot.record.recorder; sys.exit('duckdb' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
