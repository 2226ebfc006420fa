"""What journald is told, by a journald of our own that understands it or fails."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.logs.facts import facts
from bot.logs.journald import LONGEST, encoded
from bot.logs.lines import settled
from bot.logs.sinks import FILE_NAME
from bot.logs.writer import LogWriter
from tests.helpers import eventually
from tests.logs.journald import Journald, parsed
from tests.logs.test_writer import Pipe, Start, end, hand, lines, start  # noqa: F401  # a fixture

log = logging.getLogger("test.journald")


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    with Journald(tmp_path) as journald:
        yield journald


@pytest.fixture
def stderr() -> Pipe:
    return Pipe()


Begin = Callable[[], LogWriter]


@pytest.fixture
def begin(
    start: Start, journald: Journald, stderr: Pipe,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Begin]:
    """Starts a writer whose stderr journald is said to read."""
    def begun() -> LogWriter:
        monkeypatch.setattr(sys, "stderr", stderr.stderr)
        status = os.fstat(stderr.stderr.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        return start("DEBUG", socket=journald.path)

    yield begun
    if not stderr.stderr.closed:
        stderr.close()


def test_a_line_is_one_entry_with_its_facts(begin: Begin, journald: Journald) -> None:
    begin()
    log.warning("🔄 Source switch: %s", "binance -> okx", extra=facts(
        "source_switch", source="okx", symbol="BTCUSDT", reason="no data for 5012 ms",
        duration_ms=1.2, previous="binance", current="okx", count=3))
    entry = journald.entry()
    assert int(entry.pop("CODE_LINE")) > 0
    assert entry == {
        "MESSAGE": "🔄 Source switch: binance -> okx", "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "autonomous-bot", "INSTANCE": "primary", "LOGGER": "test.journald",
        "THREAD_NAME": "MainThread", "CODE_FILE": __file__,
        "CODE_FUNC": "test_a_line_is_one_entry_with_its_facts", "EVENT": "source_switch",
        "SOURCE": "okx", "SYMBOL": "BTCUSDT", "REASON": "no data for 5012 ms",
        "DURATION_MS": "1", "FROM": "binance", "TO": "okx", "COUNT": "3"}


@pytest.mark.parametrize("level, priority", [
    ("DEBUG", "7"), ("INFO", "6"), ("WARNING", "4"), ("ERROR", "3"), ("CRITICAL", "3")])
def test_levels_are_those_of_syslog(
    begin: Begin, journald: Journald, level: str, priority: str
) -> None:
    begin()
    log.log(getattr(logging, level), "x")
    assert journald.entry()["PRIORITY"] == priority


@pytest.mark.parametrize("text", [
    "two\nlines", "\n", "ends\n", "a=b", "\x00\x1b[31m\r", "é🚀", "lone \ud800 surrogate"],
    ids=ascii)
def test_any_text_arrives(begin: Begin, journald: Journald, text: str) -> None:
    hand(begin(), text)
    entry = journald.entry()
    expected = text.replace("\ud800", "\\ud800")
    assert entry["MESSAGE"] == expected and entry["REASON"] == expected


def test_a_traceback_is_part_of_its_one_entry(begin: Begin, journald: Journald) -> None:
    writer = begin()
    try:
        raise ValueError("broken part")
    except ValueError:
        log.exception("it failed")
    end(writer)
    (entry,) = journald.entries()
    message = entry["MESSAGE"].split("\n")
    assert message[:2] == ["it failed", "Traceback (most recent call last):"]
    assert message[-1] == "ValueError: broken part"


@pytest.mark.parametrize("letter", ["x", "é", "🚀", "\n"])
def test_what_is_too_long_is_cut_between_two_letters(
    begin: Begin, journald: Journald, letter: str
) -> None:
    writer = begin()
    log.info(letter * 1_000_000, extra=facts("verdict", reason=letter * 1_000_000))
    log.info("short")
    end(writer)
    long, short = journald.entries()
    for name in ("MESSAGE", "REASON"):
        assert LONGEST - 4 <= len(long[name].encode()) <= LONGEST
        assert long[name].rstrip(" [cut]").strip(letter) == ""
        assert long[name].endswith(" [cut]")
    assert short["MESSAGE"] == "short"


def test_where_the_system_takes_no_such_datagram_it_is_cut_further(
    begin: Begin, journald: Journald, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may allow less than the size of a long line's fields together."""
    monkeypatch.setattr("bot.logs.journald.LONGEST", 10_000_000)
    writer = begin()
    log.info("x" * 5_000_000, extra=facts("verdict", reason="y" * 100))
    end(writer)
    (entry,) = journald.entries()
    assert len(entry["MESSAGE"]) == 1024 and entry["REASON"] == "y" * 100


