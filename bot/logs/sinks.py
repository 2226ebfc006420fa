"""Where lines go: stderr or journald, and a rotated file. Each is watched for faults."""

import logging
import logging.handlers
import os
import sys
from pathlib import Path

from bot.logs.journald import SOCKET, Journal
from bot.logs.lines import STAMPED, Json

FILE_NAME = "autonomous_bot.log"
FILE_BYTES = 10_000_000
FILE_COUNT = 5


class Sink:
    """One place of them. missed: lines that it did not take since it last took one."""

    def __init__(self, name: str, handler: logging.Handler) -> None:
        self.name = name
        self.missed = 0
        self._handler = handler
        self._fault = ""
        # logging's own way would be a traceback on stderr for every record
        handler.handleError = self._refused  # type: ignore[method-assign]

    def write(self, record: logging.LogRecord) -> str:
        """Returns: what there is to tell about this sink: that it begins to fail, or is mended."""
        before, missed = self._fault, self.missed
        self._fault = ""
        self._handler.handle(record)
        if self._fault:
            return "" if before else f"{self.name} cannot be written: {self._fault}"
        self.missed = 0
        return f"{self.name} is written again; {missed} lines are missing there" if missed else ""

    def close(self) -> str:
        """Returns: the fault with which it ended, if one came only now."""
        try:
            self._handler.close()
        except OSError as error:
            return "" if self._fault else f"{self.name} cannot be written: {error}"
        return ""

    def _refused(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        self._fault = (getattr(error, "strerror", None) or str(error) or type(error).__name__)
        self.missed += 1


def stderr_sink(form: str, instance: str, socket: str = SOCKET) -> Sink:
    """journald itself, where it reads stderr. form: text or json, where it does not."""
    if sys.stderr is None:  # descriptor 2 was closed at the start
        return Sink("stderr", logging.NullHandler())
    if _to_journal():
        return Sink("journald", Journal(instance, socket))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(form, instance))
    return Sink("stderr", handler)


def file_sink(folder: Path, form: str, instance: str) -> Sink:
    """Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILE_COUNT, encoding="utf-8")
    handler.setFormatter(_formatter(form, instance))
    return Sink(FILE_NAME, handler)


def _formatter(form: str, instance: str) -> logging.Formatter:
    return Json(instance) if form == "json" else logging.Formatter(STAMPED)


def _to_journal() -> bool:
    """Whether stderr is read by journald, which stamps every line itself (systemd.exec(5))."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"
