"""Logging that cannot hold anybody up: a bounded queue, and one thread that writes.

A stderr that nobody reads, or a disk that hangs, stops that thread and no other; what then does not
fit into the queue is counted and the count is logged once there is room again.
"""

import logging
import logging.handlers
import queue
from pathlib import Path
from time import monotonic

from bot.errors import shown
from bot.logs.facts import Event, facts
from bot.logs.flood import Flood
from bot.logs.journald import SOCKET
from bot.logs.lines import settled
from bot.logs.sinks import FILE_NAME, Sink, file_sink, stderr_sink
from bot.worker import Worker

QUEUED = 10_000
LOOK_S = 1.0


class LogQueue(logging.handlers.QueueHandler):
    """Hands records over without waiting; `dropped` counts those there was no room for."""

    dropped = 0

    @property
    def waiting(self) -> int:
        size: int = self.queue.qsize()  # type: ignore[attr-defined]  # it is a queue.Queue here
        return size

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return settled(record)

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


def log_queue() -> LogQueue | None:
    """That of this process, if a LogWriter runs."""
    return next((handler for handler in logging.getLogger().handlers
                 if isinstance(handler, LogQueue)), None)


class LogWriter(Worker):
    """Writes what is logged to stderr or journald, and to a rotated file. Thread: log-writer."""

    def __init__(self, level: str, folder: Path, form: str = "text", instance: str = "primary",
                 socket: str = SOCKET) -> None:
        """form: text or json. socket: journald's."""
        super().__init__("log-writer")
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(QUEUED)
        self._handler = LogQueue(self._queue)
        self._level = level
        self._reported = 0
        self._flood = Flood()
        self._sinks = [stderr_sink(form, instance, socket)]
        try:
            self._sinks.append(file_sink(folder, form, instance))
            self.file_fault = ""
        except OSError as error:
            self.file_fault = f"{folder / FILE_NAME} cannot be written: {error}"

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
        try:
            record = self._queue.get(timeout=LOOK_S if self._flood.holds else None)
        except queue.Empty:
            record = None
        self._report_flood(monotonic())
        self._take(record)
        if self._queue.qsize() < QUEUED // 2:
            self._report_drops()

    def close(self) -> None:
        while True:
            try:
                self._take(self._queue.get_nowait())
            except queue.Empty:
                break
        self._report_flood(float("inf"))
        self._report_drops()
        for sink in self._sinks:
            self._tell(sink, sink.close())

    def _take(self, record: logging.LogRecord | None) -> None:
        if record is not None and self._flood.admits(record):
            self._write(record)

    def _report_flood(self, now: float) -> None:
        for count, message in self._flood.turn(now):
            self._write(_warning(f"⚠️ [LOG] {count} more lines within a minute like "
                                 f"{shown(message)}", "log_folded", count))

    def _report_drops(self) -> None:
        lost, self._reported = self.dropped - self._reported, self.dropped
        if lost:
            self._write(_warning(f"⚠️ [LOG] {lost} log lines were dropped: the log could not "
                                 f"keep up", "log_dropped", lost))

    def _write(self, record: logging.LogRecord) -> None:
        for sink in self._sinks:
            missed = sink.missed
            self._tell(sink, sink.write(record), missed)

    def _tell(self, about: Sink, words: str, missed: int = 0) -> None:
        """To every sink that can be written; missed: if it can again, how many it lacks."""
        if not words:
            return
        mended = missed > 0 and about.missed == 0
        notice = _warning(f"⚠️ [LOG] {words}", "log_mended" if mended else "log_failed",
                          missed if mended else None)
        for sink in self._sinks:
            if sink is not about or mended:
                sink.write(notice)


def _warning(text: str, event: Event, count: int | None = None) -> logging.LogRecord:
    record = logging.LogRecord(
        __name__, logging.WARNING, __file__, 0, text, None, None, "_warning")
    vars(record).update(facts(event, count=count))
    return record
