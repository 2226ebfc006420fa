"""What survives a restart, in real DuckDB files."""

import logging
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.incidents.incident import History, Incident
from bot.incidents.ledger import Ledger
from bot.record import history
from bot.record.history import read_history
from bot.record.mark import mark_of
from bot.record.recorder import Recorder
from bot.record.schema import create_tables
from tests.helpers import eventually
from tests.record.test_recorder import quote, read, recording, stop

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "analytics.duckdb"


def epoch_s(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()


def incident(**fields: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "a-1", "source": "okx", "symbol": "BTCUSDT", "cause": "no data for 5012 ms",
        "rule": "silence", "opened_at": 1_790_000_000.123456, "instance": "primary"}
    return Incident(**(values | fields))


def life(path: Path, *incidents: Incident, served: bool = True) -> History:
    """A bot opens the file and writes. Returns: what it was told of the lives before it."""
    told: list[History] = []
    with recording(path, on_history=told.append) as recorder:
        assert recorder.wait_open(5)
        for one in incidents:
            recorder.record_incident(one)
        if served:
            recorder.record_served(quote(), int(time.time() * 1000))
        eventually(lambda: recorder.pending == 0)
    (found,) = told
    return found


def test_the_first_life_is_told_of_none(path: Path) -> None:
    assert life(path) == History(None, None)


def test_the_next_life_is_told_when_the_last_one_began_and_was_last_seen(path: Path) -> None:
    before = time.time()
    life(path)
    after = time.time()
    found = life(path)
    assert found.since is not None and before <= found.since <= after
    assert found.alive_at is not None and found.since <= found.alive_at <= after
    assert found.alive_at == pytest.approx(int(found.alive_at * 1000) / 1000, abs=1e-6)


def test_how_a_life_ended_is_known_to_the_next_one(path: Path) -> None:
    life(path)
    mark = mark_of(path)
    while_it_ran: list[bytes] = []
    told: list[History] = []
    with recording(path, on_history=told.append) as recorder:
        assert recorder.wait_open(5)
        recorder.record_served(quote(), int(time.time() * 1000))
        eventually(lambda: recorder.pending == 0)
        while_it_ran.append(mark.read_bytes())
    assert told[0].ended_in_order is True
    mark.write_bytes(while_it_ran[0])  # as a kill leaves it
    assert life(path).ended_in_order is False
    mark.unlink()
    assert life(path).ended_in_order is None


def test_an_opening_alone_is_a_sign_of_life(path: Path) -> None:
    life(path, served=False)
    found = life(path, served=False)
    assert found.since == found.alive_at is not None


def test_incidents_come_back_as_they_were_last_told(path: Path) -> None:
    whole = incident(
        revision=2, closed_at=1_790_000_005.5, duration_ms=5376.544, detected_after_ms=5012.25,
        switched_after_ms=0.5, blackout_ms=3.25, price_step_bps=-1.125)
    life(path, incident(), whole, incident(id="a-2", opened_at=1_790_000_001.0, source=None),
         incident(id="a-0", opened_at=1_790_000_000.0, source=None, symbol=None))
    found = read_from(path, datetime(2026, 9, 22))
    assert [one.id for one in found] == ["a-0", "a-1", "a-2"]
    assert found[1] == whole


def read_from(path: Path, now: datetime) -> tuple[Incident, ...]:
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO openings SELECT * FROM openings")  # that of the reader
        return read_history(con, now).incidents


def test_only_what_reaches_into_the_window_is_read(path: Path) -> None:
    days = [70.0, 45.0, 40.0, 10.0]
    opened = [epoch_s(NOW - timedelta(days=day)) for day in days]
    life(path, *(incident(id=f"a-{day:g}", opened_at=at, closed_at=at + 6 * 86_400)
                 for day, at in zip(days, opened, strict=True)),
         incident(id="a-35", opened_at=epoch_s(NOW - timedelta(days=35)),
                  closed_at=epoch_s(NOW - timedelta(days=29))),
         incident(id="a-50", opened_at=epoch_s(NOW - timedelta(days=50))))
    assert [one.id for one in read_from(path, NOW)] == ["a-50", "a-35", "a-10"]


def test_of_too_many_the_newest_are_read_and_the_time_begins_with_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_INCIDENTS", 3)
    now = time.time()
    life(path, *(incident(id=f"a-{number}", opened_at=now + number) for number in range(5)))
    found = life(path)
    assert [one.id for one in found.incidents] == ["a-2", "a-3", "a-4"]
    assert found.since == pytest.approx(now + 2, abs=1e-5)


def test_a_file_from_before_there_were_incidents_is_extended(path: Path) -> None:
    life(path)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP TABLE incidents")
    found = life(path, incident())
    assert found.since is not None and found.incidents == ()
    assert read(path, "SELECT id FROM incidents") == [("a-1",)]


def test_what_cannot_be_read_does_not_keep_the_recorder_from_opening(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    life(path)
    monkeypatch.setattr(history, "SIGNS_OF_LIFE", "SELECT 1 / 'x'")
    told: list[History] = []
    with recording(path, on_history=told.append) as recorder:
        assert recorder.wait_open(5)
        recorder.record_incident(incident())
        eventually(lambda: recorder.written == 1)
    assert told == []
    assert caplog.text.count("What was before this start cannot be read") == 1


def test_it_is_told_once_however_often_the_file_is_opened(path: Path) -> None:
    told: list[History] = []
    with recording(path, on_history=told.append) as recorder:
        assert recorder.wait_open(5)
        recorder._fell_out("tried")  # as after a fault of the disk
        recorder.record_incident(incident())
        eventually(lambda: recorder.written == 1)
    assert len(told) == 1
    assert read(path, "SELECT count(*) FROM openings") == [(2,)]


def test_a_kill_while_an_incident_is_open_ends_it_with_the_last_sign_of_life(path: Path) -> None:
    life(path, incident(opened_at=time.time() - 60))
    ledger = Ledger("primary", ("BTCUSDT",), ("okx",), wall=lambda: time.time() + 20)
    recorder = Recorder(path, "primary", commit_interval_s=0.05, on_history=ledger.adopt)
    ledger.keep(recorder.record_incident)
    recorder.start()
    eventually(lambda: recorder.written == 2)
    stop(recorder)
    ((last,),) = read(path, "SELECT max(served_at) FROM served")
    assert read(path, "SELECT id, closed_at, cause FROM incidents WHERE revision = 2") == [
        ("a-1", last, "no data for 5012 ms; open when the bot ended")]
    ((since, length),) = read(
        path, "SELECT opened_at, duration_ms FROM incidents WHERE cause = 'down'")
    assert since == last and 19_000 < length < 30_000
    assert [one.id for one in life(path).incidents if one.closed_at is None] == []


def test_ten_million_updates_are_looked_back_at_in_no_time(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        create_tables(con)
        con.execute(
            "INSERT INTO updates SELECT TIMESTAMP '2026-09-01' + INTERVAL (i * 17280) MICROSECOND,"
            " NULL, 'binance', 'BTCUSDT', 'trade', 1.0, 1.0, 1.0, 2.0,"
            " NULL, NULL, NULL FROM range(10_000_000) t(i)")
        con.execute("INSERT INTO openings VALUES ('2026-09-01', 'primary', 1, 'x', NULL)")
    told: list[tuple[float, History]] = []
    recorder = Recorder(path, "primary",
                        on_history=lambda found: told.append((time.perf_counter(), found)))
    began = time.perf_counter()
    recorder.start()
    assert recorder.wait_open(5)
    recorder.stop()
    assert recorder.join(10)
    ((at, found),) = told
    print(f"opened and looked back after {(at - began) * 1000:.0f} ms")
    assert at - began < 1.0
    assert found.alive_at == epoch_s(datetime(2026, 9, 1)) + 9_999_999 * 0.01728


def test_nothing_is_logged_of_a_good_look_back(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    life(path)
    life(path)
    assert [entry for entry in caplog.records if entry.levelno >= logging.WARNING] == []


def happened(recorder: Recorder, kind: str, ago_s: float, symbol: str = "BTCUSDT") -> None:
    recorder.record_event(kind, source="okx", symbol=symbol, reason=f"{kind} {ago_s:g}",
                          at_ms=int((time.time() - ago_s) * 1000))


def test_who_was_active_is_told_for_an_hour_and_how_it_was_before(path: Path) -> None:
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        for ago_s in (9000, 8000):
            happened(recorder, "source_activated", ago_s)
        happened(recorder, "source_switch", 7000, "ETHUSDT")
        happened(recorder, "failover_failed", 100)
        happened(recorder, "source_judged", 90)
        happened(recorder, "source_switch", 50)
        eventually(lambda: recorder.pending == 0)
    found = life(path).activations
    assert [(one.symbol, one.source, one.reason) for one in found] == [
        ("BTCUSDT", "okx", "source_activated 8000"), ("ETHUSDT", "okx", "source_switch 7000"),
        ("BTCUSDT", None, "failover_failed 100"), ("BTCUSDT", "okx", "source_switch 50")]
    assert found[-1].at == pytest.approx(time.time() - 50, abs=20)
