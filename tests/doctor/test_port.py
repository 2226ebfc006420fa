"""The port of the API: free, a stranger's, or our own bot's."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from bot.doctor.port import look
from bot.doctor.processes import command_of, listener
from bot.doctor.record import file
from bot.sandbox.server import Sandbox
from bot.web.hub import Hub
from bot.web.server import WebServer
from bot.worker import Deadline
from tests.doctor.helpers import config, only
from tests.helpers import eventually
from tests.processes import daemon, free_port
from tests.servers import raw_server, say, swallow
from tests.web.fakes import FakeView

SOON = Deadline(5.0)


def found(port: int, **names: str) -> tuple[str, str, str]:
    finding = only(look(config(None, API_PORT=str(port), **names), SOON))
    return finding.level, finding.words, finding.remedy


def test_a_free_port_is_well_and_stays_free() -> None:
    port = free_port()
    assert found(port)[0] == "ok"
    socket.create_server(("127.0.0.1", port)).close()


def test_a_bot_that_starts_while_it_looks_gets_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class Held(socket.socket):
        """While the probe still holds what it holds, a bot takes its port."""

        def close(self) -> None:
            if self.fileno() != -1 and not started:
                started.append(port)
                server = WebServer(FakeView(), Hub(), host="127.0.0.1", port=port)
                server.bind()
                server.stop()
            super().close()

    port = free_port()
    monkeypatch.setattr(socket, "socket", Held)
    assert found(port)[0] == "ok" and started == [port]


def test_a_stranger_does_not_get_the_token() -> None:
    heard: list[bytes] = []

    def listen(sock: socket.socket, stopping: threading.Event) -> None:
        heard.append(sock.recv(65536))
        body = b'{"status":"ok"}'
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with raw_server(listen) as server:
        assert "not the bot" in found(server.port, API_TOKEN="let-me-in-for-good")[1]
    (request,) = heard
    assert b"GET /healthz" in request and b"let-me-in" not in request


def test_a_strangers_port_is_a_failure_and_says_whose_it_is() -> None:
    with raw_server(say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as server:
        level, words, remedy = found(server.port)
    assert level == "fail" and f"process {os.getpid()} (" in words and "not the bot" in words
    assert "API_PORT" in remedy


def test_who_gives_no_answer_may_be_the_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.port.ANSWER_S", 0.2)
    with raw_server(swallow) as server:
        level, words, remedy = found(server.port)
    assert level == "fail" and "not the bot" not in words
    assert words.endswith("which gives no answer within 0.2 s")
    assert remedy.startswith("if it is the bot, look at journalctl") and "API_PORT" in remedy


def test_a_bot_that_hangs_is_no_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("port", "record"):
        monkeypatch.setattr(f"bot.doctor.{module}.ANSWER_S", 0.3)
    record = tmp_path / "data/analytics.duckdb"
    with daemon(tmp_path, {}) as bot:
        bot.wait_for("Analytics Database Initialized")
        pid = bot.process.pid
        bot.signal(signal.SIGSTOP)
        level, words, remedy = found(bot.port)
        assert level == "fail" and f"process {pid} (" in words
        assert words.endswith("gives no answer within 0.3 s: a bot that hangs")
        assert f"py-spy dump --pid {pid}" in remedy and "restart" in remedy
        assert "end it" not in remedy
        held = only(file(config(None, API_PORT=str(bot.port), DUCKDB_PATH=str(record)), SOON))
        assert "gives no answer within 0.3 s" in held.words and "API_PORT" not in held.remedy
        bot.signal(signal.SIGCONT)
        assert bot.terminate() == 0


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.name.invalid"])
def test_an_address_that_is_not_this_machines_is_a_failure(host: str) -> None:
    level, _, remedy = found(free_port(), API_HOST=host, API_TOKEN="t" * 20)
    assert level == "fail" and "API_HOST" in remedy


@pytest.mark.skipif(os.geteuid() == 0, reason="root may")
def test_a_port_for_root_is_a_failure() -> None:
    assert "higher" in found(80)[2]


def test_our_own_bot_is_well_and_tells_what_it_serves(tmp_path: Path, sandbox: Sandbox) -> None:
    names = {"ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "ENABLE_DUCKDB": "false",
             "INSTANCE_ID": "mine", "API_TOKEN": "let-me-in-for-good"}
    with daemon(tmp_path, sandbox.environment() | names) as bot:
        bot.wait_for("is served from websocket")
        token = {"API_TOKEN": "let-me-in-for-good"}

        def serves() -> bool:
            level, words, _ = found(bot.port, **token)
            return level == "ok" and "BTCUSDT" in words
        eventually(serves)
        words = found(bot.port, **token)[1]
        assert "our own bot 'mine' answers here" in words and str(bot.process.pid) in words
        level, words, remedy = found(bot.port, API_TOKEN="another")
        assert level == "fail" and "not to these settings" in words and "API_TOKEN" in remedy
        sandbox.fault("binance", "cut")
        sandbox.fault("binance", "refuse")
        sandbox.fault("okx", "refuse")
        sandbox.fault("okx", "rest_hang")
        eventually(lambda: found(bot.port, **token)[0] == "warn")
        assert bot.terminate() == 0


def test_a_port_without_a_listener_is_nobodys() -> None:
    assert listener(free_port()) == ("another process", None)
    assert command_of(2**22 + 1) == "" and "python" in command_of(os.getpid())
