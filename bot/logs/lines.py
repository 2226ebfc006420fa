"""The forms of a line: text, and a JSON object."""

import copy
import json
import logging
from datetime import UTC, datetime

from bot.logs.facts import clean, facts_of

STAMPED = "%(asctime)s %(levelname)-7s %(message)s"
BARE = "%(message)s"

TRACEBACKS = logging.Formatter()


def settled(record: logging.LogRecord) -> logging.LogRecord:
    """A copy that other threads can be given: it holds words only, and nothing that may change."""
    kept = copy.copy(record)
    kept.msg, kept.args = clean(record.getMessage()), None
    if record.exc_info:
        kept.exc_text = clean(TRACEBACKS.formatException(record.exc_info))
    kept.exc_info = None
    return kept


def stamp(created: float) -> str:
    """Epoch s in RFC 3339, UTC, with ms."""
    moment = datetime.fromtimestamp(created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def level_of(record: logging.LogRecord) -> int:
    """As syslog(3) numbers them: err, warning, info, debug."""
    return (3 if record.levelno >= logging.ERROR else 4 if record.levelno >= logging.WARNING
            else 6 if record.levelno >= logging.INFO else 7)


class ForStream(logging.Formatter):
    """Puts the level where journald reads it: `journalctl -p warning` (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{level_of(record)}>"
        # each line is an entry of its own there
        return "\n".join(f"{prefix}{line}" for line in super().format(record).split("\n"))


class Json(logging.Formatter):
    """One object, on one line whatever the message holds. The traceback is a field of it."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, object] = {
            "time": stamp(record.created), "level": record.levelname,
            "message": record.getMessage(), "logger": record.name, "thread": record.threadName,
            "instance": self._instance, **facts_of(record)}
        if record.exc_text:
            told["traceback"] = record.exc_text
        return json.dumps(told, ensure_ascii=False)
