"""A file that says who keeps another one: of several bots in one folder only the first."""

import fcntl
import os
from pathlib import Path

SIZE = 16


class Held(Exception):
    """Another process has it. holder: its number, `?` if it does not say."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"held by another process (PID {holder})")
        self.holder = holder


class Hold:
    """Dropped by the kernel when the process ends, however it ends. On a disk that has no room for
    it, or no locks, everything goes on without one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self) -> None:
        """It may hang as long as the disk does. Raises: Held."""
        if self._file is not None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.pwrite(file, str(os.getpid()).encode().ljust(SIZE), 0)
        except BlockingIOError:
            holder = _said(file)
            os.close(file)
            raise Held(holder) from None
        except OSError:
            pass  # a file system without locks, or a full one
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _said(file: int) -> str:
    try:
        return os.pread(file, SIZE, 0).decode("ascii", "replace").strip() or "?"
    except OSError:
        return "?"
