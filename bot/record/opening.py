"""Opening the recorder's file, whatever is found in its place."""

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import duckdb
import msgspec

from bot.errors import RecorderError
from bot.logs.facts import facts
from bot.record.drafts import snapshot_of
from bot.record.schema import FILLED, create_tables

log = logging.getLogger(__name__)

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 2,
    "checkpoint_threshold": "16MB",
    "max_temp_directory_size": "512MB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
SIDE_FILES = (".wal", ".wal.checkpoint", ".wal.recovery")
HEADERS_SIZE = 3 * 4_096
BLOCK_SIZE = 262_144
DAMAGE = re.compile(
    r"not a valid DuckDB database|[Cc]orrupt|Could not read enough bytes|while replaying WAL"
    r"|[Dd]eserialize"
)
# These come from the machine, whatever else the message says.
SURROUNDINGS = re.compile(
    r"No space left|quota exceeded|File too large|[Oo]ut of [Mm]emory|Permission denied"
    r"|Read-only file system|Input/output error|Too many open files|newer version"
)
PROGRESS = """
    SELECT batch, seq, epoch_ms(greatest(
        coalesce((SELECT min(opened_at) FROM openings), now() AT TIME ZONE 'UTC'),
        (SELECT max(day)::TIMESTAMP + INTERVAL 1 DAY FROM days WHERE table_name = 'updates')))
    FROM progress
"""
DISK_FULL = re.compile(r"No space left|quota exceeded|File too large")


class Opened(msgspec.Struct, frozen=True):
    """An open file. batch, seq: how far it got. aside: if what was found had to make way, what was
    wrong with it and where it is. existed: whether anything was found. since_ms: see Noted."""

    con: duckdb.DuckDBPyConnection
    batch: int
    seq: int
    since_ms: int
    aside: str | None = None
    existed: bool = True


def in_words(error: duckdb.Error) -> str:
    """One line that stays the same while the cause does."""
    text = str(error)
    if DISK_FULL.search(text):
        return "disk full: no room left for the database"
    if "Could not set lock" in text:
        holder = re.search(r"\(PID \d+\)", text)
        return f"held by another process {holder[0] if holder else ''}".rstrip()
    if "newer version of DuckDB" in text:
        return "the file was written by a newer version of DuckDB"
    return text.partition("\n")[0]


def set_aside(path: Path) -> Path:
    """Rename the file and its log to a free name that says so, the log first.

    Returns: the new name. Raises: OSError.
    """
    moved = next(name for name in _aside_names(path) if not _existing(name))
    for source, target in reversed(list(zip(_family(path), _family(moved)))):
        if source.exists():
            source.rename(target)
    return moved


def _aside_names(path: Path) -> Iterator[Path]:
    stamped = f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    yield path.with_name(stamped)
    yield from (path.with_name(f"{stamped}-{number}") for number in count(2))


def _family(path: Path) -> list[Path]:
    """The database file and the files DuckDB keeps beside it."""
    return [path, *(path.with_name(path.name + suffix) for suffix in SIDE_FILES)]


def _existing(path: Path) -> list[Path]:
    return [name for name in _family(path) if name.exists()]


def open_file(path: Path, archive: Path) -> Opened:
    """Raises: RecorderError, also for whatever the file system has to say."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        # A device or pipe may block for ever, and must never be moved.
        if existed and not path.is_file():
            raise RecorderError(f"{path} is not a regular file")
        try:
            return msgspec.structs.replace(_prepared(path, archive), existed=existed)
        except duckdb.Error as error:
            aside = _make_way(path, error, existed)
            return msgspec.structs.replace(_prepared(path, archive), aside=aside)
    except OSError as error:
        raise RecorderError(f"{error.strerror}: {error.filename}") from error
    except duckdb.Error as error:
        raise RecorderError(in_words(error)) from error


def _make_way(path: Path, error: duckdb.Error, existed: bool) -> str | None:
    """Clear the name for a new file if what is there is no database; else raise `error` again.

    Returns: what was wrong and where it is; None if there was nothing in it.
    """
    text = str(error)
    if not existed and DISK_FULL.search(text):
        path.unlink(missing_ok=True)  # half-made by us, it would pass for a damaged one
    if "Could not set lock" in text or SURROUNDINGS.search(text):
        raise error
    if not DAMAGE.search(text) and _has_our_mark(path):
        raise error
    if path.stat().st_size == 0 and _existing(path) == [path]:
        path.unlink()  # DuckDB refuses an empty file; there is nothing in it to keep
        return None
    moved = set_aside(path)
    log.warning("📊 [DUCKDB] %s is damaged (%s); it is kept as %s and a new file was begun",
                path, in_words(error), moved.name,
                extra=facts("record_damaged", reason=in_words(error)))
    return f"the file is damaged ({in_words(error)}) and kept as {moved.name}"


def _has_our_mark(path: Path) -> bool:
    """Whether the file says it is DuckDB's. Only for a file that is not open: closing any handle
    of it makes the kernel drop this process's lock."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _prepared(path: Path, archive: Path) -> Opened:
    """A connection that stays within its memory, its folders and this machine."""
    con = duckdb.connect(str(path), config=SETTINGS | {"temp_directory": f"{path}.tmp"})
    try:
        folders = archive.resolve(), snapshot_of(path.resolve()).parent
        con.execute("SET allowed_directories = ?", [[str(folder) for folder in folders]])
        # Refused among the settings, beside a temp_directory.
        con.execute("SET enable_external_access=false")
        con.execute("SET lock_configuration=true")
        create_tables(con)
        _check_length(con, path)
        ((batch, seq, since_ms),) = con.execute(PROGRESS).fetchall()
        return Opened(con, int(batch), int(seq), int(since_ms))
    except (duckdb.Error, RecorderError, OSError):
        con.close()
        raise


def _check_length(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """DuckDB opens a file whose end is missing, and fails only when it reads there.

    Judged by the blocks that rows are in: after a kill, spare ones may be missing at the end.
    """
    parts = " UNION ALL ".join(f"FROM pragma_storage_info('{table}')" for table in FILLED)
    ((block,),) = con.execute(f"SELECT max(block_id) FROM ({parts}) WHERE persistent").fetchall()
    if block is not None and path.stat().st_size < HEADERS_SIZE + (block + 1) * BLOCK_SIZE:
        raise duckdb.Error(f"Corrupt: the file ends before its block {block}")
