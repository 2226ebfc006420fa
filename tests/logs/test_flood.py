"""A place that writes without end is counted, and told once a minute."""

import logging
from pathlib import Path

import pytest

from bot.logs.flood import LINES, MINUTE_S, TRACEBACKS, Flood
from tests.logs.test_writer import Start, end, lines, start  # noqa: F401  # a fixture

log = logging.getLogger("test.flood")


def record(line: int, traceback: bool = False) -> logging.LogRecord:
    made = logging.LogRecord("x", 20, "f.py", line, f"line {line}", None, None)
    made.exc_text = "Traceback" if traceback else None
    return made


@pytest.mark.parametrize("traceback, allowed", [(False, LINES), (True, TRACEBACKS)])
def test_a_place_has_its_share_of_a_minute(traceback: bool, allowed: int) -> None:
    flood = Flood()
    flood.turn(100.0)
    assert [flood.admits(record(1, traceback)) for _ in range(allowed + 2)] == (
        [True] * allowed + [False] * 2)
    assert flood.admits(record(2)), "other places have theirs"
    assert flood.turn(99.0 + MINUTE_S) == []
    assert flood.turn(100.0 + MINUTE_S) == [(2, "line 1")]
    assert flood.admits(record(1, traceback)), "a new minute"


def test_what_was_held_back_is_told_by_the_writer(
    start: Start, tmp_path: Path  # noqa: F811
) -> None:
    writer = start()
    for _ in range(LINES + 5):
        log.info("again and\nagain")
    end(writer)
    found = lines(tmp_path)
    assert len(found) == 2 * LINES + 1
    assert found[-1].endswith(
        "⚠️ [LOG] 5 more lines within a minute like 'again and\\nagain'")
