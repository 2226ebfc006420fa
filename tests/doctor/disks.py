"""Disks that are small or read-only: real ones in memory, where this user may mount them."""

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str, *more: str) -> Iterator[Path]:
    """size: as mount takes it, such as 1m."""
    folder.mkdir()
    options = ",".join((f"size={size}", *more))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)],
                          capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def read_only_disk(folder: Path) -> AbstractContextManager[Path]:
    return small_disk(folder, "1m", "ro")
