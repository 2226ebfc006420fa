"""The daemon as its users run it: a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import requests

from tests.helpers import eventually

ROOT = Path(__file__).parent.parent


# Below those that the kernel gives to connections, which would take one between two uses of it; and
# two processes of pytest, whose numbers are near each other, use others.
PORTS = count(20_000 + os.getpid() % 60 * 200)


def free_port() -> int:
    for port in PORTS:
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise AssertionError("no port is free")


class Daemon:
    """`python -m bot` in a folder of its own; every line it wrote to stderr is in `lines`."""

    def __init__(self, folder: Path, settings: Mapping[str, str], *verb: str,
                 program: tuple[str, ...] = ("-m", "bot")) -> None:
        self.port = int(settings.get("API_PORT") or free_port())
        self.folder = folder
        clean = {name: value for name, value in os.environ.items()
                 if "PROXY" not in name.upper() and name not in ("NOTIFY_SOCKET", "JOURNAL_STREAM")}
        self.process = subprocess.Popen(
            [sys.executable, *program, *verb], cwd=folder, text=True, encoding="utf-8",
            env=clean | {"PYTHONPATH": str(ROOT), "API_PORT": str(self.port)} | dict(settings),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, name="stderr")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, within: float = 15.0) -> str:
        """Returns: the first line with `text` in it."""
        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)
        try:
            return eventually(found, within, text) or ""
        except AssertionError:
            raise AssertionError(f"no line with {text!r} in:\n{self.log}") from None

    def get(self, path: str, patience: float = 5.0, **options: Any) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"http://127.0.0.1:{self.port}{path}", timeout=patience, **options)

    def json(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = self.get(path).json()
        return body

    def price(self, symbol: str = "BTCUSDT") -> dict[str, Any]:
        return self.json(f"/api/v1/prices/{symbol}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, within: float = 10.0) -> int:
        """Wait for the end. Returns: the exit code."""
        code = self.process.wait(within)
        self._reader.join(5.0)
        return code

    def terminate(self) -> int:
        self.signal(signal.SIGTERM)
        return self.ended()


@contextmanager
def daemon(folder: Path, settings: Mapping[str, str], *verb: str,
           program: tuple[str, ...] = ("-m", "bot")) -> Iterator[Daemon]:
    """Run it; whatever happens, it is gone afterwards."""
    running = Daemon(folder, settings, *verb, program=program)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.signal(signal.SIGKILL)
        running.ended()
        for stream in (running.process.stdout, running.process.stderr):
            assert stream is not None
            stream.close()
