"""`status --watch` in a terminal, as a pipe and as JSON; the bot comes, goes and hangs."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.verbs import watching
from bot.verbs.watching import Asker, _screen
from tests.helpers import eventually
from tests.processes import ROOT, daemon, free_port
from tests.servers import raw_server, say, swallow
from tests.test_config import loaded
from tests.verbs.ptys import ENTER, LEAVE, terminal

WATCH = ("status", "--watch", "0.2")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


def settings(sandbox: Sandbox, port: str) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800",
        "MAX_PRICE_AGE": "1500", "FAILBACK_AFTER": "500", "API_PORT": port,
        "ENABLE_DUCKDB": "false"}


def test_it_draws_what_is_served_and_why_a_source_is_not_used(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    port = str(free_port())
    with daemon(tmp_path, settings(sandbox, port)) as bot:
        bot.wait_for("is served from websocket")
        with terminal(tmp_path, {"API_PORT": port}, *WATCH) as screen:
            picture = screen.wait_for("trusted")
            assert any(line.startswith("binance  up, active") for line in picture)
            sandbox.fault("binance", "silence")
            picture = screen.wait_for("not used")
            (line,) = [line for line in picture if line.startswith("binance ")]
            assert "no data for" in line
            screen.wait_for("binance is not fit for BTCUSDT")
            assert screen.end(signal.SIGINT) == 130
        assert bot.terminate() == 0


def test_it_says_when_the_bot_does_not_answer_and_goes_on_trying(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    port = str(free_port())
    with terminal(tmp_path, {"API_PORT": port}, *WATCH) as screen:
        assert "Is it running" in "\n".join(screen.wait_for("NO ANSWER for 1 s"))
        for _ in range(2):
            with daemon(tmp_path, settings(sandbox, port)) as bot:
                picture = screen.wait_for("healthy, ")
                eventually(lambda: "NO ANSWER" not in screen.screen[0])
                screen.wait_for("BTCUSDT")
                bot.signal(signal.SIGKILL)
                picture = screen.wait_for("the figures below are from before")
                assert picture[0].startswith("NO ANSWER for ")
                assert any(line.startswith("BTCUSDT ") for line in picture)
        assert screen.end(signal.SIGINT) == 130


def test_a_bot_that_is_frozen_stops_neither_the_clock_nor_ctrl_c(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    port = str(free_port())
    with daemon(tmp_path, settings(sandbox, port)) as bot:
        bot.wait_for("is served from websocket")
        with terminal(tmp_path, {"API_PORT": port}, *WATCH) as screen:
            screen.wait_for("trusted")
            bot.signal(signal.SIGSTOP)
            screen.wait_for("NO ANSWER for 2 s")
            assert screen.end(signal.SIGINT) == 130
        bot.signal(signal.SIGCONT)


@pytest.mark.parametrize("number, code", [
    (signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_terminal_is_afterwards_as_it_was_before(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with terminal(tmp_path, {"API_PORT": str(free_port())}, *WATCH) as screen:
        screen.wait_for("NO ANSWER")
        assert screen.end(number) == code
        assert screen.text.count(ENTER) == screen.text.count(LEAVE) == 1
        assert screen.text.endswith(LEAVE), "nothing is written after it"


def test_the_terminal_is_restored_after_a_fault_too() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), _screen(out):
        raise ZeroDivisionError
    assert out.getvalue() == ENTER + LEAVE


def test_a_terminal_that_has_gone_hides_no_fault() -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise OSError(5, "Input/output error")

    with pytest.raises(ZeroDivisionError), _screen(Gone()):
        raise ZeroDivisionError


def test_the_picture_follows_the_size_of_the_window(tmp_path: Path, sandbox: Sandbox) -> None:
    port = str(free_port())
    with daemon(tmp_path, settings(sandbox, port)) as bot:
        bot.wait_for("is served from websocket")
        with terminal(tmp_path, {"API_PORT": port}, *WATCH, columns=120) as screen:
            screen.wait_for("EXCHANGE")
            screen.resize(50, 8)
            picture = screen.wait_for("the window is too low")
            assert len(picture) == 8 and max(map(len, picture)) <= 50
            assert "EXCHANGE" not in "\n".join(picture)
            screen.resize(120, 40)
            screen.wait_for("EXCHANGE")
            assert "\x1b[32m" in screen.text
            assert screen.end(signal.SIGTERM) == 143
        with terminal(tmp_path, {"API_PORT": port, "NO_COLOR": "1"}, *WATCH) as screen:
            screen.wait_for("trusted")
            assert "\x1b[3" not in screen.text
            assert screen.end(signal.SIGTERM) == 143
        assert bot.terminate() == 0


def piped(folder: Path, port: str, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "bot", *words], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"API_PORT": port, "PYTHONPATH": str(ROOT)})


def test_json_is_a_line_for_each_look_also_without_an_answer(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    port = str(free_port())
    with piped(tmp_path, port, *WATCH, "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["error"] == "Connection refused" and first["at"] > 1_700_000_000_000
        with daemon(tmp_path, settings(sandbox, port)) as bot:
            bot.wait_for("is served from websocket")
            while "prices" not in (told := json.loads(process.stdout.readline())):
                pass
            assert set(told) == {"at", "health", "prices", "kafka", "record", "incidents",
                                 "explain", "tiers"}
            assert bot.terminate() == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(10.0) == 143


def test_a_pipe_gets_pages_without_escapes_and_one_that_closes_is_no_fault(tmp_path: Path) -> None:
    with piped(tmp_path, str(free_port()), *WATCH) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "NO ANSWER for 0 s: Connection refused\n"
        process.stdout.close()
        assert process.wait(10.0) == 0 and process.stderr.read() == ""


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1e9", "nan"])
def test_a_pause_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with piped(tmp_path, "1", "status", f"--watch={text}") as process:
        assert process.wait(10.0) == 2 and process.stderr is not None
        assert "must be from 0.2 to 3600 s" in process.stderr.read()


# ---- who asks

def looks(asker: Asker, count: int) -> None:
    eventually(lambda: asker.poll() and asker.looks >= count or asker.looks >= count)


def test_looks_that_hang_are_left_behind_and_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "LONGEST_LOOK_S", 0.05)
    with raw_server(swallow) as server:
        asker = Asker(loaded({"API_PORT": str(server.port)}), 0.01)
        looks(asker, watching.MOST_STRAYS)
        accepted = server.accepted
        for _ in range(20):
            assert asker.poll() is False
        assert asker.error == "it hangs" and asker.silence is not None
        assert server.accepted == accepted == watching.MOST_STRAYS


@pytest.mark.parametrize("body", [b"[]", b'{"prices": 5}', b"<html>", b'{"prices": [{}]}'])
def test_what_is_no_bot_is_told_and_asked_again(body: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with raw_server(say(answer)) as server:
        asker = Asker(loaded({"API_PORT": str(server.port)}), 0.01)
        looks(asker, 2)
        assert asker.seen is None and asker.error and asker.silence is not None
