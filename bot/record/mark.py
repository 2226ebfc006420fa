"""A small file beside the database: that it is in use, and what was committed to it last.

DuckDB opens a file whose log was deleted, or whose log has a damaged head, without a word, and
without the rows that were in the log. So after each commit it is noted here, outside the file and
without waiting for the disk, how far it went: what is noted was committed, and if the file has less
when it is opened again, rows are missing.

DuckDB's own lock is dropped by the kernel as soon as this process closes any other handle of the
file. The one on the mark belongs to its handle, and stays.
"""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import msgspec

from bot.errors import RecorderError
from bot.incidents.incident import LOST, Incident

SIZE = 256  # of what is noted; after it comes the number of the process that holds it


class Noted(msgspec.Struct, frozen=True):
    """batch, seq: as in the table `progress`. at_ms: epoch ms of the commit. since_ms: what came
    from then on is in the file alone: its first opening, or the end of the last archived day.
    is_end: whether it was noted when the file was closed; None by earlier versions.
    """

    batch: int
    seq: int
    at_ms: int
    since_ms: int | None = None
    is_end: bool | None = None


class Loss(msgspec.Struct, frozen=True):
    """What was committed and is not in the file any more.

    since_s, until_s: epoch s of the last that is there and of the last that was; since_s is None
    where nothing is there.
    """

    cause: str
    since_s: float | None
    until_s: float

    def incident(self, instance: str) -> Incident:
        since_s = min(self.until_s, self.until_s if self.since_s is None else self.since_s)
        length_ms = (self.until_s - since_s) * 1000
        stamp = datetime.fromtimestamp(self.until_s, UTC).strftime("%Y%m%dT%H%M%S.%f")
        which = f"{crc32(self.cause.encode()):08x}"  # told again after a restart it is the same
        return Incident(
            id=f"{instance}-{stamp}-{LOST}-{which}", source=None, symbol=None, cause=self.cause,
            rule=LOST, opened_at=since_s, closed_at=self.until_s, duration_ms=length_ms,
            instance=instance)


class Mark:
    """Held from before the database is opened until after it is closed.

    last: what an earlier life noted last; None if nothing can be read. Without a mark, on a disk
    that has no room for it or no locks, everything else goes on.
    """

    def __init__(self, database: Path) -> None:
        """Raises: RecorderError when another process holds it."""
        self.last: Noted | None = None
        self._newest: Noted | None = None  # of this life
        self._file: int | None = None
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(mark_of(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, SIZE, SIZE).decode("ascii", "replace").strip()
            self.close()
            raise RecorderError(f"held by another process (PID {holder})") from error
        except OSError:
            pass  # a file system without locks
        try:
            self.last = msgspec.json.decode(os.pread(self._file, SIZE, 0), type=Noted)
        except (OSError, msgspec.MsgspecError):
            pass  # the first time, or cut short with the power
        self._write(str(os.getpid()).encode(), SIZE)

    def note(self, noted: Noted) -> None:
        self._newest = noted
        self._write(msgspec.json.encode(noted), 0)

    def end(self) -> None:
        """Note that the file is closed in order: a kill or the loss of power leaves no such note.
        """
        if self._newest is not None:
            self.note(msgspec.structs.replace(self._newest, is_end=True))

    def missing(
        self, batch: int, seq: int, since_s: float | None, existed: bool = True
    ) -> Loss | None:
        """What the file lacks, which has got as far as `batch` and `seq`. since_s: epoch s of the
        last sign of life in it. existed: whether there was one."""
        last = self.last
        if last is None or last.batch <= batch:
            return None
        rows = f", some {last.seq - seq:,} rows" if last.seq > seq else ""
        what = f"{last.batch - batch:,} commits{rows} are missing in the file"
        why = ("its log was removed or damaged, or an older file was put in its place" if existed
               else "it was taken away or deleted, and what was not in the archive yet with it")
        return Loss(f"{what}: {why}", self.only_there_s if since_s is None else since_s,
                    last.at_ms / 1000)

    @property
    def only_there_s(self) -> float | None:
        """From when on what was recorded was in the file of that life alone, epoch s."""
        since_ms = self.last.since_ms if self.last else None
        return None if since_ms is None else since_ms / 1000

    def _write(self, text: bytes, at: int) -> None:
        if self._file is not None:
            try:
                os.pwrite(self._file, text.ljust(SIZE), at)
            except OSError:
                pass  # what it says is then older than the truth, and never more

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def held_by(database: Path) -> str | None:
    """The number of the process that holds the mark, `?` if it does not say; None if nobody does.

    Nothing is made or changed. Raises nothing: what cannot be looked at is held by nobody.
    """
    try:
        file = os.open(mark_of(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(file, SIZE, SIZE).decode("ascii", "replace").strip() or "?"
    except OSError:
        return None
    finally:
        os.close(file)
    return None


def mark_of(database: Path) -> Path:
    return database.with_name(f"{database.name}.mark")
