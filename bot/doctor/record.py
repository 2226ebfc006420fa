"""The record: its disk, its file and who holds it, and the folder of the archive."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import requests

from bot.config import Config
from bot.doctor.finding import Finding, Report, fail, ok, warn
from bot.doctor.folders import writable
from bot.doctor.processes import command_of
from bot.doctor.rounds import Check
from bot.errors import RecorderError
from bot.record.files import Held, opened_file
from bot.record.mark import held_by
from bot.record.owner import NAME as OWNER
from bot.record.schema import VERSION
from bot.record.vitals import Room
from bot.verbs.calling import call, read
from bot.wording import counted
from bot.worker import Deadline

NAME = "record"
SECONDS = 8.0
REMEDY = "the disk does not answer: dmesg, and the state of the mount"
ANSWER_S = 2.0


def record_checks(config: Config) -> Iterator[Check]:
    """None with the recorder switched off."""
    looks = {"disk": disk, "file": file, "archive": archive} if config.enable_duckdb else {}
    for about, look in looks.items():
        yield Check(NAME, about, partial(look, config), SECONDS, REMEDY)


def disk(config: Config, deadline: Deadline) -> Report:
    return Report((writable(NAME, config.duckdb_path.parent, "DUCKDB_PATH"),))


def archive(config: Config, deadline: Deadline) -> Report:
    folder = config.archive_dir or config.duckdb_path.parent / "archive"
    owner = _owner(folder)
    if owner is not None and owner != config.duckdb_path.absolute() and owner.exists():
        return Report((fail(NAME, str(folder), f"is the archive of {owner}",
                            "set ARCHIVE_DIR to a folder of its own"),))
    return Report((writable(NAME, folder, "ARCHIVE_DIR", Room(warn=0, stop=0)),))


def _owner(folder: Path) -> Path | None:
    try:
        text = (folder / OWNER).read_text().strip()
    except OSError:
        return None
    return Path(text) if text else None


def file(config: Config, deadline: Deadline) -> Report:
    return Report((_file(config),))


def _file(config: Config) -> Finding:
    path = config.duckdb_path
    subject = str(path)
    if not path.exists():
        return ok(NAME, subject, "is not there yet; the first start makes it")
    if not path.is_file():
        return fail(NAME, subject, "is not a regular file, so nothing is recorded",
                    "move it away, or set DUCKDB_PATH to another one")
    holder = held_by(path)
    if holder is not None:
        return _held(config, f"process {holder}")
    try:
        with opened_file(path) as record:
            ((rows, first, version, program),) = record.con.execute(
                "SELECT count(*), min(opened_at), max(schema_version),"
                " max_by(program_version, opened_at) FROM openings").fetchall()
            missing = record.missing
    except Held as held:
        return _held(config, held.by)
    except RecorderError as error:
        return _unreadable(path, str(error))
    if version is not None and version > VERSION:
        return fail(NAME, subject, f"was written by a newer version of this program ({program})",
                    "run that version, or set DUCKDB_PATH to another file")
    if missing:
        return warn(NAME, subject, f"{len(missing)} files of the archive are missing, the first is "
                    f"{missing[0]}", "mount or restore them")
    if not rows:
        return ok(NAME, subject, "can be opened, and holds nothing yet")
    return ok(NAME, subject, f"can be opened; {path.stat().st_size / 1e6:.1f} MB, "
              f"{counted(rows, 'start')} since {first:%Y-%m-%d}")


def _unreadable(path: Path, words: str) -> Finding:
    words = words.removeprefix(f"{path} ")
    if "newer version" in words:
        return fail(NAME, str(path), words, "run the version of the bot that wrote it, or set "
                    "DUCKDB_PATH to another file")
    if "may not be read" in words:
        return fail(NAME, str(path), words, "chown it to the user of the bot, or run this as that "
                    "user")
    return warn(NAME, str(path), f"{words}; the bot would move it aside and begin a new one",
                "keep a copy if it matters, and find out what wrote to it")


def _held(config: Config, holder: str) -> Finding:
    """Somebody writes to it: our own bot, or a stranger."""
    pid = holder.rpartition(" ")[2]
    command = command_of(int(pid)) if pid.isdecimal() else ""
    who = f"{holder} ({command})" if command else holder
    try:
        told = _recorder(config)
    except requests.Timeout:
        return fail(NAME, str(config.duckdb_path), f"is held by {who}, and who listens at the "
                    f"address of these settings gives no answer within {ANSWER_S:g} s",
                    "see the line `api`: if it is the bot, it hangs")
    if told is None:
        return fail(NAME, str(config.duckdb_path), f"is held by {who}, and no bot answers at the "
                    f"address of these settings", "end that process; or if it is the bot, set "
                    "API_HOST, API_PORT and API_TOKEN here as they are there")
    if not told.get("active"):
        return fail(NAME, str(config.duckdb_path), f"is held by {who}, while the bot "
                    f"{told.get('instance')!r} that answers here does not record: "
                    f"{told.get('state', 'switched off')}",
                    "end that process, or give one of the two another DUCKDB_PATH")
    return ok(NAME, str(config.duckdb_path), f"is held by the running bot {told.get('instance')!r} "
              f"({who}), as it should be")


def _recorder(config: Config) -> dict[str, Any] | None:
    """None for whatever is not the bot's. Raises: requests.Timeout."""
    try:
        answer = call(config, "/api/v1/recorder", ANSWER_S)
        told = read(answer)
    except requests.Timeout:
        raise
    except (requests.RequestException, ValueError):
        return None
    return told if answer.ok and "enabled" in told else None
