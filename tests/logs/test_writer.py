"""Logging that cannot hold anybody up (D131), with real pipes and real files."""

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.logs import sinks, writer as writing
from bot.logs.facts import facts
from bot.logs.sinks import FILE_NAME
from bot.logs.writer import LogWriter, log_queue
from tests.broker.disk import Disk
from tests.helpers import eventually

LIBRARIES = ("urllib3", "waitress", "websockets", "websocket")
FLOOD, LINE = 300, "x" * 1000  # more than a pipe of 64 KiB and a queue of 100 hold together

log = logging.getLogger("test.logs")

Start = Callable[..., LogWriter]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts writers; ends them, and leaves logging as it was."""
    root, started = logging.getLogger(), list[LogWriter]()
    level, handlers = root.level, list(root.handlers)
    monkeypatch.setattr(logging, "raiseExceptions", True)

    def begin(level: str = "INFO", folder: Path = tmp_path, form: str = "text",
              instance: str = "primary", socket: str = str(tmp_path / "no")) -> LogWriter:
        started.append(LogWriter(level, folder, form, instance, socket))
        started[-1].start()
        return started[-1]

    yield begin
    for writer in started:
        end(writer)
    assert root.handlers == handlers, "no handler is left behind"
    root.setLevel(level)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.NOTSET)


def end(writer: LogWriter) -> None:
    writer.stop()
    assert writer.join(5) and writer.failure is None


def hand(writer: LogWriter, text: str, error: BaseException | None = None) -> None:
    """Log it past the root logger, from which pytest takes what no report of it can hold."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    writer._handler.handle(log.makeRecord(
        log.name, logging.ERROR if error else logging.INFO, __file__, 1, "%s", (text,), exc_info,
        extra=facts("verdict", reason=text)))


def lines(folder: Path) -> list[str]:
    return (folder / FILE_NAME).read_text("utf-8").splitlines()


