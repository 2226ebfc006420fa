"""The record put together: what is told of it."""

from pathlib import Path

import pytest

from bot.config import Config
from bot.events import RecordingChanged
from bot.incidents.ledger import Ledger
from bot.record.vitals import MB
from bot.recording import Recording


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    config = Config(duckdb_path=tmp_path / "analytics.duckdb")
    return Recording(config, Ledger("primary", ("BTCUSDT",), ("binance",)))


def test_each_change_of_its_state_is_told_once(recording: Recording) -> None:
    told: list[RecordingChanged] = []
    recording.tell = told.append
    recorder = recording.recorder
    assert recorder is not None
    for free_bytes, active, state in (
            (None, False, "disk full"), (None, False, "held"), (None, True, "recording"),
            (None, True, "recording"), (900 * MB, True, "recording"), (None, True, "recording")):
        recorder.active, recorder.state = active, state
        recorder._vitals.free_bytes = free_bytes
        recording.look()
    assert [(event.good, event.rule, event.reason) for event in told] == [
        (False, "record", "disk full"), (True, "good", "recording"),
        (False, "disk", "recording; the disk runs low, 900 MB are free"),
        (True, "good", "recording")]


def test_a_start_that_takes_its_time_is_no_trouble(recording: Recording) -> None:
    recording.tell = lambda event: pytest.fail(f"told {event}")
    assert recording.recorder is not None and recording.recorder.state == "not open yet"
    recording.look()


def test_without_a_recorder_there_is_nothing_to_tell() -> None:
    recording = Recording(Config(enable_duckdb=False), Ledger("primary", ("BTCUSDT",), ()))
    recording.tell = lambda event: pytest.fail(f"told {event}")
    recording.look()
