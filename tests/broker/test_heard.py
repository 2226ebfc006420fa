"""What a bot without streams of its own tells of what it hears."""

from pathlib import Path

import pytest

from bot.broker.heard import Heard
from bot.record.recorder import Recorder
from tests.broker.records import Ear, Writer


@pytest.fixture
def ear() -> Ear:
    return Ear(exchanges=("binance", "okx"))


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    """One that only takes what is to be recorded."""
    return Recorder(tmp_path / "analytics.duckdb", "primary")


@pytest.fixture
def eins(ear: Ear, recorder: Recorder) -> Writer:
    ear.hearsay.tell(Heard(("BTCUSDT",), recorder).listeners)
    return Writer("eins", ear)


def both(ear: Ear, eins: Writer, seconds: float, symbol: str = "BTCUSDT") -> None:
    """Both exchanges say the same, five times a second."""
    for _ in range(round(seconds * 5)):
        ear.passes(0.2)
        ear.hears(eins.tells(100.0, symbol=symbol),
                  eins.tells(100.0, exchange="okx", symbol=symbol))


def test_who_is_first_is_told_and_a_start_is_no_news(
    ear: Ear, eins: Writer, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    both(ear, eins, 2.0)
    assert caplog.messages == [
        "📨 [KAFKA] Active source for BTCUSDT: binance (first fresh data)"]
    assert recorder.pending == 0


def test_a_source_that_falls_silent_is_a_switch_and_then_nobody_is_fit(
    ear: Ear, eins: Writer, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    both(ear, eins, 2.0)
    eins.talks(6.0, exchange="okx")
    assert "📨 [KAFKA] Source switch: binance -> okx (no data for 5" in caplog.text
    for _ in range(30):
        ear.passes(0.2)
        ear.hears()
    assert "📨 [KAFKA] No source is fit for BTCUSDT" in caplog.text
    assert "📨 [KAFKA] degraded -> stale: " in caplog.text
    assert recorder.pending >= 3


def test_a_lie_is_told_by_its_symbol(
    ear: Ear, eins: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    both(ear, eins, 3.0, symbol="ETHUSDT")
    for _ in range(20):
        ear.passes(0.2)
        ear.hears(eins.tells(100.0, symbol="ETHUSDT"),
                  eins.tells(101.0, exchange="okx", symbol="ETHUSDT"))
    assert "📨 [KAFKA] [ETHUSDT] trusted -> disputed: " in caplog.text


def test_of_several_symbols_the_main_one_is_named_too(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    ear.hearsay.tell(Heard(("BTCUSDT", "ETHUSDT"), None).listeners)
    eins = Writer("eins", ear)
    both(ear, eins, 2.0)
    eins.talks(6.0, exchange="okx")
    assert "📨 [KAFKA] [BTCUSDT] Source switch: binance -> okx (no data for 5" in caplog.text


def test_without_a_recorder_it_is_told_all_the_same(
    ear: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    ear.hearsay.tell(Heard(("BTCUSDT",), None).listeners)
    eins = Writer("eins", ear)
    both(ear, eins, 2.0)
    eins.talks(6.0, exchange="okx")
    assert "Source switch: binance -> okx" in caplog.text


def test_nobody_is_told_where_nobody_listens(
    caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear(exchanges=("binance", "okx"))
    eins = Writer("eins", ear)
    both(ear, eins, 2.0)
    eins.talks(6.0, exchange="okx")
    assert "KAFKA" not in caplog.text
