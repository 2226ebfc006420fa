"""A damaged file of the archive costs the rows in it, and nothing else."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.incidents.incident import Incident
from bot.model import MarketDataUpdate
from bot.record import archive
from bot.record.archivist import Archivist
from bot.record.database import Database
from bot.record.recorder import Recorder
from bot.record.whole import whole
from tests.helpers import eventually
from tests.record.test_archive import (  # noqa: F401  # fixtures
    DAY_MS, FIRST, FIRST_MS, archived, archiving, counted, fill, path, restless, trade)
from tests.record.test_files import emptied, gone, in_place_of_it, of_another_day, truncated
from tests.record.test_recorder import read, recording

LATER = FIRST + timedelta(days=2, hours=1)
LOST = "SELECT cause, opened_at, closed_at FROM incidents WHERE rule = 'lost' ORDER BY opened_at"


def day_file(recorder: Recorder, table: str, day: int = 1) -> Path:
    return recorder.archive / table / f"day=2026-09-{day:02}" / f"{table}.parquet"


def settled(recorder: Recorder) -> None:
    eventually(lambda: recorder.pending == 0)


@pytest.mark.parametrize("harm", [gone, truncated, emptied, in_place_of_it, of_another_day])
def test_a_damaged_file_makes_way_and_its_rows_are_told_as_lost(
    path: Path, harm: Callable[[Path], str]  # noqa: F811
) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=3)
        archived(recorder, LATER)
        file = day_file(recorder, "updates")
        why = harm(file)
        archived(recorder, LATER + timedelta(days=1))  # the day after it is archived as ever
        assert (counted(recorder, "updates"), counted(recorder, "served")) == (100, 150)
        assert day_file(recorder, "bars", 3).exists()
        assert not file.exists()
        aside = list(file.parent.glob("*")) if file.parent.exists() else []
        assert [one.name[:24] for one in aside] == (
            [] if harm is gone else ["updates.parquet.damaged-"])
        settled(recorder)
        assert recorder.past.losses == 1
    ((cause, opened_at, closed_at),) = read(path, LOST)
    assert str(cause).startswith(f"updates of 2026-09-01 in the archive: {file} {why}")
    assert (opened_at, closed_at) == (FIRST, FIRST + timedelta(days=1))


def test_each_run_of_days_is_told_for_itself(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=5)
        archived(recorder, FIRST + timedelta(days=5, hours=1))
        for day in (1, 2, 4):
            truncated(day_file(recorder, "updates", day))
        truncated(day_file(recorder, "samples", 2))
        archived(recorder, FIRST + timedelta(days=5, hours=2))
        settled(recorder)
    first, second = read(path, LOST)
    assert first[1:] == (FIRST, FIRST + timedelta(days=2))
    assert str(first[0]).endswith("; 2 more files of 2026-09-01 to 2026-09-02")
    assert second[1:] == (FIRST + timedelta(days=3), FIRST + timedelta(days=4))


def test_bars_that_are_damaged_are_made_again_and_nothing_is_lost(
    path: Path  # noqa: F811
) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=2)
        archived(recorder, LATER)
        before = bars(recorder)
        truncated(day_file(recorder, "bars"))
        archived(recorder, LATER)
        assert before and bars(recorder) == before
        settled(recorder)
    assert read(path, LOST) == []


def bars(recorder: Recorder) -> list[tuple[Any, ...]]:
    with recorder.reading() as con:
        con.begin()
        rows = whole(con, recorder.archive, "bars", FIRST, FIRST + timedelta(days=9))
        return con.execute(f"SELECT * FROM {rows} ORDER BY ALL").fetchall()


def within(file: Path) -> None:
    """Damage that the end of a file does not tell of."""
    content = bytearray(file.read_bytes())
    end = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[4:end] = b"\xff" * (end - 4)
    file.write_bytes(content)


def test_a_file_that_is_damaged_within_is_found_by_whoever_needs_it(
    path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setattr("bot.record.rounds.RETRY_S", 0.0)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        for number in range(50):  # some stamped after midnight, of which the next day wants to know
            at_ms = FIRST_MS + DAY_MS - 50_000 + number * 1000
            recorder.keep(MarketDataUpdate("binance", "BTCUSDT", "trade", 100.0, 0.5, None, None,
                                           at_ms + 5_000, at_ms, 1.0, number))
        settled(recorder)
        archived(recorder, FIRST + timedelta(days=1, hours=1))
        within(day_file(recorder, "updates"))
        for number in range(50):
            recorder.keep(trade(FIRST_MS + DAY_MS + number * 1000, 1000 + number))
        settled(recorder)
        archived(recorder, LATER)
        assert counted(recorder, "updates") == 50
        assert day_file(recorder, "bars", 2).exists()
        settled(recorder)
        assert recorder.past.losses == 1


def test_rows_are_archived_where_bars_cannot_be_made_which_are_made_later(
    path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    monkeypatch.setattr("bot.record.rounds.RETRY_S", 0.0)

    def failing(*_: object) -> archive.Closed:
        raise duckdb.OutOfMemoryException("no memory for bars")

    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        with monkeypatch.context() as patch:
            patch.setattr(archive, "export_bars", failing)
            with archiving(recorder, LATER) as archivist:
                eventually(lambda: archivist.archived == 3)
                eventually(lambda: "no memory for bars" in archivist.state)
        assert day_file(recorder, "updates").exists() and not day_file(recorder, "bars").exists()
        archived(recorder, LATER)
        assert len(bars(recorder)) > 0


def test_rows_that_are_deleted_without_having_been_archived_are_told_before(
    path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    """Their day could not be written for as long as RETENTION_DAYS."""
    monkeypatch.setattr("bot.record.rounds.RETRY_S", 0.0)
    told: list[Incident] = []

    def failing(*_: object) -> archive.Closed:
        raise OSError("the share is full")

    with recording(path, on_loss=told.append) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        monkeypatch.setattr(archive, "export", failing)
        monkeypatch.setattr(archive, "export_bars", failing)
        with archiving(recorder, FIRST + timedelta(days=2)) as archivist:
            eventually(lambda: "the share is full" in archivist.state)
        assert counted(recorder, "updates") == 50 and not told
        with archiving(recorder, FIRST + timedelta(days=40)):
            eventually(lambda: counted(recorder, "updates") == 0)
    (incident,) = told
    assert incident.cause.startswith(
        "rows of 2026-09-01 are older than RETENTION_DAYS allows and were deleted without having "
        "been archived: 1 of samples, 50 of served, 50 of updates")
    assert (incident.rule, incident.duration_ms) == ("lost", DAY_MS)


def test_rows_that_come_for_a_day_that_was_forgotten_are_told(path: Path) -> None:  # noqa: F811
    told: list[Incident] = []
    with recording(path, on_loss=told.append) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        archived(recorder, FIRST + timedelta(days=40))
        assert not told  # they were in the archive first
        recorder.keep(trade(FIRST_MS + 999_000, 99))
        settled(recorder)
        archived(recorder, FIRST + timedelta(days=40))
        assert counted(recorder, "updates") == 0
    (incident,) = told
    assert incident.cause.endswith("1 of updates, which came too late")


def test_what_cannot_be_looked_at_is_not_held_to_be_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    def denied(*_: object) -> None:
        raise duckdb.IOException("Input/output error")

    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder, days=1)
        archived(recorder, LATER)
        with monkeypatch.context() as patch:
            patch.setattr("bot.record.custody.fault", denied)
            archivist = Archivist(recorder, 30, now=lambda: LATER, settle_s=0.0)
            archivist.step()
            assert archivist.state == "Input/output error"
        assert counted(recorder, "updates") == 50 and recorder.past.losses == 0


def test_incidents_that_were_over_long_ago_are_forgotten(path: Path) -> None:  # noqa: F811
    def incident(id: str, opened: datetime, closed: datetime | None) -> Incident:
        return Incident(id=id, source="okx", symbol="BTCUSDT", cause="", rule="silence",
                        opened_at=epoch_s(opened), closed_at=epoch_s(closed) if closed else None,
                        instance="primary")

    def epoch_s(moment: datetime) -> float:
        return (moment - datetime(1970, 1, 1)).total_seconds()

    day = timedelta(days=1)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        for one in (incident("old", FIRST, FIRST + day), incident("open", FIRST, None),
                    incident("long", FIRST, FIRST + 50 * day),
                    incident("new", FIRST + 50 * day, FIRST + 50 * day)):
            recorder.record_incident(one)
        settled(recorder)
        archived(recorder, FIRST + 410 * day)
    assert read(path, "SELECT id FROM incidents ORDER BY id") == [("long",), ("new",), ("open",)]


def test_a_day_of_events_leaves_the_file_as_well(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.record_event("source_switch", source="okx", symbol=None, reason="",
                              at_ms=FIRST_MS)
        settled(recorder)
        with recorder.reading() as con:
            assert archive.due(con, date(2026, 9, 2)) == [("events", date(2026, 9, 1), 1)]
        archived(recorder, LATER)
        assert counted(recorder, "events") == 1
        done: list[int] = []

        def count(database: Database) -> None:
            done.extend(database._con.execute("SELECT count(*) FROM events").fetchall()[0])

        recorder.ask(count)
        assert eventually(lambda: done) == [0]
