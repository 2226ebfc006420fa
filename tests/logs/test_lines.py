"""JSON lines: each is one line, whatever it holds."""

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.logs.facts import facts
from bot.logs.lines import stamp
from bot.logs.sinks import FILE_NAME
from tests.logs.test_writer import Pipe, Start, end, hand, start  # noqa: F401  # a fixture

log = logging.getLogger("test.lines")


def objects(folder: Path) -> list[dict[str, Any]]:
    text = (folder / FILE_NAME).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def test_a_line_is_an_object_with_its_facts(start: Start, tmp_path: Path) -> None:  # noqa: F811
    writer = start(form="json", instance="desk-7")
    log.warning("🔄 %s", "binance -> okx", extra=facts(
        "source_switch", source="okx", symbol="BTCUSDT", reason="lost", duration_ms=2.0,
        previous="binance", current="okx"))
    end(writer)
    (told,) = objects(tmp_path)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told == {
        "level": "WARNING", "message": "🔄 binance -> okx", "logger": "test.lines",
        "thread": "MainThread", "instance": "desk-7", "event": "source_switch", "source": "okx",
        "symbol": "BTCUSDT", "reason": "lost", "duration_ms": 2, "from": "binance", "to": "okx"}


def test_stderr_has_the_same_lines(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    writer = start(form="json")
    log.info("one")
    log.info("two")
    end(writer)
    assert pipe.close() == (tmp_path / FILE_NAME).read_text()


@pytest.mark.parametrize("text", [
    "two\nlines\r\n", "\x00\x07\x1b[2J\x7f", 'quotes " and \\', "\u2028\u0085", "lone \ud800",
    "é🚀", ""], ids=ascii)
def test_no_text_breaks_a_line(start: Start, tmp_path: Path, text: str) -> None:  # noqa: F811
    writer = start(form="json")
    hand(writer, text)
    log.info("next")
    end(writer)
    told, after = objects(tmp_path)
    assert told["message"] == told["reason"] == text.replace("\ud800", "\\ud800")
    assert after["message"] == "next"


def test_a_traceback_is_one_field(start: Start, tmp_path: Path) -> None:  # noqa: F811
    writer = start(form="json")
    try:
        raise ValueError("broken \ud800 part")
    except ValueError as error:
        hand(writer, "it failed", error)
    end(writer)
    (told,) = objects(tmp_path)
    assert told["message"] == "it failed"
    assert told["traceback"].startswith("Traceback (most recent call last):\n")
    assert told["traceback"].endswith("ValueError: broken \\ud800 part")


def test_a_lone_surrogate_does_not_break_a_line_of_text(
    start: Start, tmp_path: Path  # noqa: F811
) -> None:
    writer = start()
    hand(writer, "lone \ud800")
    end(writer)
    assert (tmp_path / FILE_NAME).read_text().endswith("lone \\ud800\n")


def test_stamps_are_utc_with_milliseconds() -> None:
    assert stamp(1_795_373_066.1076) == "2026-11-22T18:44:26.107Z"
    assert stamp(0.0) == "1970-01-01T00:00:00.000Z"
