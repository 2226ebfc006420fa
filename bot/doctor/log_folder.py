"""The folder of the log, and the file in it that may be somebody else's."""

import os
from collections.abc import Iterator
from functools import partial

from bot.config import Config
from bot.doctor.finding import Report, warn
from bot.doctor.folders import writable
from bot.doctor.rounds import Check
from bot.logs.sinks import FILE_NAME
from bot.record.vitals import Room
from bot.worker import Deadline

NAME = "logs"
SECONDS = 8.0
REMEDY = "the disk does not answer: dmesg, and the state of the mount"
ROOM = Room(warn=100_000_000, stop=0)


def log_checks(config: Config) -> Iterator[Check]:
    yield Check(NAME, "", partial(look, config), SECONDS, REMEDY)


def look(config: Config, deadline: Deadline) -> Report:
    """Without it the bot goes on, and logs to stderr alone: no failure."""
    found = writable(NAME, config.log_dir, "LOG_DIR", ROOM)
    file = config.log_dir / FILE_NAME
    if found.level == "fail":
        return Report((warn(NAME, found.subject, f"{found.words}; the log goes to stderr alone",
                            found.remedy),))
    if file.exists() and not os.access(file, os.W_OK):
        return Report((warn(NAME, str(file), "belongs to another user, and cannot be written to; "
                            "the log goes to stderr alone",
                            "chown it to the user that the bot runs as"),))
    return Report((found,))