def test_the_form_with_a_length_is_for_newlines_only() -> None:
    assert encoded("A", "b=c") == b"A=b=c\n"
    assert encoded("A", "b\nc") == b"A\n\x03\0\0\0\0\0\0\0b\nc\n"
    assert parsed(encoded("A", "b\nc") + encoded("B", "")) == {"A": "b\nc", "B": ""}


def test_a_journald_that_hangs_costs_a_moment_once_and_what_it_missed_is_counted(
    begin: Begin, journald: Journald, tmp_path: Path
) -> None:
    writer = begin()
    began = time.monotonic()
    for number in range(3000):  # more than its queue takes
        log.info("line %d", number)
        if number % 500 == 0:  # or it would be called a flood
            eventually(writer._queue.empty)
            writer._flood._counts.clear()
    eventually(lambda: sum(" line " in line for line in lines(tmp_path)) == 3000,
               what="the file has them all")
    assert time.monotonic() - began < 5.0
    told = lines(tmp_path)
    assert [line.rpartition("] ")[2] for line in told if "[LOG]" in line] == [
        "journald cannot be written: it does not read"]
    waiting = journald.entries()
    log.info("it goes on")
    end(writer)
    entries = journald.entries()
    assert [entry["MESSAGE"] for entry in entries] == [
        "it goes on", "⚠️ [LOG] journald is written again; "
        f"{3000 - len(waiting)} lines are missing there"]
    assert entries[1]["EVENT"] == "log_mended"
    assert entries[1]["COUNT"] == str(3000 - len(waiting))
    assert [entry["MESSAGE"] for entry in waiting] == [f"line {n}" for n in range(len(waiting))]


@pytest.mark.parametrize("goes", ["vanish", "leave"])
def test_without_a_journald_lines_go_to_stderr_until_it_is_back(
    begin: Begin, journald: Journald, stderr: Pipe, goes: str
) -> None:
    writer = begin()
    log.info("first")
    assert journald.entry()["MESSAGE"] == "first"
    getattr(journald, goes)()
    log.warning("second", extra=facts("verdict"))
    try:
        raise ValueError("broken part")
    except ValueError:
        log.exception("third")
    eventually(writer._queue.empty)
    eventually(lambda: writer._sinks[0].missed == 0)
    journald.come_back()
    log.info("fourth")
    assert journald.entry()["MESSAGE"] == "fourth"
    end(writer)
    written = stderr.close().splitlines()
    assert written[0] == "<4>second" and written[1] == "<3>third"
    assert all(line.startswith("<3>") for line in written[2:]), "each line is an entry there"


def test_the_file_is_text_all_the_same(
    begin: Begin, journald: Journald, tmp_path: Path
) -> None:
    writer = begin()
    log.info("hello")
    end(writer)
    assert (tmp_path / FILE_NAME).read_text().endswith(" INFO    hello\n")


def test_settled_records_hold_words_only() -> None:
    names = ["a"]
    try:
        raise ValueError("x")
    except ValueError:
        record = log.makeRecord("x", 20, "f.py", 1, "%s", (names,), sys.exc_info())
    kept = settled(record)
    names.append("b")
    assert (kept.getMessage(), kept.args, kept.exc_info) == ("['a']", None, None)
    assert kept.exc_text is not None and kept.exc_text.endswith("ValueError: x")
    assert record.exc_info is not None, "it is a copy"
