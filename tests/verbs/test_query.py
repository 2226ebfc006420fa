"""The verb `query`, as its users run it: beside a running bot, after it, without it."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bot.record.drafts import snapshot_of
from bot.sandbox.server import Sandbox
from bot.verbs.printing import MOST_LINES
from tests.helpers import eventually
from tests.processes import ROOT, Daemon, daemon, free_port
from tests.record.old_files import leave_file
from tests.record.test_recorder import holding

TOKEN = "let-me-in"
ENDLESS = "SELECT count(*) FROM range(100_000_000_000) a, range(1_000_000) b"


def verb(folder: Path, settings: Mapping[str, str], *words: str,
         stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot", *words], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(settings), input=stdin, timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where no bot runs, and one did."""
    leave_file(tmp_path / "data/analytics.duckdb", 2)
    return tmp_path


def free(**more: str) -> dict[str, str]:
    return {"API_PORT": str(free_port())} | more


@contextmanager
def running(folder: Path, **more: str) -> Iterator[tuple[Daemon, dict[str, str]]]:
    with Sandbox(rate=50) as sandbox:
        settings = sandbox.environment() | {
            "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100",
            "API_PORT": str(free_port())} | more
        with daemon(folder, settings) as bot:
            bot.wait_for("is served from websocket")
            yield bot, settings


def test_a_running_bot_is_asked_for_a_snapshot_and_a_stopped_ones_file_is_read(
    tmp_path: Path
) -> None:
    with running(tmp_path, API_TOKEN=TOKEN, INSTANCE_ID="desk") as (bot, settings):
        def count() -> int:
            answer = verb(tmp_path, settings, "query", "--format", "csv",
                          "SELECT count(*) FROM updates")
            assert answer.returncode == 0, answer.stderr
            assert "asked a snapshot of " in answer.stderr
            assert "UTC of the running bot `desk`" in answer.stderr
            return int(answer.stdout.split()[1])

        seen = eventually(count, 20.0)
        wrong = verb(tmp_path, settings | {"API_TOKEN": "wrong"}, "query", "SELECT 1")
        assert wrong.returncode == 69
        assert f"is held by process {bot.process.pid}, and no bot answers" in wrong.stderr
        assert "wants another API_TOKEN" in wrong.stderr and "API_PORT" in wrong.stderr
        elsewhere = verb(tmp_path, settings | {"API_PORT": str(free_port())}, "query", "SELECT 1")
        assert elsewhere.returncode == 69 and f"process {bot.process.pid}" in elsewhere.stderr
        other = tmp_path / "other.duckdb"
        leave_file(other, 2)
        with holding(other):
            mistaken = verb(tmp_path, settings | {"DUCKDB_PATH": str(other)}, "query", "SELECT 1")
        assert mistaken.returncode == 69
        assert f"the bot 'desk' at http://127.0.0.1:{bot.port} does not keep" in mistaken.stderr
        assert bot.terminate() == 0
    after = verb(tmp_path, settings, "query", "--format", "json", "SELECT count(*) AS n "
                 "FROM updates")
    assert after.stderr == "asked the file data/analytics.duckdb, no bot runs\n"
    assert json.loads(after.stdout)[0]["n"] > seen


