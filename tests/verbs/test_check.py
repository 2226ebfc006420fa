"""The verb `check`: what is in force, and warnings that need no network."""

from argparse import Namespace
from pathlib import Path

import pytest

from bot.config import SETTINGS
from bot.verbs.check import EX_OK, run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without settings, and an environment without them."""
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    assert run(Namespace()) == EX_OK
    told = capsys.readouterr()
    return told.out, told.err


def test_what_is_in_force_is_printed_and_nothing_is_complained_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENABLE_WEBSOCKET_FEEDS", "true")
    out, err = checked(capsys)
    assert len(out.splitlines()) == len(SETTINGS) and err == ""


@pytest.mark.parametrize("names, words", [
    ({"ENABLE_OKX_LIVE": "false"}, "warning: no source of real prices is on; set ENABLE_WEB"),
    ({"ENABLE_WEBSOCKET_FEEDS": "true", "EXCHANGES": "binance"},
     "warning: EXCHANGES names binance alone"),
    ({"ENABLE_WEBSOCKET_FEEDS": "true", "API_HOST": "0.0.0.0", "API_TOKEN": "short"},
     "warning: API_TOKEN is short (5 characters)"),
    ({"ENABLE_ML": "true"}, "warning: ENABLE_ML is on, and this version has no adaptive layer"),
])
def test_what_doctor_would_find_without_a_network_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: dict[str, str],
    words: str
) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert words in checked(capsys)[1]


def test_misspelt_names_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("ENABLE_WEBSOCKET_FEEDS=true\nTRADING_SYMBOLS=BTCUSDT\n")
    assert "did you mean TRADING_SYMBOL?" in checked(capsys)[1]


def test_a_name_that_stands_there_twice_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("ENABLE_WEBSOCKET_FEEDS=true\nAPI_PORT=1\nAPI_PORT=2\n")
    assert "warning: .env: API_PORT stands on lines 2 and 3, and only the last counts; " in (
        checked(capsys)[1])
