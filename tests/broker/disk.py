"""A small disk that really fills: a tmpfs of its own."""

import os
import subprocess
from pathlib import Path

import pytest


class Disk:
    """Mounted at `folder`. It needs the right to mount, as root has it outside most containers."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.megabytes = megabytes
        self._mounted = False

    def mount(self) -> None:
        """Skips the test, or with BOT_REQUIRE_KAFKA=1 fails it, where mounting is not allowed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs", str(self.folder)],
            capture_output=True, text=True)
        if done.returncode:
            text = f"a disk that fills needs the right to mount: {done.stderr.strip()}"
            if os.environ.get("BOT_REQUIRE_KAFKA") == "1":
                pytest.fail(text)
            pytest.skip(text)
        self._mounted = True

    def fill(self) -> None:
        """Take all that is free."""
        try:
            with (self.folder / "filler").open("ab", buffering=0) as filler:
                while filler.write(bytes(1 << 20)):
                    pass
        except OSError:
            return

    def clear(self) -> None:
        """Give back what `fill` took."""
        (self.folder / "filler").unlink(missing_ok=True)

    def unmount(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
            self._mounted = False
