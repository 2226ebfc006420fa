"""Incidents, availability and drills of a whole bot, as a process; and the verb `drill`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import ROOT, Daemon, daemon, free_port

TOKEN = "let-me-in"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800",
        "MAX_PRICE_AGE": "1500", "FAILBACK_AFTER": "500", "API_PORT": str(free_port()),
    } | more


def drillable(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return settings(sandbox, ENABLE_DRILL="true", API_TOKEN=TOKEN, **more)


def verb(folder: Path, setting: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot", "drill", *words], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | setting, timeout=60)


def asked(bot: Daemon, path: str) -> Any:
    return bot.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).json()


def test_incidents_and_availability_of_a_failover(tmp_path: Path, sandbox: Sandbox) -> None:
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        sandbox.fault("binance", "silence")
        bot.wait_for("Source switch: binance -> okx")
        (found,) = eventually(lambda: bot.json("/api/v1/incidents?source=binance")["incidents"])
        assert (found["symbol"], found["closedAt"]) == ("BTCUSDT", None)
        assert found["rule"] in ("silence", "late")  # chance, which is first
        assert 700 < found["detectedAfterMs"] < 2000
        assert found["switchedAfterMs"] is not None and found["switchedAfterMs"] < 250
        sandbox.heal()
        bot.wait_for("Source switch: okx -> binance")
        (ended,) = bot.json("/api/v1/incidents?source=binance")["incidents"]
        assert ended["id"] == found["id"] and ended["durationMs"] > 0
        rows = bot.json("/api/v1/availability")
        assert [row["trusted"] for row in rows["served"]] == [1.0]
        assert {row["source"]: row["incidents"] for row in rows["sources"]} == {
            "binance": 1, "okx": 0}
        assert bot.terminate() == 0
    with duckdb.connect(str(tmp_path / "data/analytics.duckdb"), read_only=True) as con:
        told = con.execute("SELECT DISTINCT id, max(revision), max(duration_ms) FROM incidents "
                           "GROUP BY id").fetchall()
    assert told == [(found["id"], 3, pytest.approx(ended["durationMs"], abs=0.01))]


def test_a_kill_and_the_time_after_it_are_counted(tmp_path: Path, sandbox: Sandbox) -> None:
    setting = settings(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("is served from websocket")
        sandbox.fault("okx", "refuse")
        (seen,) = eventually(lambda: bot.json("/api/v1/incidents?source=okx")["incidents"])
        # in the file for sure: commits are a second apart, and nobody else can look inside
        eventually(lambda: bot.json("/api/v1/incidents?source=okx")["incidents"][0]["durationMs"]
                   > seen["durationMs"] + 2500)
        bot.signal(signal.SIGKILL)
        bot.ended()
        killed = time.time()
    sandbox.heal()
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("Analytics Database Initialized")
        (down,) = eventually(lambda: [one for one in bot.json("/api/v1/incidents")["incidents"]
                                      if one["rule"] == "down"])
        assert down["source"] is down["symbol"] is None and "killed" in down["cause"]
        assert down["openedAt"] <= killed * 1000 < down["closedAt"]
        (before,) = bot.json("/api/v1/incidents?source=okx")["incidents"]
        assert before["cause"].endswith("; open when the bot ended")
        assert before["closedAt"] == down["openedAt"]
        bot.wait_for("is served from websocket")
        rows = bot.json("/api/v1/availability")
        assert rows["observedMs"] > down["durationMs"]
        for row in (*rows["served"], *rows["sources"]):
            assert row.get("trusted", row.get("fit")) < 1.0
            assert row["worstGapMs"] >= round(down["durationMs"])
        assert bot.terminate() == 0


def test_without_a_database_the_figures_begin_with_the_process(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with daemon(tmp_path, settings(sandbox, ENABLE_DUCKDB="false")) as bot:
        bot.wait_for("is served from websocket")
        rows = bot.json("/api/v1/availability")
        assert [row["trusted"] for row in rows["served"]] == [1.0]
        assert abs(rows["since"] + rows["observedMs"] - time.time() * 1000) < 2000
        assert bot.json("/api/v1/incidents")["incidents"] == []


def test_a_cut_is_drilled_and_measured(tmp_path: Path, sandbox: Sandbox) -> None:
    setting = drillable(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("is served from websocket")
        answer = verb(tmp_path, setting, "--seconds", "2", "--json")
        assert answer.returncode == 0, answer.stderr
        told = json.loads(answer.stdout)
        report = told["report"]
        assert (told["source"], told["fault"], told["state"]) == ("binance", "cut", "done")
        assert [report[f"active{when}"] for when in ("Before", "During", "After")] == [
            "binance", "okx", "binance"]
        assert report["switchedAfterMs"] < 1000 and report["blackoutAnyMs"] == 0
        assert report["cameBack"] and not report["interrupted"]
        assert abs(report["priceStepBps"]) < 500
        (incident,) = asked(bot, "/api/v1/incidents?source=binance")["incidents"]
        assert incident["cause"].startswith("drill: cut for 2 s")
        assert incident["closedAt"] is not None
        bot.wait_for("🧪 [DRILL] binance: cut for 2 s begins")
        bot.wait_for("🧪 [DRILL] binance: cut ended: binance -> okx")
        assert bot.terminate() == 0


def test_a_silence_is_drilled_and_shown_as_a_table(tmp_path: Path, sandbox: Sandbox) -> None:
    setting = drillable(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("is served from websocket")
        answer = verb(tmp_path, setting, "--source", "binance", "--fault", "silence",
                      "--seconds", "3")
        assert answer.returncode == 0, answer.stderr
        table = dict(line.split("  ", 1) for line in answer.stdout.splitlines()[1:])
        assert table["active source"].strip() == "binance -> okx -> binance"
        assert table["came back"].strip() == "yes"
        (incident, *_) = asked(bot, "/api/v1/incidents?source=binance")["incidents"]
        assert incident["cause"].startswith("drill: silence for 3 s")
        assert bot.terminate() == 0


def test_it_stops_in_time_during_a_drill(tmp_path: Path, sandbox: Sandbox) -> None:
    setting = drillable(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("is served from websocket")
        with subprocess.Popen([sys.executable, "-m", "bot", "drill", "--seconds", "300"],
                              cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)} | setting,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
            bot.wait_for("cut for 300 s begins")
            busy = verb(tmp_path, setting, "--source", "okx")
            assert busy.returncode == 75 and "a drill is under way" in busy.stderr
            bot.signal(signal.SIGTERM)
            assert bot.ended(5.0) == 0, bot.log
            assert asking.wait(10) in (1, 69)
    assert any("cut ended" in line and "interrupted" in line for line in bot.lines)


def test_ctrl_c_ends_the_waiting_and_says_that_the_drill_goes_on(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    setting = drillable(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("is served from websocket")
        with subprocess.Popen([sys.executable, "-m", "bot", "drill", "--seconds", "300"], text=True,
                              cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)} | setting,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as asking:
            assert asking.stderr is not None and "wait until" in asking.stderr.readline()
            asking.send_signal(signal.SIGINT)
            assert asking.stderr.read() == (
                "interrupted; the drill goes on in the bot: GET /api/v1/drill tells\n")
            assert asking.wait(10) == 130
        assert asked(bot, "/api/v1/drill")["state"] == "running"
        assert bot.terminate() == 0


def test_a_bot_that_is_not_to_be_drilled_says_what_to_set(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    setting = settings(sandbox)
    assert verb(tmp_path, setting).returncode == 69
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("Initializing Multi-Source")
        refused = verb(tmp_path, setting)
        assert refused.returncode == 77
        assert "set ENABLE_DRILL=true and API_TOKEN and start the bot again" in refused.stderr
    setting = drillable(sandbox)
    with daemon(tmp_path, setting) as bot:
        bot.wait_for("Initializing Multi-Source")
        assert verb(tmp_path, setting | {"API_TOKEN": "wrong"}).returncode == 77
        wrong = verb(tmp_path, setting | {"ENABLE_DRILL": "false"}, "--source", "krakken")
        assert wrong.returncode == 2 and "must be one of binance, okx" in wrong.stderr
        assert verb(tmp_path, setting, "--seconds", "1000").returncode == 2
        assert verb(tmp_path, setting, "--fault", "fire").returncode == 2


def test_the_help_has_an_example_and_the_exit_codes(tmp_path: Path) -> None:
    told = verb(tmp_path, {}, "--help").stdout
    assert "python -m bot drill --source binance --fault cut --seconds 10" in told
    assert "exit codes" in told
    assert "both set here" not in told and "here that token is needed" in told
