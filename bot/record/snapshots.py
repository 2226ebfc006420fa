"""Copies of the DuckDB file for other processes, which cannot open the file while the bot runs.

A copy is what one transaction sees. It is made beside its place and renamed, so that whoever has
the copy before it open is not disturbed. The file itself is never opened a second time here: that
would cost DuckDB its lock.

    data/analytics.duckdb.snapshot/record.duckdb
"""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from bot.errors import RecorderError
from bot.record.analyst import NO_RECORD, TooBusy
from bot.record.drafts import settle, snapshot_of
from bot.record.recorder import Recorder
from bot.record.vitals import Room
from bot.record.watch import Errands

if TYPE_CHECKING:  # at run time it is loaded by the recorder, if there is one
    from duckdb import DuckDBPyConnection

DRAFT = ".draft"
TIMEOUT_S = 300.0
YOUNG_S = 2.0  # for so long whoever asks is given the same again
MARGIN = Room().warn  # bytes of the disk that are left to the recorder, who needs no warning then
TRIES = 3


class Snapshot(NamedTuple):
    """taken_at_ms: what was committed before this is in it. size: bytes."""

    file: Path
    taken_at_ms: int
    took_ms: int
    size: int


class Snapshots:
    """recorder: None for a bot that keeps no record. free: bytes left on the disk of a folder."""

    def __init__(
        self, recorder: Recorder | None = None, timeout_s: float = TIMEOUT_S,
        young_s: float = YOUNG_S,
        free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._errands = Errands(recorder, most_left=1) if recorder else None
        self._timeout_s = timeout_s
        self._young_s = young_s
        self._free = free
        self._turn = threading.Lock()  # guards the two below, and the folder
        self._last: Snapshot | None = None
        self._begun_at = 0.0

    def take(self, gone: Callable[[], bool] = lambda: False) -> Snapshot:
        """A copy of all that is committed, or of what was a moment ago. Takes a quarter of a second
        for a million rows. Thread: any.

        gone: whether nobody waits for it any more. Raises: TooBusy, at once, while one is being
        made; TookTooLong, NobodyWaits; RecorderError with why there is none.
        """
        if self._errands is None:
            raise RecorderError(NO_RECORD)
        if not self._turn.acquire(blocking=False):
            raise TooBusy("a snapshot is being taken; ask again")
        try:
            if self._last is None or time.monotonic() - self._begun_at > self._young_s or (
                    not self._last.file.exists()):
                self._begun_at = time.monotonic()
                self._last = self._errands.run(
                    self._taken, self._timeout_s, gone,
                    f"the snapshot is not ready after {self._timeout_s:g} s")
            return self._last
        except OSError as error:
            raise RecorderError(f"no snapshot can be made: {error.strerror}: {error.filename}"
                                ) from error
        finally:
            self._turn.release()

    def _taken(self, con: "DuckDBPyConnection") -> Snapshot:
        ((name, file),) = con.execute(
            "SELECT database_name, path FROM duckdb_databases()"
            " WHERE database_name = current_database()").fetchall()
        target = snapshot_of(Path(file).resolve())
        folder = target.parent
        folder.mkdir(exist_ok=True)
        for left in folder.glob(f"*{DRAFT}*"):  # by a bot that was killed meanwhile
            left.unlink()
        self._make_sure_of_room(Path(file), folder)
        draft = folder / f"{uuid4().hex}{DRAFT}"
        began, taken_at_ms = time.monotonic(), int(time.time() * 1000)
        try:
            _copy(con, name, draft)
            settle(draft, target)
        finally:
            for left in (draft, _log_of(draft)):
                left.unlink(missing_ok=True)
        took_ms = round((time.monotonic() - began) * 1000)
        return Snapshot(target, taken_at_ms, took_ms, target.stat().st_size)

    def _make_sure_of_room(self, file: Path, folder: Path) -> None:
        """Raises: RecorderError."""
        log = _log_of(file)
        size = file.stat().st_size + (log.stat().st_size if log.exists() else 0)
        free = self._free(folder)
        if free < size + MARGIN:
            raise RecorderError(
                f"no room for a snapshot: it takes up to {_mb(size)} MB, {_mb(MARGIN)} MB are kept "
                f"for the recorder, and {_mb(free)} MB are free in {folder}")


def _copy(con: "DuckDBPyConnection", name: str, draft: Path) -> None:
    """Raises: duckdb.Error, RecorderError. The file is whole and closed when this returns."""
    from bot.record.schema import quoted
    alias = f"snapshot_{draft.stem}"
    con.execute(f"ATTACH {quoted(draft)} AS {alias}")
    try:
        con.execute(f'COPY FROM DATABASE "{name.replace(chr(34), chr(34) * 2)}" TO {alias}')
    finally:
        _detach(con, alias)
    if _log_of(draft).exists():
        raise RecorderError("the snapshot was not finished: its log is not in its file")


def _detach(con: "DuckDBPyConnection", alias: str) -> None:
    """Which moves what is in the log into the file. An interrupt may come between."""
    import duckdb
    for left in reversed(range(TRIES)):
        try:
            con.execute(f"DETACH {alias}")
            return
        except duckdb.Error:
            if not left:
                raise


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + ".wal")


def _mb(size: int) -> int:
    return round(size / 1e6)
