"""The record for a verb, whether the bot runs or not: its files, or a snapshot that it makes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import requests

from bot.config import Config
from bot.errors import RecorderError
from bot.record.drafts import snapshot_of
from bot.record.files import Held, Record, opened_file
from bot.verbs.calling import base_url, call, read
from bot.wording import worded

EX_UNREACHABLE = 69  # as in sysexits.h
PATH = "/api/v1/snapshot"
CONNECT_S, ANSWER_S = 3.0, 330.0
TRIES = 60
PAUSE_S = 1.0


class _NoAnswer(RecorderError):
    """No bot answers."""


@contextmanager
def opened(config: Config, writes: Path | None = None) -> Iterator[Record]:
    """The record of the bot with these settings. writes: as for `opened_file`.

    Raises: RecorderError with why there is none to be had, and what to do about it.
    """
    file, words = _found(config)
    folder = config.archive_dir or config.duckdb_path.parent / "archive"
    with opened_file(file, folder, words, writes) as record:
        yield record


def _found(config: Config) -> tuple[Path, str]:
    """The file to open, and what it is in words."""
    path = config.duckdb_path
    try:
        return _free(path)
    except Held as held:
        try:
            told = _snapshot(config)
        except _NoAnswer as error:
            try:
                return _free(path)  # the bot may have stopped meanwhile
            except Held:
                raise RecorderError(
                    f"{held}, and no bot answers at {base_url(config)}: {error}\nIf that process "
                    "is the bot, set API_HOST, API_PORT and API_TOKEN here as they are there; if "
                    "not, wait for it or end it.") from error
    file = Path(told["file"])
    if file != snapshot_of(path.resolve()):
        raise RecorderError(
            f"the bot {told['instance']!r} at {base_url(config)} does not keep {path}: its "
            f"snapshot is {file}. Set API_PORT to that of the bot whose record this is, or set "
            "DUCKDB_PATH.")
    at = datetime.fromtimestamp(told["takenAt"] / 1000, UTC)
    return file, f"asked a snapshot of {at:%H:%M:%S} UTC of the running bot `{told['instance']}`"


def _free(path: Path) -> tuple[Path, str]:
    """Raises: Held, and whatever else keeps it from being read."""
    if not path.exists():
        raise RecorderError(f"there is no record at {path}; set DUCKDB_PATH here as it is set for "
                            "the bot")
    with opened_file(path):
        return path, f"asked the file {path}, no bot runs"


def _snapshot(config: Config) -> dict[str, Any]:
    """Have the bot make one. Raises: _NoAnswer; RecorderError when it refuses."""
    try:
        call(config, "/healthz", CONNECT_S)  # one that is frozen would keep us waiting for long
    except requests.RequestException as error:
        raise _NoAnswer(worded(error)) from error
    for _ in range(TRIES):
        try:
            answer = call(config, PATH, (CONNECT_S, ANSWER_S), {})
            body = read(answer)
        except (requests.RequestException, ValueError) as error:
            raise _NoAnswer(worded(error)) from error
        if answer.status_code == 401:
            raise _NoAnswer("what answers wants another API_TOKEN than the one set here")
        if answer.ok and {"instance", "file", "takenAt"} <= set(body):
            return body
        if answer.status_code == 404:
            raise RecorderError(f"what answers at {base_url(config)} makes no snapshots: a bot of "
                                "an earlier version has to be stopped, or started from this one")
        if "Retry-After" not in answer.headers:
            break
        Event().wait(PAUSE_S)
    raise RecorderError(f"the running bot makes no snapshot: {body.get('detail', answer.reason)}")
