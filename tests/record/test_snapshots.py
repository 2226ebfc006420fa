"""Copies of the file that is being written: whole, of one moment, and nobody's burden."""

import threading
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.record.analyst import TooBusy
from bot.record.drafts import snapshot_of
from bot.record.recorder import Recorder
from bot.record.snapshots import MARGIN, Snapshots
from bot.record.watch import NobodyWaits, TookTooLong
from tests.helpers import eventually
from tests.record.test_recorder import read, recording, update

LARGE = 2_000_000  # rows: copying them takes the better part of a second


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


def fill(recorder: Recorder, rows: int) -> None:
    """At once, on the recorder's thread."""
    done = threading.Event()

    def insert(database: object) -> None:
        with recorder.reading() as con:
            con.execute("INSERT INTO updates BY NAME SELECT now()::TIMESTAMP AS received_at, "
                        "random() AS price, random() AS volume, random() AS bid, i AS event_id "
                        f"FROM range({rows}) t(i)")
        done.set()

    recorder.ask(insert)
    assert done.wait(10)


def put(recorder: Recorder, rows: range) -> None:
    for number in rows:
        recorder.keep(update(number))


def left(path: Path) -> list[str]:
    return sorted(file.name for file in snapshot_of(path).parent.iterdir())


def test_a_snapshot_holds_what_is_committed_and_the_meanings_too(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        put(recorder, range(10))
        eventually(lambda: recorder.written == 10)
        taken = Snapshots(recorder).take()
        assert taken.file == snapshot_of(path) and taken.size == taken.file.stat().st_size
        assert taken.took_ms >= 0
        assert left(path) == ["record.duckdb"]
        assert read(taken.file, "SELECT count(*), sum(volume) FROM updates") == [(10, 45.0)]
        assert read(taken.file, "SELECT comment FROM duckdb_columns() "
                                "WHERE column_name = 'received_at' AND table_name = 'updates'") == [
            ("receipt by this machine",)]


def test_it_holds_no_half_batch_while_rows_are_being_written(path: Path) -> None:
    """No place is missing below the highest, which is the one that its transaction noted."""
    with recording(path, commit_interval_s=0.01) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, 300_000)
        ending = threading.Event()

        def write() -> None:
            number = 1
            while not ending.is_set():
                put(recorder, range(number, number + 200))
                number += 200
                ending.wait(0.005)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            snapshots = Snapshots(recorder, young_s=0.0)
            for _ in range(5):
                before = eventually(lambda: recorder.written)
                file = snapshots.take().file
                ((highest, rows, noted),) = read(file, """
                    SELECT max(seq), count(seq), (SELECT seq FROM progress) FROM updates""")
                assert before <= rows == highest == noted
        finally:
            ending.set()
            writer.join(5)
    assert recorder.dropped == recorder.rejected == 0
    assert read(path, "SELECT count(seq) FROM updates") == [(recorder.written,)]


def test_who_has_the_one_before_open_is_not_disturbed(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        snapshots = Snapshots(recorder, young_s=0.0)
        fill(recorder, 200_000)
        with duckdb.connect(str(snapshots.take().file), read_only=True) as before:
            fill(recorder, 100_000)
            snapshots.take()
            assert before.execute("SELECT count(*), count(price) FROM updates").fetchall() == [
                (200_000, 200_000)]
        assert read(snapshot_of(path), "SELECT count(*) FROM updates") == [(300_000,)]


def test_a_young_one_is_given_again_unless_it_was_deleted(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        snapshots = Snapshots(recorder, young_s=60.0)
        first = snapshots.take()
        assert snapshots.take() is first
        first.file.unlink()
        assert snapshots.take() is not first and first.file.exists()


def test_there_is_one_at_a_time_and_others_are_told_at_once(path: Path) -> None:
    with recording(path) as recorder, ExitStack() as stack:
        assert recorder.wait_open(5)
        begun, go_on = threading.Event(), threading.Event()

        def free(folder: Path) -> int:
            begun.set()
            assert go_on.wait(5)
            return 10**12

        snapshots = Snapshots(recorder, free=free)
        thread = threading.Thread(target=snapshots.take)
        thread.start()
        stack.callback(thread.join, 5)
        stack.callback(go_on.set)
        assert begun.wait(5)
        with pytest.raises(TooBusy, match="a snapshot is being taken; ask again"):
            snapshots.take()


def test_a_full_disk_is_left_to_the_recorder(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        with pytest.raises(RecorderError, match=r"no room .* 1000 MB are kept .* 999 MB are free"):
            Snapshots(recorder, free=lambda _: MARGIN - 1_000_000).take()
        assert left(path) == []


def test_without_a_record_it_says_why(path: Path) -> None:
    with pytest.raises(RecorderError, match="ENABLE_DUCKDB is off"):
        Snapshots().take()
    with pytest.raises(RecorderError, match="not open yet"):
        Snapshots(Recorder(path, "primary")).take()


def test_a_folder_that_cannot_be_made_is_told(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        snapshot_of(path).parent.write_text("in the way")
        with pytest.raises(RecorderError, match="no snapshot can be made: "):
            Snapshots(recorder).take()


def test_what_a_killed_bot_left_is_cleared_away(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        snapshot_of(path).parent.mkdir()
        for name in ("abc.draft", "abc.draft.wal"):
            (snapshot_of(path).parent / name).write_text("half a file")
        Snapshots(recorder).take()
        assert left(path) == ["record.duckdb"]


def test_one_that_nobody_waits_for_or_that_takes_too_long_leaves_nothing(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, LARGE)
        with pytest.raises(NobodyWaits):
            Snapshots(recorder).take(gone=lambda: True)
        with pytest.raises(TookTooLong, match="the snapshot is not ready after 0.1 s"):
            Snapshots(recorder, timeout_s=0.1).take()
        assert left(path) == []
        assert read(Snapshots(recorder).take().file, "SELECT count(*) FROM updates") == [(LARGE,)]
        with recorder.reading() as con:
            assert con.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal"
                               ).fetchall() == [("analytics",)]


def test_one_under_way_when_the_bot_stops_ends_with_it(path: Path) -> None:
    told: list[str] = []

    def take() -> None:
        try:
            Snapshots(recorder).take()
        except RecorderError as error:
            told.append(str(error))

    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, LARGE)
        thread = threading.Thread(target=take)
        thread.start()
        eventually(lambda: any(snapshot_of(path).parent.glob("*.draft")))
    thread.join(5)
    assert not thread.is_alive()
    assert told[0].startswith("the database was closed meanwhile")
    assert left(path) == []
