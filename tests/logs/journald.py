"""A journald of our own: a datagram socket, and the other end of its native protocol."""

import os
import socket
import struct
from pathlib import Path
from types import TracebackType

Entry = dict[str, str]


class Journald:
    """Listens at `path`; reads only when a test asks for the entries."""

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "socket")
        self._sock = self._bound()

    def _bound(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(self.path)
        sock.settimeout(5.0)
        return sock

    def entry(self) -> Entry:
        """The next one. Fails when none comes."""
        return parsed(self._sock.recv(1 << 20))

    def entries(self) -> list[Entry]:
        """All that are there."""
        self._sock.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.entry())
        except BlockingIOError:
            self._sock.settimeout(5.0)
            return found

    def vanish(self) -> None:
        self._sock.close()
        os.unlink(self.path)

    def leave(self) -> None:
        """End, and leave the socket's file: whoever sends to it is refused."""
        self._sock.close()

    def come_back(self) -> None:
        Path(self.path).unlink(missing_ok=True)
        self._sock = self._bound()

    def __enter__(self) -> "Journald":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._sock.close()


def parsed(data: bytes) -> Entry:
    """By systemd.io/JOURNAL_NATIVE_PROTOCOL. Fails for what journald would not understand."""
    entry: Entry = {}
    while data:
        line, newline, data = data.partition(b"\n")
        assert newline, "each field ends with a newline"
        name, equals, value = line.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", data[:8])
            value, end, data = data[8:8 + size], data[8 + size:9 + size], data[9 + size:]
            assert len(value) == size and end == b"\n"
        word = name.decode("ascii")
        assert word.replace("_", "").isalnum() and word.isupper() and word[0] != "_", word
        assert word not in entry, f"{word} comes twice"
        entry[word] = value.decode("utf-8")
    return entry
