"""Ctrl-C, a reader that leaves and a full disk end every verb in a line, or in silence."""

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from bot.ending import ended
from bot.sandbox.server import Sandbox
from tests.processes import ROOT, Daemon, daemon, free_port
from tests.servers import raw_server, swallow

VERBS = (("check",), ("status",), ("price", "BTCUSDT", "--explain"), ("doctor", "--only", "api"),
         ("--help",))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50, control_port=0) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def bot(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    names = {"ENABLE_WEBSOCKET_FEEDS": "true", "ENABLE_DUCKDB": "false", "POLL_INTERVAL": "100"}
    with daemon(tmp_path_factory.mktemp("bot"), sandbox.environment() | names) as bot:
        bot.wait_for("is served from websocket")
        yield bot
        assert bot.terminate() == 0


def verb(folder: Path, port: int, *words: str, out: int | IO[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *words], cwd=folder, text=True, stdout=out,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT), "API_PORT": str(port)})


def unread() -> int:
    """The end of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("words", VERBS)
def test_a_reader_that_leaves_ends_it_in_silence(
    bot: Daemon, tmp_path: Path, words: tuple[str, ...]
) -> None:
    out = unread()
    with verb(tmp_path, bot.port, *words, out=out) as process:
        os.close(out)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    # `check` warns of this environment
    assert "rror" not in errors and "Broken" not in errors, errors


def test_switches_of_the_sandbox_are_not_said_to_reach_none(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    out, port = unread(), sandbox.control_url.rpartition(":")[2]
    with verb(tmp_path, 1, "sandbox", "faults", "--control-port", port, out=out) as process:
        os.close(out)
        assert process.communicate(timeout=30)[1] == "" and process.returncode == 0


@pytest.mark.parametrize("words", VERBS[:-1])  # argparse itself is silent about its help
def test_a_full_device_is_one_line(bot: Daemon, tmp_path: Path, words: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full, verb(tmp_path, bot.port, *words, out=full) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 74
    assert errors.endswith("the output cannot be written: No space left on device\n")
    assert "Traceback" not in errors


@pytest.mark.parametrize("words", [("status",), ("price", "BTCUSDT"), ("drill",)])
def test_ctrl_c_at_a_bot_that_hangs_ends_it_in_a_line(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    asked = threading.Event()

    def hang(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(4096)
        asked.set()
        swallow(sock, stopping)

    with raw_server(hang) as server, verb(
            tmp_path, server.port, *words, out=subprocess.DEVNULL) as process:
        assert asked.wait(20)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors == ("interrupted; the drill may have begun in the bot: GET /api/v1/drill tells\n"
                      if "drill" in words else "interrupted\n")


def test_without_an_output_there_is_nothing_to_end(tmp_path: Path) -> None:
    answer = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m bot price BTCUSDT >&-', sys.executable], cwd=tmp_path,
        text=True, stderr=subprocess.PIPE, timeout=30,
        env=os.environ | {"PYTHONPATH": str(ROOT), "API_PORT": str(free_port())})
    assert answer.returncode == 69 and answer.stderr.startswith("no answer from a bot")


@pytest.mark.parametrize("error", [
    OSError(errno.ENOSPC, "No space left", "/some/file"), OSError(errno.EBADF, "Bad file")])
def test_other_errors_are_no_matter_of_the_output(error: OSError) -> None:
    def work() -> int:
        raise error
    with pytest.raises(OSError) as raised:
        ended(work)
    assert raised.value is error
