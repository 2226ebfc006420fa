"""`make demo`: practice exchanges and a bot, and its settings where every verb finds them."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import eventually
from tests.processes import ROOT, free_port

CLEAN = {name: value for name, value in os.environ.items()
         if "PROXY" not in name.upper() and not name.startswith(("MAKE", "MFLAGS"))}


class Demo:
    """Beside the worktree's own: another folder, other ports. lines: all it printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "demo"
        venv = folder / "venv"
        (venv / "bin").mkdir(parents=True, exist_ok=True)
        python = venv / "bin/python"
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)
        (venv / ".installed").touch()  # newer than setup.cfg: nothing is installed
        self.ports = five_ports()
        self.port = free_port()
        self.words = ["make", "--no-print-directory", "demo", f"VENV={venv}",
                      f"DEMO={self.folder}", f"DEMO_PORT={self.port}",
                      f"DEMO_EXCHANGES={self.ports}"]
        self.lines: list[str] = []

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=CLEAN | {"PYTHONPATH": str(ROOT)}, start_new_session=True)
        self._reader = threading.Thread(target=self._read, name="demo")
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self.lines.append(line.rstrip("\n"))

    def again(self) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(self.words, cwd=ROOT, text=True, capture_output=True, timeout=60,
                              env=CLEAN | {"PYTHONPATH": str(ROOT)})

    def verb(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, "-m", "bot", *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=60,
                              env=CLEAN | {"PYTHONPATH": str(ROOT)})

    def end(self) -> None:
        """As Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(20)
        self._reader.join(5)


def five_ports() -> int:
    """The first of five in a row."""
    row = [free_port()]
    while len(row) < 5:
        port = free_port()
        row = [*row, port] if port == row[-1] + 1 else [port]
    return row[0]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    demo.start()
    try:
        eventually(lambda: any("is served from websocket" in line for line in demo.lines), 30,
                   lambda: demo.lines)
        yield demo
    finally:
        demo.end()


def test_in_its_folder_every_verb_finds_it_and_a_second_one_leaves_it_alone(demo: Demo) -> None:
    status = demo.verb("status")
    assert status.returncode == 0 and status.stdout.startswith("demo: ")
    record = demo.verb("doctor", "--only", "settings,api,record")
    assert record.returncode == 0, record.stdout
    assert "our own bot 'demo' answers here" in record.stdout
    assert "is held by the running bot 'demo'" in record.stdout
    faults = demo.verb("sandbox", "--control-port", str(demo.ports), "faults")
    assert faults.stdout.startswith("binance: healthy")
    assert f"sandbox --control-port {demo.ports} throw okx cut" in "\n".join(demo.lines)

    before = (demo.folder / "exchanges.log").read_text()
    second = demo.again()
    assert second.returncode != 0
    assert f"A demo runs already (http://localhost:{demo.port}/)" in second.stdout
    assert (demo.folder / "exchanges.log").read_text() == before
    assert demo.verb("status").returncode == 0


def test_it_ends_with_its_exchanges(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    demo.start()
    eventually(lambda: any("is served from websocket" in line for line in demo.lines), 30,
               lambda: demo.lines)
    demo.end()
    gone = demo.verb("sandbox", "--control-port", str(demo.ports), "faults")
    assert gone.returncode == 1 and "none is running" in gone.stderr


def test_a_port_that_is_taken_says_how_to_take_others(tmp_path: Path) -> None:
    demo = Demo(tmp_path)
    with socket.create_server(("127.0.0.1", demo.ports + 1)):
        taken = demo.again()
    assert taken.returncode != 0 and "a port is taken" in taken.stdout
    assert "make demo DEMO_EXCHANGES=9200" in taken.stdout
