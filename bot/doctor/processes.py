"""Who a process is, and who listens on a port: from /proc, as far as this user may look."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
LISTENING = "0A"
LONGEST = 60
BOT = re.compile(r" -m bot\b|/autonomous-bot\b")  # in its command line


def command_of(pid: int) -> str:
    """Its command line, shortened; empty if it is not known."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    line = " ".join(word.decode("utf-8", "replace") for word in words if word)
    return line if len(line) <= LONGEST else line[:LONGEST - 1] + "…"


class Listener(NamedTuple):
    """Who listens on a port. pid: None if this user may not see it. is_bot: by its command."""

    words: str
    pid: int | None = None

    @property
    def is_bot(self) -> bool:
        return self.pid is not None and BOT.search(self.words) is not None


def listener(port: int) -> Listener:
    inodes = set(_inodes(port))
    for pid in _pids() if inodes else ():
        if inodes & set(_sockets(pid)):
            return Listener(f"process {pid} ({command_of(pid)})", pid)
    return Listener("a process of another user" if inodes else "another process")


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            cells = line.split()
            if cells[3] == LISTENING and int(cells[1].rpartition(":")[2], 16) == port:
                yield cells[9]


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())


def _sockets(pid: int) -> Iterator[str]:
    try:
        for entry in (PROC / str(pid) / "fd").iterdir():
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            if found:
                yield found[1]
    except OSError:
        return  # another user's, or gone
