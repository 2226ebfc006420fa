"""Folders that the bot writes to: can it, how fast, and how much room is there."""

import os
import shutil
import tempfile
from pathlib import Path
from time import monotonic

from bot.doctor.finding import Finding, fail, ok, warn
from bot.record.vitals import Room

SLOW_FSYNC_S = 0.2
WRITTEN = b"x" * 65_536
GB, MB = 1e9, 1e6


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next((one for one in (folder, *folder.parents) if one.exists()), folder)


def writable(check: str, folder: Path, setting: str, room: Room = Room()) -> Finding:
    """Try it with a file that is gone again at once; a folder that is not there yet is judged by
    the one in which it would be made. Blocks for as long as the disk does.
    """
    found, subject = existing(folder), str(folder)
    words = "" if found == folder.absolute() else f"will be made in {found}, "
    remedy = f"give this user the right to write there, or set {setting} to another folder"
    if not found.is_dir():
        return fail(check, subject, f"{found} is no folder",
                    f"move that file away, or set {setting} to another place")
    try:
        fsync_s = _written(found)
        free = shutil.disk_usage(found).free
    except OSError as error:
        return fail(check, subject, f"{words}cannot be written to: {error.strerror}", remedy)
    words += f"can be written, fsync {fsync_s * 1000:.1f} ms, {_size(free)} free"
    if free < room.stop:
        return fail(check, subject, f"{words}: with less than {_size(room.stop)} nothing is "
                    f"recorded", f"make room, or set {setting} to another disk")
    if free < room.warn:
        return warn(check, subject, f"{words}: less than {_size(room.warn)}",
                    f"make room, or set {setting} to another disk")
    if fsync_s > SLOW_FSYNC_S:
        return warn(check, subject, f"{words}: slow", "another disk; each commit waits for it, and "
                    "prices do not")
    return ok(check, subject, words)


def _size(count: float) -> str:
    return f"{count / GB:,.1f} GB" if count >= GB else f"{count / MB:.0f} MB"


def _written(folder: Path) -> float:
    """How long it took to bring a file to the disk, in s. Raises: OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(WRITTEN)
        file.flush()
        begun = monotonic()
        os.fsync(file.fileno())
        return monotonic() - begun
