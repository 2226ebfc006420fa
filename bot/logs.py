"""Logging that cannot hold anybody up: a bounded queue, and one thread that writes.

A stderr that nobody reads, or a disk that hangs, stops that thread and no other; what then does not
fit into the queue is counted and the count is logged once there is room again.
"""

import logging
import logging.handlers
import os
import queue
import sys
from functools import partial
from pathlib import Path

from bot.worker import Worker

FILE_NAME = "autonomous_bot.log"
FILE_BYTES = 10_000_000
FILE_COUNT = 5
QUEUED = 10_000
STAMPED = "%(asctime)s %(levelname)-7s %(message)s"
BARE = "%(message)s"


class LogQueue(logging.handlers.QueueHandler):
    """Hands records over without waiting; `dropped` counts those there was no room for."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class LogWriter(Worker):
    """Writes what is logged to stderr and to a rotated file. Thread: log-writer."""

    def __init__(self, level: str, folder: Path) -> None:
        super().__init__("log-writer")
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(QUEUED)
        self._handler = LogQueue(self._queue)
        self._level = level
        self._reported = 0
        self._broken: set[logging.Handler] = set()
        self._sinks: list[logging.Handler] = [_stderr()]
        try:
            self._sinks.append(_file(folder))
            self.file_fault = ""
        except OSError as error:
            self.file_fault = f"{folder / FILE_NAME} cannot be written: {error}"
        for sink in self._sinks:
            # logging's own way would be a traceback on stderr for every record
            sink.handleError = partial(self._refused, sink)  # type: ignore[method-assign]

    @property
    def dropped(self) -> int:
        return self._handler.dropped

    def start(self) -> None:
        root = logging.getLogger()
        root.setLevel(self._level)
        root.addHandler(self._handler)
        # libraries speak up only when something is wrong
        for name in ("urllib3", "waitress", "websockets", "websocket"):
            logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
        super().start()

    def stop(self) -> None:
        """Let the thread end once everything logged so far is written."""
        logging.getLogger().removeHandler(self._handler)
        super().stop()
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            pass  # the thread is not keeping up, and looks at `stopping` by itself

    def step(self) -> None:
        record = self._queue.get()
        if record is not None:
            self._write(record)
        if self._queue.qsize() < QUEUED // 2:
            self._report_drops()

    def close(self) -> None:
        while True:
            try:
                record = self._queue.get_nowait()
            except queue.Empty:
                break
            if record is not None:
                self._write(record)
        self._report_drops()
        for sink in self._sinks:
            try:
                sink.close()
            except OSError as error:
                self._broke(sink, error)

    def _report_drops(self) -> None:
        lost, self._reported = self.dropped - self._reported, self.dropped
        if lost:
            self._write(_warning(f"⚠️ [LOG] {lost} log lines were dropped: the log could not "
                                 f"keep up"))

    def _write(self, record: logging.LogRecord) -> None:
        for sink in self._sinks:
            sink.handle(record)

    def _refused(self, sink: logging.Handler, record: logging.LogRecord) -> None:
        self._broke(sink, sys.exc_info()[1])

    def _broke(self, sink: logging.Handler, error: BaseException | None) -> None:
        """Tell the other sinks once that this one cannot be written."""
        if sink in self._broken:
            return
        self._broken.add(sink)
        name = "stderr" if sink is self._sinks[0] else FILE_NAME
        for other in set(self._sinks) - self._broken:
            other.handle(_warning(f"⚠️ [LOG] {name} cannot be written: {error}"))


def lines_dropped() -> int:
    """Of this process, since the start."""
    return sum(handler.dropped for handler in logging.getLogger().handlers
               if isinstance(handler, LogQueue))


def _stderr() -> logging.Handler:
    if sys.stderr is None:  # descriptor 2 was closed at the start
        return logging.NullHandler()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ForJournal(BARE) if _to_journal() else logging.Formatter(STAMPED))
    return handler


class _ForJournal(logging.Formatter):
    """Puts the level where journald reads it: `journalctl -p warning` (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        level = 3 if record.levelno >= logging.ERROR else 4 if record.levelno >= logging.WARNING \
            else 6 if record.levelno >= logging.INFO else 7
        return f"<{level}>{super().format(record)}"


def _warning(text: str) -> logging.LogRecord:
    return logging.makeLogRecord({
        "msg": text, "levelno": logging.WARNING, "levelname": "WARNING"})


def _to_journal() -> bool:
    """Whether stderr is read by journald, which stamps every line itself (systemd.exec(5))."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _file(folder: Path) -> logging.Handler:
    """Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILE_COUNT, encoding="utf-8")
    handler.setFormatter(logging.Formatter(STAMPED))
    return handler