def test_a_bot_stops_in_time_while_a_snapshot_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "data/analytics.duckdb"
    leave_file(path, 2)
    import duckdb
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO updates BY NAME SELECT now()::TIMESTAMP - INTERVAL 1 SECOND AS "
                    "received_at, random() AS price, random() AS volume, random() AS bid "
                    "FROM range(3_000_000)")
    with running(tmp_path) as (bot, settings):
        with subprocess.Popen([sys.executable, "-m", "bot", "query", "SELECT 1"], cwd=tmp_path,
                              env=os.environ | {"PYTHONPATH": str(ROOT)} | settings,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
            eventually(lambda: any(snapshot_of(path).parent.glob("*.draft")))
            bot.signal(signal.SIGTERM)
            assert bot.ended(5.0) == 0, bot.log
            _, told = asking.communicate(timeout=20)
    assert list(snapshot_of(path).parent.iterdir()) == []
    assert asking.returncode == 69 and b"the database was closed meanwhile" in told
    assert "did not stop in time" not in bot.log


def test_without_sql_it_tells_the_tables_and_what_they_mean(folder: Path) -> None:
    answer = verb(folder, free(), "query")
    assert answer.returncode == 0
    assert "updates: every normalised message of an exchange, in order of receipt" in answer.stdout
    assert "  received_at    TIMESTAMP  receipt by this machine" in answer.stdout
    assert "\nbars: open, high, low, close" in answer.stdout


def test_a_question_comes_from_stdin_as_well_and_goes_out_in_three_forms(folder: Path) -> None:
    question = "SELECT received_at, price, ask FROM updates"
    assert verb(folder, free(), "query", "-", stdin=question + ";\n").stdout.splitlines() == [
        "received_at                  price    ask", "2026-09-01T10:00:00.500000Z  50000.5  -"]
    found = verb(folder, free(), "query", "--format", "csv", question).stdout
    assert list(csv.reader(found.splitlines())) == [
        ["received_at", "price", "ask"], ["2026-09-01T10:00:00.500000Z", "50000.5", ""]]
    assert json.loads(verb(folder, free(), "query", "--format", "json", question).stdout) == [
        {"received_at": "2026-09-01T10:00:00.500000Z", "price": 50000.5, "ask": None}]


def test_a_long_table_says_how_to_get_the_rest(folder: Path) -> None:
    answer = verb(folder, free(), "query", "FROM range(5_000)")
    assert len(answer.stdout.splitlines()) == MOST_LINES + 1
    assert "more than 1000 rows" in answer.stderr and "--format csv" in answer.stderr
    assert len(verb(folder, free(), "query", "--format", "csv", "FROM range(5_000)"
                    ).stdout.splitlines()) == 5_001


@pytest.mark.parametrize("sql, told", [
    ("SELECT nonsense FROM updates", "LINE 1: SELECT nonsense"),
    ("DELETE FROM updates", "only questions can be asked here"),
    ("SELECT price::INTEGER / 'x'::INTEGER FROM updates", "Could not convert"),
    ("SELECT list(hash(i)) FROM range(1_000_000_000) t(i)", "takes more memory"),
])
def test_a_fault_in_the_question_is_told_without_a_traceback(
    folder: Path, sql: str, told: str
) -> None:
    answer = verb(folder, free(), "query", sql)
    assert answer.returncode == 1 and answer.stdout == ""
    assert told in answer.stderr and "Traceback" not in answer.stderr


def test_a_reader_who_leaves_is_no_fault(folder: Path) -> None:
    with subprocess.Popen(
            [sys.executable, "-m", "bot", "query", "--format", "csv", "FROM range(10_000_000)"],
            cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)} | free(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stdout is not None and asking.stderr is not None
        assert asking.stdout.readline() == "range\n"
        asking.stdout.close()
        told = asking.stderr.read()
        assert asking.wait(10) == 0 and "rror" not in told


@pytest.mark.parametrize("sql", [ENDLESS, "FROM range(100_000_000_000)"])
def test_ctrl_c_interrupts_the_question(folder: Path, sql: str) -> None:
    with subprocess.Popen(
            [sys.executable, "-m", "bot", "query", "--format", "csv", sql], cwd=folder, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | free(), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE) as asking:
        assert asking.stderr is not None and "asked the file" in asking.stderr.readline()
        threading.Event().wait(0.2)  # so that the question is under way
        began = time.monotonic()
        asking.send_signal(signal.SIGINT)
        assert asking.wait(5) == 130 and time.monotonic() - began < 2.0
        assert asking.stderr.read() == "interrupted\n"


def test_where_nothing_was_recorded_it_says_so(tmp_path: Path) -> None:
    answer = verb(tmp_path, free(), "query", "SELECT 1")
    assert answer.returncode == 69
    assert answer.stderr == ("there is no record at data/analytics.duckdb; set DUCKDB_PATH here as "
                             "it is set for the bot\n")


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[tuple[int, list[bytes]]]:
    """A server that is no bot of this version. Yields: its port, and what it was sent."""
    sent: list[bytes] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port, sent
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("status, body, told", [
    (404, b"{}", "makes no snapshots: a bot of an earlier version"),
    (503, b'{"detail": "no room for a snapshot"}', "makes no snapshot: no room for a snapshot"),
    (200, b"<html>", "no bot answers at"), (200, b"[]", "the answer is not the bot's"),
])
def test_what_the_bot_answers_instead_is_told(
    folder: Path, status: int, body: bytes, told: str
) -> None:
    with holding(folder / "data/analytics.duckdb"), answering(status, body) as (port, sent):
        answer = verb(folder, {"API_PORT": str(port)}, "query", "SELECT 1")
    assert (answer.returncode, sent) == (69, [b"{}"])
    assert told in answer.stderr and "Traceback" not in answer.stderr


def test_a_bot_that_is_busy_is_asked_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.config import load
    from bot.errors import RecorderError
    from bot.verbs.reaching import opened
    monkeypatch.setattr("bot.verbs.reaching.PAUSE_S", 0.01)
    monkeypatch.setattr("bot.verbs.reaching.TRIES", 3)
    monkeypatch.chdir(folder)
    with holding(folder / "data/analytics.duckdb"), answering(
            503, b'{"detail": "a snapshot is being taken"}', Retry_After="1") as (port, sent):
        monkeypatch.setenv("API_PORT", str(port))
        with pytest.raises(RecorderError, match="a snapshot is being taken"), opened(load()):
            pass
    assert len(sent) == 3


def test_the_help_has_examples_and_the_exit_codes(tmp_path: Path) -> None:
    for word in ("query", "export"):
        told = verb(tmp_path, {}, word, "--help").stdout
        assert told.count(f"python -m bot {word}") >= 3 and "exit codes" in told
