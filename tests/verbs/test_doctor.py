"""The verb `doctor` as its users run it, against practice exchanges."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.doctor.plan import NAMES
from bot.sandbox.server import Sandbox
from tests.doctor.abyss import HANGING, abyss
from tests.helpers import eventually
from tests.processes import ROOT, free_port

PATIENCE_S = 60.0
HANGS_S = 6.0
LIBRARY = next(iter(Path("/usr/lib").rglob("libfaketimeMT.so.1")), None)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


def environment(settings: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    return clean | {"PYTHONPATH": str(ROOT), "API_PORT": str(free_port()),
                    "ENABLE_WEBSOCKET_FEEDS": "true"} | settings


def doctor(
    folder: Path, settings: dict[str, str], *words: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bot", "doctor", *words], cwd=folder, capture_output=True, text=True,
        env=environment(settings), timeout=PATIENCE_S)


def told(folder: Path, settings: dict[str, str], *words: str) -> dict[str, Any]:
    answer = doctor(folder, settings, "--json", *words)
    body: dict[str, Any] = json.loads(answer.stdout)
    assert body["exitCode"] == answer.returncode and answer.stderr == ""
    return body


def worst(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["check"], one["level"]) for one in body["findings"] if one["level"] != "ok"]


def test_all_is_well_against_practice_exchanges(tmp_path: Path, sandbox: Sandbox) -> None:
    answer = doctor(tmp_path, sandbox.environment())
    # what a machine for tests may lack is a clock in step, room, a quick disk; never more
    allowed = ("warn  clock     NTP", "warn  record", "warn  logs", "warn  limits")
    lines = [line for line in answer.stdout.splitlines() if line.startswith(("warn", "fail"))]
    assert [line for line in lines if not line.startswith(allowed)] == [], answer.stdout
    assert answer.returncode == (1 if lines else 0) and answer.stderr == ""
    for check in ("settings", "dns", "proxy", "rest", "stream", "prices", "clock", "api"):
        assert f"ok    {check:9} " in answer.stdout
    assert answer.stdout.splitlines()[-1].startswith("0 failures, ")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.parametrize("fault, value, check, words", [
    ("reject", 451, "stream", "HTTP 451"), ("reject", 429, "stream", "HTTP 429"),
    ("refuse", None, "stream", "Connection refused"), ("silence", None, "stream", "nothing of"),
    ("rest_reject", 451, "rest", "HTTP 451"), ("rest429", 9, "rest", "for 9 s"),
    ("rest503", None, "rest", "HTTP 503"), ("wrong", 0.5, "prices", "bps"),
])
def test_each_fault_alone_gives_its_line_and_its_code(
    tmp_path: Path, sandbox: Sandbox, fault: str, value: object, check: str, words: str
) -> None:
    sandbox.fault("okx", fault, value)
    body = told(tmp_path, sandbox.environment(), "--only", "rest,stream,prices")
    # without its stream there is nothing to compare, which is said too
    assert worst(body) == [(check, "fail"), *([("prices", "warn")] if check == "stream" else [])]
    assert body["exitCode"] == 2
    (finding,) = [one for one in body["findings"] if one["level"] == "fail"]
    assert words in finding["words"] and finding["remedy"]


def test_a_symbol_that_is_halted_is_told_by_both_ways(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.fault("okx", "halt", "BTCUSDT")
    body = told(tmp_path, sandbox.environment(), "--only", "rest,stream")
    assert sorted(worst(body)) == [("rest", "fail"), ("stream", "fail")]


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed")
def test_a_wall_clock_that_is_wrong_is_told_by_two_exchanges(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    faked = {"LD_PRELOAD": str(LIBRARY), "FAKETIME": "+3600", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    body = told(tmp_path, sandbox.environment() | faked, "--only", "clock")
    (finding,) = [one for one in body["findings"] if one["level"] == "fail"]
    assert finding["check"] == "clock" and "it is this machine that is wrong" in finding["words"]
    assert "set-ntp" in finding["remedy"]


@pytest.mark.parametrize("name", ["unit", "kafka", "prices"])
def test_a_single_check_is_never_silent(tmp_path: Path, name: str) -> None:
    settings = {"ENABLE_WEBSOCKET_FEEDS": "false", "ENABLE_OKX_LIVE": "false"}
    answer = doctor(tmp_path, settings, "--only", name)
    assert answer.stdout.split()[1] == name


def test_bad_settings_are_told_line_by_line(tmp_path: Path) -> None:
    answer = doctor(tmp_path, {"MODE": "live", "API_PORT": "x"})
    assert answer.returncode == 78 and answer.stdout == ""
    assert [line.partition(":")[0] for line in answer.stderr.splitlines()] == ["MODE", "API_PORT"]


def test_a_choice_of_checks_is_heeded_and_a_wrong_one_refused(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    body = told(tmp_path, sandbox.environment(), "--only", "versions, dns,clock")
    assert {one["check"] for one in body["findings"]} == {"versions", "dns", "clock"}
    answer = doctor(tmp_path, {}, "--only", "dns,horoscope")
    assert answer.returncode == 2 and f"must be among {', '.join(NAMES)}" in answer.stderr


def test_a_reader_that_leaves_is_no_fault(tmp_path: Path, sandbox: Sandbox) -> None:
    with subprocess.Popen([sys.executable, "-m", "bot", "doctor"], cwd=tmp_path,
                          env=environment(sandbox.environment()), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_with_everything_down_every_line_comes_and_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with abyss() as settings:
        process = subprocess.Popen(
            [sys.executable, "-c", HANGING, "doctor"], cwd=tmp_path, text=True,
            env=environment(dict(settings)), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline(), "the first line comes while others hang"
        process.send_signal(signal.SIGINT)
        # at once, where nobody else is busy; the first checks that hang are given up after 6 s
        _, errors = process.communicate(timeout=HANGS_S)
        assert (process.returncode, errors) == (130, "interrupted\n")
        answer = subprocess.run(
            [sys.executable, "-c", HANGING, "doctor"], cwd=tmp_path, text=True, capture_output=True,
            env=environment(dict(settings)), timeout=PATIENCE_S)
    assert answer.returncode == 2 and answer.stderr == ""
    for check in ("dns", "tls", "rest", "stream", "kafka", "record", "api", "logs"):
        assert f"{check:9} " in answer.stdout
    well = [line.split()[1] for line in answer.stdout.splitlines() if line.startswith("ok")]
    assert not {"tls", "rest", "stream", "kafka", "prices"} & set(well), answer.stdout


def test_progress_is_shown_on_a_terminal_and_gone_at_the_end(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with abyss() as settings:
        process = subprocess.Popen(
            [sys.executable, "-c", HANGING, "doctor", "--only", "dns"], cwd=tmp_path,
            env=environment(dict(settings) | {"TERM": "xterm"}), stdout=subprocess.DEVNULL,
            stderr=theirs)
        os.close(theirs)
        shown = b""

        def read() -> bool:
            nonlocal shown
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                return True
            return False
        eventually(read, PATIENCE_S)
        assert process.wait(PATIENCE_S) == 2
    os.close(ours)
    assert b"waiting for dns" in shown and shown.endswith(b"\r\x1b[K")


def test_no_secret_is_told_whatever_fails(tmp_path: Path) -> None:
    secret, port = "t0psecret", free_port()
    answer = doctor(tmp_path, {
        "BINANCE_WS_URL": f"wss://me:{secret}@127.0.0.1:{port},ws://me:{secret}@no.name.invalid/x",
        "BINANCE_REST_URL": f"https://me:{secret}@127.0.0.1:{port}",
        "OKX_WS_URL": f"ws://me:{secret}@[::1]:{port}/{secret}",
        "OKX_REST_URL": f"http://me:{secret}@no.name.invalid/{secret}",
        "ENABLE_KAFKA": "true", "KAFKA_BROKERS": f"127.0.0.1:{port}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": secret,
        "API_HOST": "0.0.0.0", "API_TOKEN": secret,
        "ALERT_WEBHOOK_URL": f"https://127.0.0.1:{port}/{secret}",
        "ALERT_TELEGRAM_TOKEN": f"123456:{secret}{secret}", "ALERT_TELEGRAM_CHAT": "1",
        "ALERT_TELEGRAM_URL": f"http://127.0.0.1:{port}",
        "https_proxy": f"http://me:{secret}@127.0.0.1:{port}"})
    assert answer.returncode == 2
    assert secret not in answer.stdout + answer.stderr
