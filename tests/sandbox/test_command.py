import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bot.sandbox import command
from bot.sandbox.server import Sandbox

RUN = """
import argparse, sys
from bot.sandbox import command
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.run(parser.parse_args()))
"""
ANY_PORTS = [f"--{name}-port=0" for name in ("control", *command.PORTS)]


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(words))


@pytest.fixture
def port() -> Iterator[str]:
    with Sandbox(rate=0, control_port=0) as sandbox:
        yield sandbox.control_url.rpartition(":")[2]


def test_switches_are_thrown_from_the_shell(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("throw", "okx", "delay", "500", "--seconds", "60", "--control-port", port) == 0
    assert capsys.readouterr().out == "binance: healthy\nokx: delay 500.0\n"
    assert run("--control-port", port, "throw", "okx", "silence") == 0
    assert run("heal", "okx", "delay", "--control-port", port) == 0
    assert capsys.readouterr().out.endswith("okx: silence\n")
    assert run("heal", "--control-port", port) == 0
    assert run("faults", "--control-port", port) == 0
    assert "rest_hang  REST never answers" in capsys.readouterr().out


def test_an_unknown_fault_fails_and_names_the_known_ones(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("throw", "okx", "nope", "--control-port", port) == 1
    assert "there are cut, close" in capsys.readouterr().err


def test_without_a_sandbox_the_shell_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("faults", "--control-port", "1") == 1
    assert "none is running" in capsys.readouterr().err


@pytest.mark.parametrize("words", [
    ("--symbols", "nonsense"), ("--play", "/nowhere.jsonl"), ("--exchanges", "binance,third:x"),
    ("--exchanges", "okx,okx"), ("--ports", "third=x"), ("--volatility", "-1"),
])
def test_bad_settings_start_nothing(words: tuple[str, ...]) -> None:
    assert run(*words) == 78


def test_a_taken_port_has_its_own_code(port: str) -> None:
    assert run(*ANY_PORTS, "--control-port", port) == 69


def test_it_prints_the_settings_and_ends_on_a_signal() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *ANY_PORTS, "--exchanges", "okx,third:binance",
         "--ports", "third=0"], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Over HTTP"):
            lines.append(process.stdout.readline())
            assert lines[-1], "ended early"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    assert any(line.startswith("OKX_WS_URL=ws://127.0.0.1:") for line in lines)
    assert any(line.startswith("THIRD_REST_URL=http://127.0.0.1:") for line in lines)
    assert not any(line.startswith("BINANCE") for line in lines)
