"""A verb in a terminal of its own: what is on its screen, whatever it did to get there."""

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.helpers import eventually
from tests.processes import ROOT

ENTER, LEAVE, HOME = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Terminal:
    """`python -m bot` with its output on a terminal of that size."""

    def __init__(self, folder: Path, settings: Mapping[str, str], words: tuple[str, ...],
                 columns: int, rows: int) -> None:
        self._ours, theirs = os.openpty()
        self.resize(columns, rows)
        clean = {name: value for name, value in os.environ.items()
                 if name not in ("NO_COLOR", "COLUMNS", "LINES") and "PROXY" not in name.upper()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", *words], cwd=folder, stdin=theirs, stdout=theirs,
            stderr=theirs, env=clean | {"PYTHONPATH": str(ROOT), "TERM": "xterm"} | dict(settings))
        os.close(theirs)
        self._shown = b""
        self._reader = threading.Thread(target=self._read, name="terminal")
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                self._shown += os.read(self._ours, 65536)
            except OSError:  # the program has ended
                return

    @property
    def text(self) -> str:
        """All that was ever written."""
        return self._shown.decode("utf-8", "replace").replace("\r\n", "\n")

    @property
    def screen(self) -> list[str]:
        """The last picture that is whole, without colours."""
        pictures = [one for one in self.text.split(HOME)[1:] if "\x1b[J" in one]
        if not pictures:
            return []
        plain = COLOUR.sub("", pictures[-1].partition("\x1b[J")[0])
        return plain.replace("\x1b[K", "").split("\n")

    def wait_for(self, words: str, within: float = 20.0) -> list[str]:
        def found() -> list[str] | None:
            picture = self.screen
            return picture if words in "\n".join(picture) else None
        return eventually(found, within, lambda: (words, self.screen)) or []

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        code = self.process.wait(10.0)
        self._reader.join(5.0)
        return code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.ended()
        os.close(self._ours)


@contextmanager
def terminal(folder: Path, settings: Mapping[str, str], *words: str, columns: int = 100,
             rows: int = 40) -> Iterator[Terminal]:
    made = Terminal(folder, settings, words, columns, rows)
    try:
        yield made
    finally:
        made.close()