class Pipe:
    """A stderr whose other end reads only when told to."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stderr = os.fdopen(writer, "w", encoding="utf-8")
        self._text = b""
        self._thread = threading.Thread(target=self._read, name="pipe-reader")

    def read_on(self) -> None:
        self._thread.start()

    def close(self) -> str:
        """Returns: all that was written."""
        if self._thread.ident is None:
            self._thread.start()
        self.stderr.close()
        self._thread.join(5)
        os.close(self.reader)
        return self._text.decode()

    def _read(self) -> None:
        while part := os.read(self.reader, 65536):
            self._text += part


def test_all_that_was_logged_is_in_the_file_when_the_writer_has_ended(
    start: Start, tmp_path: Path
) -> None:
    writer = start()
    for number in range(1000):
        log.info("🚀 line %d", number)
    end(writer)
    found = lines(tmp_path)
    assert len(found) == 1000
    assert found[0].endswith("INFO    🚀 line 0") and found[-1].endswith("line 999")
    assert found[0][:4].isdigit(), "the file has a time stamp of its own"


def test_folder_is_made(start: Start, tmp_path: Path) -> None:
    writer = start(folder=tmp_path / "a" / "b")
    log.info("x")
    end(writer)
    assert len(lines(tmp_path / "a" / "b")) == 1 and writer.file_fault == ""


def test_file_is_rotated_and_old_ones_are_kept_up_to_a_number(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "FILE_BYTES", 2000)
    monkeypatch.setattr(sinks, "FILE_COUNT", 3)
    writer = start()
    for number in range(500):
        log.info("line %d", number)
    end(writer)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        FILE_NAME, *(f"{FILE_NAME}.{number}" for number in (1, 2, 3))]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert lines(tmp_path)[-1].endswith("line 499")


def test_file_that_cannot_be_written_is_told_and_stderr_goes_on(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    (tmp_path / "taken").write_text("a file where the folder should be")
    writer = start(folder=tmp_path / "taken")
    log.info("still here")
    end(writer)
    assert "cannot be written" in writer.file_fault and FILE_NAME in writer.file_fault
    assert "still here" in pipe.close()


def test_lines_below_the_level_are_not_written(start: Start, tmp_path: Path) -> None:
    writer = start("WARNING")
    log.info("quiet")
    log.warning("loud")
    end(writer)
    assert [line.rpartition(" ")[2] for line in lines(tmp_path)] == ["loud"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_libraries_speak_up_only_when_something_is_wrong(
    start: Start, tmp_path: Path, library: str
) -> None:
    writer = start("DEBUG")
    logging.getLogger(library).info("chatter")
    logging.getLogger(library).warning("trouble")
    end(writer)
    assert [line.rpartition(" ")[2] for line in lines(tmp_path)] == ["trouble"]


def test_traceback_is_written_with_its_line(start: Start, tmp_path: Path) -> None:
    writer = start()
    try:
        raise ValueError("broken part")
    except ValueError:
        log.exception("it failed")
    end(writer)
    text = "\n".join(lines(tmp_path))
    assert "it failed" in text and "Traceback" in text and text.endswith("broken part")


def test_pipe_that_nobody_reads_blocks_no_logging_thread_and_drops_are_counted(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "QUEUED", 100)
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    writer = start()
    logged = threading.Event()

    def flood() -> None:
        for number in range(FLOOD):
            log.info("%d %s", number, LINE)
        logged.set()

    threading.Thread(target=flood).start()
    assert logged.wait(5), "a thread that logs was held up"
    dropped = writer.dropped
    assert dropped > 0
    handler = log_queue()
    assert handler is not None and handler.waiting > 0 and handler.dropped == dropped
    pipe.read_on()
    eventually(lambda: writer._queue.empty())
    log.info("room again")
    end(writer)
    text = pipe.close()
    assert f"{dropped} log lines were dropped" in text and "room again" in text
    assert text.count("xxx\n") == FLOOD - dropped, "what was not dropped was written"
    assert len(lines(tmp_path)) == text.count("\n"), "the file has the same lines"


def test_without_a_writer_there_is_no_queue_to_look_at() -> None:
    assert log_queue() is None


def test_drops_are_told_also_when_the_end_comes_before_there_is_room(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "QUEUED", 100)
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    writer = start()
    for number in range(FLOOD):
        log.info("%d %s", number, LINE)
    writer.stop()
    pipe.read_on()
    assert writer.join(5)
    pipe.close()
    assert any(f"{writer.dropped} log lines were dropped" in line for line in lines(tmp_path))


def test_writer_that_is_stuck_is_not_waited_for_beyond_the_owners_patience(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    writer = start()
    for _ in range(FLOOD):
        log.info(LINE)
    writer.stop()
    assert not writer.join(0.05)
    pipe.read_on()
    assert writer.join(5)
    pipe.close()


@pytest.mark.parametrize("matches", [True, False])
def test_stderr_has_a_stamp_unless_the_journal_puts_one(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, matches: bool
) -> None:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe.stderr)
    status = os.fstat(pipe.stderr.fileno())
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + (not matches)}")
    writer = start()
    log.info("🌐 one line")
    end(writer)
    text = pipe.close()
    assert (text == "<6>🌐 one line\n") is matches and text.endswith("🌐 one line\n")
    assert lines(tmp_path)[0] != "🌐 one line", "the file always has one"


@pytest.mark.parametrize("gone", ["closed", "none"])
def test_missing_stderr_is_no_reason_not_to_start(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    """Python sets sys.stderr to None when descriptor 2 is closed at the start."""
    pipe = Pipe()
    pipe.close()
    monkeypatch.setattr(sys, "stderr", None if gone == "none" else pipe.stderr)
    writer = start()
    log.info("to the file")
    end(writer)
    assert lines(tmp_path)[-1].endswith("to the file")


def written_again(folder: Path) -> bool:
    log.info("room again")
    return "room again" in "".join(lines(folder))


def test_full_disk_costs_the_file_its_lines_and_nothing_else(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(tmp_path / "small", 1)
    disk.mount()
    try:
        pipe = Pipe()
        pipe.read_on()
        monkeypatch.setattr(sys, "stderr", pipe.stderr)
        writer = start(folder=disk.folder)
        disk.fill()
        for number in range(200):
            log.info("%d %s", number, LINE)
        eventually(writer._queue.empty)
        disk.clear()
        eventually(lambda: written_again(disk.folder))
        end(writer)
        text, written = pipe.close(), lines(disk.folder)
    finally:
        disk.unmount()
    assert text.count("xxx\n") == 200, "stderr has them all"
    assert "autonomous_bot.log cannot be written: No space left on device" in text
    assert text.count("cannot be written") == 1
    mended = re.search(r"autonomous_bot.log is written again; (\d+) lines are missing there", text)
    assert mended and int(mended[1]) > 100
    assert any(mended[0] in line for line in written), "the file tells of its own gap"
