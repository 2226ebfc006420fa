"""How the recorder is doing: sizes, room on the disk, how long commits take."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec

from bot.metrics.buckets import Buckets

MB = 1_000_000
LOOK_EVERY_S = 5.0
COMMITS_S = 300.0  # commits of so long ago are not told of any more
MOST_COMMITS = 3_000
COMMIT_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # s
SLOW_S = 5.0  # a write that takes longer than this is said


class Room(msgspec.Struct, frozen=True):
    """Bytes that must be free on the disk of the file. warn: below that it is said. stop: below
    that nothing is stored, for what is left is the machine's."""

    warn: int = 1_000 * MB
    stop: int = 256 * MB


class Vitals:
    """Written by the recorder's thread, read by any.

    file_bytes, wal_bytes, free_bytes: as of the last look; None while not known. last_commit_at:
    epoch ms. times: s that commits took.
    """

    def __init__(self, path: Path, room: Room, mono: Callable[[], float]) -> None:
        self.file_bytes: int | None = None
        self.wal_bytes: int | None = None
        self.free_bytes: int | None = None
        self.last_commit_at: int | None = None
        self.times = Buckets(COMMIT_BOUNDS)
        self._path = path
        self._room = room
        self._mono = mono
        self._next_look = float("-inf")
        self._inode: int | None = None
        self._busy_since: float | None = None
        self._lock = threading.Lock()  # guards _commits
        self._commits: deque[tuple[float, float]] = deque(maxlen=MOST_COMMITS)

    # ---- the recorder's thread

    def look(self) -> None:
        """Look at the disk, if the last look was a while ago. The file is not opened: that could
        cost DuckDB its lock."""
        if self._mono() < self._next_look:
            return
        self._next_look = self._mono() + LOOK_EVERY_S
        self.file_bytes = _size(self._path)
        self.wal_bytes = _size(self._path.with_name(f"{self._path.name}.wal"))
        try:
            found = os.statvfs(self._path.parent)
            self.free_bytes = found.f_bavail * found.f_frsize
        except OSError:
            self.free_bytes = None

    def opened(self) -> None:
        """The file at the path is the one that is written from now on."""
        self._inode = _inode(self._path)

    @property
    def is_gone(self) -> bool:
        """Whether the file that is written has no name any more, or another one has it."""
        try:
            return self._inode is not None and self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True
        except OSError:  # which is not known, then
            return False

    def begin(self) -> None:
        self._busy_since = self._mono()

    def end(self) -> None:
        self._busy_since = None

    def committed(self, seconds: float) -> None:
        self.last_commit_at = int(time.time() * 1000)
        self.times.observe(seconds)
        with self._lock:
            self._commits.append((self._mono(), seconds))

    # ---- any thread

    @property
    def is_low(self) -> bool:
        return self.free_bytes is not None and self.free_bytes < self._room.stop

    @property
    def is_short(self) -> bool:
        return self.free_bytes is not None and self.free_bytes < self._room.warn

    @property
    def low_words(self) -> str:
        return f"disk low: less than {self._room.stop // MB} MB are free"

    @property
    def short_words(self) -> str:
        return f"the disk runs low, {(self.free_bytes or 0) // MB} MB are free"

    def judge(self, active: bool, state: str) -> tuple[bool, str]:
        """What the recorder's thread says of itself, corrected by what it cannot say."""
        since = self._busy_since
        busy_s = 0.0 if since is None else self._mono() - since
        if busy_s > SLOW_S:
            return False, f"the disk is slow: a write has been under way for {busy_s:.0f} s"
        if active and self.is_short:
            return True, f"{state}; {self.short_words}"
        return active, state

    def commits_ms(self) -> tuple[float | None, float | None, float | None]:
        """Last, p99 and longest of the last minutes."""
        with self._lock:
            found = list(self._commits)
        if not found:
            return None, None, None
        recent = sorted(s for at, s in found if self._mono() - at < COMMITS_S) or [found[-1][1]]
        p99 = recent[min(len(recent) - 1, int(len(recent) * 0.99))]
        return found[-1][1] * 1000, p99 * 1000, recent[-1] * 1000


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError:
        return None


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
