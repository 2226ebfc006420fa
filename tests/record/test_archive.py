"""Closed days: in Parquet and no longer in the file, and never in both or in none."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.model import FeedHealth, MarketDataUpdate
from bot.record import archive
from bot.record.archivist import Archivist
from bot.record.recorder import Recorder
from bot.record.whole import whole
from tests.helpers import eventually
from tests.record.test_recorder import quote, read, recording

DAY_MS = 86_400_000
FIRST = datetime(2026, 9, 1)
FIRST_MS = int((FIRST - datetime(1970, 1, 1)).total_seconds() * 1000)


def trade(at_ms: int, number: int, price: float = 100.0) -> MarketDataUpdate:
    return MarketDataUpdate("binance", "BTCUSDT", "trade", price, 0.5, None, None, at_ms - 20,
                            at_ms, 1.0, number)


def fill(recorder: Recorder, days: int, each: int = 50) -> None:
    for day in range(days):
        for number in range(each):
            at_ms = FIRST_MS + day * DAY_MS + number * 1000 + 500
            recorder.keep(trade(at_ms, day * each + number, 100.0 + number))
            recorder.record_served(quote(), at_ms)
        recorder.record_sample(FeedHealth(
            source="binance", connected_since=1.0, latency_s=0.05, event_lag_s=None,
            messages_received=5, errors=0, last_update=None, detail=""), True, at_ms)
    eventually(lambda: recorder.pending == 0)


@contextmanager
def archiving(recorder: Recorder, now: datetime, retention_days: int = 30) -> Iterator[Archivist]:
    archivist = Archivist(recorder, retention_days, now=lambda: now, settle_s=0.0)
    archivist.start()
    try:
        yield archivist
    finally:
        archivist.stop()
        assert archivist.join(5) and archivist.failure is None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.record.rounds.LOOK_EVERY_S", 0.0)
    monkeypatch.setattr("bot.record.rounds.SLICE_S", 0.01)


def counted(recorder: Recorder, table: str, days: int = 10) -> int:
    with recorder.reading() as con:
        con.begin()
        rows = whole(con, recorder.archive, table, FIRST, FIRST + timedelta(days=days))
        ((count,),) = con.execute(f"SELECT count(*) FROM {rows}").fetchall()
        return int(count)


def test_closed_days_move_to_files_and_are_read_as_before(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=3)
        with archiving(recorder, FIRST + timedelta(days=2, minutes=11)) as archivist:
            eventually(lambda: archivist.archived == 8)  # two days of three tables and their bars
        assert counted(recorder, "updates") == counted(recorder, "served") == 150
        assert counted(recorder, "samples") == 3
        archive_folder = recorder.archive
    assert read(path, "SELECT count(*), min(received_at)::DATE FROM updates") == [
        (50, date(2026, 9, 3))]
    file = archive_folder / "updates" / "day=2026-09-01" / "updates.parquet"
    with duckdb.connect() as con:
        assert con.execute(f"SELECT count(*), sum(price) FROM '{file}'").fetchall() == [
            (50, sum(range(50)) + 5000.0)]
    assert not list(archive_folder.rglob("*.tmp"))


def test_a_day_is_not_closed_before_ten_minutes_after_midnight(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        with recorder.reading() as con:
            assert archive.due(con, (FIRST + timedelta(days=1, minutes=9)
                                     - archive.CLOSED_AFTER).date()) == []
            assert len(archive.due(con, date(2026, 9, 2))) == 3


def archived(recorder: Recorder, now: datetime) -> None:
    """Everything that is due, and a look more, after which files of no use are gone."""
    with archiving(recorder, now) as archivist:
        eventually(lambda: archivist.looks >= 4)


def test_rows_that_come_between_export_and_drop_keep_the_day_in_the_file_until_the_next_look(
    path: Path
) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        with recorder.reading() as con:
            closed = archive.export(con, recorder.archive, "updates", date(2026, 9, 1))
        recorder.keep(trade(FIRST_MS + 999_000, 99))
        eventually(lambda: recorder.pending == 0)
        told: list[bool] = []
        recorder.ask(lambda database: told.append(database.drop(closed)))
        assert eventually(lambda: told) == [False]
        assert counted(recorder, "updates") == 51
        archived(recorder, FIRST + timedelta(days=1, hours=1))
        assert counted(recorder, "updates") == 51


def test_rows_that_come_for_a_day_that_is_archived_join_it_and_its_bars(path: Path) -> None:
    """The clock was set back, or a full disk held them up: none is lost, none is told twice."""
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        archived(recorder, FIRST + timedelta(days=1, hours=1))
        bars = counted(recorder, "bars")
        recorder.keep(trade(FIRST_MS + 3_700_000, 99, 777.0))
        eventually(lambda: recorder.pending == 0)
        archived(recorder, FIRST + timedelta(days=1, hours=2))
        assert counted(recorder, "updates") == 51
        assert counted(recorder, "bars") == bars + 3  # of a minute, of five, of an hour
        with recorder.reading() as con:
            assert con.execute("SELECT count(*) FROM updates").fetchall() == [(0,)]
            days = con.execute("SELECT table_name, row_count FROM days ORDER BY ALL").fetchall()
        assert days == [("bars", bars + 3), ("samples", 1), ("served", 50), ("updates", 51)]
        assert len(list(recorder.archive.rglob("*.parquet"))) == 4


def test_a_trade_stamped_after_midnight_and_received_before_it_is_in_the_bars_of_its_day(
    path: Path
) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        before = trade(FIRST_MS + DAY_MS - 500, 1, 7.0)
        early = MarketDataUpdate("binance", "BTCUSDT", "trade", 7.0, 1.0, None, None,
                                 FIRST_MS + DAY_MS + 100, before.received_at, 1.0, 2)
        late = trade(FIRST_MS + DAY_MS + 20_000, 3, 8.0)
        for one in (before, early, late):
            recorder.keep(one)
        eventually(lambda: recorder.pending == 0)
        archived(recorder, FIRST + timedelta(days=1, hours=1))
        archived(recorder, FIRST + timedelta(days=2, hours=1))
        with recorder.reading() as con:
            con.begin()
            rows = whole(con, recorder.archive, "bars", FIRST, FIRST + timedelta(days=9))
            assert con.execute(
                f"SELECT opened_at, open, close, trades FROM {rows} WHERE width = '1d'"
                " ORDER BY 1").fetchall() == [
                    (FIRST, 7.0, 7.0, 1), (FIRST + timedelta(days=1), 7.0, 8.0, 2)]


def test_a_file_that_does_not_hold_what_was_written_never_costs_a_row(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = archive.fingerprint
    monkeypatch.setattr(archive, "fingerprint", lambda con, rows, parameters: (
        (0, "0") if "read_parquet" in rows else honest(con, rows, parameters)))
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        with recorder.reading() as con, pytest.raises(RecorderError, match="does not hold what"):
            archive.export(con, recorder.archive, "updates", date(2026, 9, 1))
        with archiving(recorder, FIRST + timedelta(days=2)) as archivist:
            eventually(lambda: "does not hold" in archivist.state)
        assert counted(recorder, "updates") == 50
        assert list(recorder.archive.rglob("*.*")) == [recorder.archive / ".owner"]


def test_what_is_older_than_the_retention_is_forgotten_but_for_bars(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=4)
        with archiving(recorder, FIRST + timedelta(days=4, hours=1), retention_days=2):
            eventually(lambda: counted(recorder, "updates") == 100)
            eventually(lambda: not (recorder.archive / "updates" / "day=2026-09-01").exists())
        assert len(list((recorder.archive / "bars").iterdir())) == 4
        assert counted(recorder, "bars") > 0
