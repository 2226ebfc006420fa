"""The whole daemon as a process: start, serve, fail over, stop, and how each looks outside."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import daemon, free_port
from tests.servers import raw_server, swallow

STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ +(?=\S)")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800",
        "MAX_PRICE_AGE": "1500", "FAILBACK_AFTER": "1000",
    } | more


# A recorder whose last write hangs, as on a disk that has stopped answering.
HUNG_DISK = """
import sys, threading, bot.record.recorder, bot.__main__
bot.record.recorder.Recorder.close = lambda self: threading.Event().wait(60)
sys.exit(bot.__main__.main([]))
"""


def bare(lines: list[str]) -> list[str]:
    return [re.sub(r"^\S+ \S+ [A-Z]+ {1,4}", "", line, count=1) for line in lines]


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "data/analytics.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_start_and_stop_are_told_line_by_line(tmp_path: Path, sandbox: Sandbox) -> None:
    """D086-D104, D109-D111, D130, D133."""
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        health = bot.json("/api/websocket/health")
        assert bot.terminate() == 0
    told = bare(bot.lines)
    expected = [
        "🚀 [primary] Initializing Autonomous Trading Bot 0.1.0...",
        "📊 [DUCKDB] Analytics Database Initialized Successfully",
        "🌐 [WEBSOCKET] Initializing Multi-Source Market Data Feeds...",
        "✅ [WEBSOCKET] Multi-Source Feeds Initialized",
        "   🌐 Primary: binance",
        "   🌐 Failover: ENABLED",
        "   🌐 Resolution: primary",
        "   🌐 Symbol: BTCUSDT",
        "✅ [primary] Autonomous Trading Bot initialized successfully",
        "   🌐 WebSocket Feeds: ACTIVE (2/2 sources)",
        "   🌐 Primary: binance, Failover: ENABLED",
        "   📊 DuckDB Analytics: ACTIVE",
        "🛑 Stopping bot...",
        "🌐 Disconnecting WebSocket sources...",
    ]
    assert [line for line in told if line in expected] == expected
    for line in ("✅ [BINANCE] WebSocket connected successfully",
                 "✅ [OKX] WebSocket connected successfully"):
        assert told.count(line) == 1
    assert list(health) == ["healthy", "activeSource", "connectedSources", "totalSources",
                            "sources", "updateCount", "lastUpdate", "instance", "timestamp"]
    assert health["updateCount"] == sum(s["messagesReceived"] for s in health["sources"])
    eventually(lambda: sandbox.close_codes("binance") == sandbox.close_codes("okx") == [1000])
    written = (tmp_path / "logs/autonomous_bot.log").read_text(encoding="utf-8").splitlines()
    assert bare(written) == told  # D131


def test_the_primary_is_lost_and_comes_back(tmp_path: Path, sandbox: Sandbox) -> None:
    """D029, D132, D154."""
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        client = websocket.create_connection(f"ws://127.0.0.1:{bot.port}/ws", timeout=10)
        sandbox.fault("binance", "silence")
        line = bot.wait_for("🔄 [WEBSOCKET] Source switch: binance -> okx")
        assert re.search(r"\(no data for \d+ ms\)$", line)
        assert bot.json("/api/websocket/active-source")["activeSource"] == "okx"
        assert bot.price()["exchange"] == "okx"
        sandbox.heal()
        bot.wait_for("🔄 [WEBSOCKET] Source switch: okx -> binance")
        alerts: list[dict[str, object]] = []
        while len(alerts) < 2:
            message = json.loads(client.recv())
            if message["type"] == "alert":
                alerts.append(message["data"])
        client.close()
        assert [(a["from"], a["to"]) for a in alerts] == [("binance", "okx"), ("okx", "binance")]
        assert list(alerts[0]) == ["severity", "message", "from", "to", "reason", "timestamp"]
        assert bot.terminate() == 0
    assert rows(tmp_path, "SELECT count(*) FROM events WHERE kind = 'source_switch'") == [(2,)]
    assert rows(tmp_path, "SELECT count(*) FROM served WHERE synthetic") == [(0,)]  # D003


def test_the_chain_goes_down_and_up_tier_by_tier(tmp_path: Path, sandbox: Sandbox) -> None:
    """D003, D124-D127, D140."""
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        assert sandbox.rest_requests("okx") == 0
        for exchange in ("binance", "okx"):
            sandbox.fault(exchange, "refuse")
        sandbox.heal("okx", "refuse")
        sandbox.fault("okx", "silence")
        bot.wait_for("Tier change for BTCUSDT: websocket -> okx")
        price = bot.price()
        assert (price["source"], price["exchange"], price["trusted"]) == ("okx", "okx", True)
        assert bot.get("/readyz").status_code == 200
        last_real = price["price"]
        sandbox.fault("okx", "rest503")
        bot.wait_for("Tier change for BTCUSDT: okx -> mock", within=20)
        made_up = bot.price()
        assert made_up["synthetic"] and not made_up["trusted"] and made_up["exchange"] is None
        assert made_up["price"] == pytest.approx(last_real, rel=0.05)  # K46: it goes on from there
        assert bot.get("/readyz").status_code == 503
        assert bot.get("/api/v1/prices/BTCUSDT?max_age_ms=60000").status_code == 503
        sandbox.heal()
        bot.wait_for("Tier change for BTCUSDT: mock -> websocket")
        asked = eventually(lambda: sandbox.rest_requests("okx"))
        bot.wait_for("Source switch: none -> ")
        assert bot.terminate() == 0
    assert asked > 0


def test_is_ready_by_a_lower_tier_while_the_first_holds_what_is_not_trusted(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with daemon(tmp_path, settings(sandbox, MAX_PRICE_AGE="60000")) as bot:
        bot.wait_for("is served from websocket")
        sandbox.fault("binance", "silence")
        sandbox.fault("okx", "silence")
        bot.wait_for("No source is fit")
        eventually(lambda: bot.get("/readyz").status_code == 200)
        assert bot.json("/readyz")["source"] == "okx"
        held = bot.price()
        assert (held["source"], held["trusted"]) == ("websocket", False)
        assert bot.get("/api/v1/prices/BTCUSDT?max_age_ms=2000").json()["source"] == "okx"


def test_rest_is_left_alone_again_once_a_stream_is_back(tmp_path: Path, sandbox: Sandbox) -> None:
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        sandbox.fault("binance", "silence")
        sandbox.fault("okx", "silence")
        bot.wait_for("websocket -> okx")
        sandbox.heal()
        bot.wait_for("okx -> websocket")
        wanted = eventually(lambda: sandbox.rest_requests("okx"))
        still = threading.Event().wait  # what is shown here is that nothing happens for a while
        still(6.0)  # the last question keeps it going for five seconds
        settled = sandbox.rest_requests("okx")
        assert settled <= wanted + 6
        still(2.0)
        assert sandbox.rest_requests("okx") == settled


def test_outside_simulation_nothing_is_made_up(tmp_path: Path, sandbox: Sandbox) -> None:
    """D127, K36."""
    off = {"ENABLE_WEBSOCKET_FEEDS": "false", "ENABLE_OKX_LIVE": "false", "MODE": "paper_trading"}
    with daemon(tmp_path, settings(sandbox) | off) as bot:
        bot.wait_for("initialized successfully")
        answer = bot.get("/api/v1/prices/BTCUSDT")
        assert answer.status_code == 503
        assert answer.json()["reasons"]["mock"] == "only in simulation, not in paper_trading"
        assert bot.json("/api/websocket/health") == {"error": "WebSocket not enabled",
                                                     "enabled": False}
        assert "WebSocket Feeds: DISABLED" in bot.log
        assert bot.terminate() == 0


def test_the_api_answers_while_no_exchange_does(tmp_path: Path, sandbox: Sandbox) -> None:
    """D013, D119: and the summary tells what is true."""
    for exchange in ("binance", "okx"):
        sandbox.fault(exchange, "mute")
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("Initializing Multi-Source")
        assert bot.get("/healthz").status_code == 200
        assert bot.json("/api/websocket/health")["healthy"] is False
        assert bot.price()["synthetic"]
        bot.wait_for("WebSocket Feeds: CONNECTING (0/2 sources)")
        assert "Multi-Source Feeds Initialized" not in bot.log
        assert bot.terminate() == 0


def test_nothing_is_lost_at_a_stop_under_load(tmp_path: Path) -> None:
    """D088."""
    with Sandbox(rate=1000) as sandbox, daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.json("/api/websocket/health")["updateCount"] > 2000, within=15)
        assert bot.terminate() == 0
    received = int(re.findall(r"Updates: (\d+)", bot.log)[-1])
    (count,) = rows(tmp_path, "SELECT count(*) FROM updates")[0]
    assert isinstance(count, int) and count >= received
    assert "not written" not in bot.log and "refused" not in bot.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_stop_it_cleanly(
    tmp_path: Path, sandbox: Sandbox, number: signal.Signals
) -> None:
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("initialized successfully")
        bot.signal(number)
        assert bot.ended(5.0) == 0


@pytest.mark.parametrize("line", [
    "Initializing Autonomous", "Analytics Database", "Initializing Multi-Source", "[OKX]",
    "initialized successfully"])
def test_it_stops_cleanly_from_every_phase_of_the_start(
    tmp_path: Path, sandbox: Sandbox, line: str
) -> None:
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for(line)
        assert bot.terminate() == 0, bot.log
    assert "Stopped" in bot.lines[-1]


def test_it_stops_in_time_with_everything_down(tmp_path: Path, sandbox: Sandbox) -> None:
    for exchange in ("binance", "okx"):
        sandbox.fault(exchange, "mute")
        sandbox.fault(exchange, "rest_hang")
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("initialized successfully")
        stuck_client = socket.create_connection(("127.0.0.1", bot.port))
        stuck_client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        eventually(lambda: sandbox.rest_requests("okx"))
        bot.signal(signal.SIGTERM)
        assert bot.ended(5.0) == 0, bot.log
        stuck_client.close()


def test_a_second_signal_ends_it_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    with daemon(tmp_path, settings(sandbox), program=("-c", HUNG_DISK)) as bot:
        bot.wait_for("is served from websocket")
        bot.signal(signal.SIGTERM)
        bot.wait_for("Disconnecting")
        assert not threading.Event().wait(0.2)
        bot.signal(signal.SIGTERM)
        assert bot.ended(2.0) == 1
    assert "Stopped" not in bot.log


def test_a_thread_that_does_not_stop_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    with daemon(tmp_path, settings(sandbox), program=("-c", HUNG_DISK)) as bot:
        bot.wait_for("is served from websocket")
        bot.signal(signal.SIGTERM)
        assert bot.ended(5.0) == 1
    stuck = [line for line in bot.lines if "did not stop in time" in line]
    assert [line.split("Thread ")[1] for line in stuck] == ["recorder did not stop in time"]


def test_a_stderr_that_nobody_reads_does_not_keep_it_alive(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    reader, writer = os.pipe()
    environment = os.environ | settings(sandbox, API_PORT=str(free_port()), PYTHONPATH=os.getcwd())
    with subprocess.Popen([sys.executable, "-m", "bot"], cwd=tmp_path, env=environment,
                          stderr=writer) as process:
        log = tmp_path / "logs/autonomous_bot.log"
        eventually(lambda: log.exists() and "is served from websocket" in log.read_text(), 15.0)
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)  # full: from here on each line of the bot's waits
        except BlockingIOError:
            os.set_blocking(writer, True)
        sandbox.fault("binance", "cut")
        sandbox.fault("okx", "cut")
        process.send_signal(signal.SIGTERM)
        assert process.wait(5.0) == 0
    os.close(reader)
    os.close(writer)


def test_a_taken_port_is_an_error_and_nothing_is_started(tmp_path: Path, sandbox: Sandbox) -> None:
    """K62."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        with daemon(tmp_path, settings(sandbox, API_PORT=port)) as bot:
            assert bot.ended() == 69
            assert f"port {port}" in bot.log
    assert sandbox.connections("binance") == 0 and not (tmp_path / "data").exists()


def test_every_bad_setting_has_its_line(tmp_path: Path) -> None:
    bad = {"MODE": "live", "MAX_PRICE_AGE": "soon", "EXCHANGES": "binance,krakken"}
    with daemon(tmp_path, bad) as bot:
        assert bot.ended() == 78
    assert [line.partition(":")[0] for line in bot.lines] == ["MODE", "EXCHANGES", "MAX_PRICE_AGE"]
    assert not (tmp_path / "logs").exists()


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    """D116."""
    (tmp_path / ".env").write_text("INSTANCE_ID=from-file\nTRADING_SYMBOL=eth-usdt\n")
    with daemon(tmp_path, {"INSTANCE_ID": "from-environment"}, "check") as bot:
        assert bot.ended() == 0
        assert bot.process.stdout is not None
        shown = bot.process.stdout.read()
    assert "INSTANCE_ID=from-environment\n" in shown and "TRADING_SYMBOL=ETHUSDT\n" in shown


def test_status_shows_a_running_bot_and_says_when_there_is_none(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    port = str(free_port())
    with daemon(tmp_path, {"API_PORT": port}, "status") as asked:
        assert asked.ended() == 69
        assert "no answer from a bot" in asked.log
    with daemon(tmp_path, settings(sandbox, API_PORT=port)) as bot:
        bot.wait_for("is served from websocket")
        for verb in (["status"], ["status", "--json"]):
            out = subprocess.run(
                [sys.executable, "-m", "bot", *verb], cwd=tmp_path, capture_output=True, text=True,
                env=os.environ | {"API_PORT": port, "PYTHONPATH": os.getcwd()}, check=True).stdout
            assert "binance" in out and "BTCUSDT" in out
        assert json.loads(out)["health"]["healthy"] is True


def test_a_lie_is_told_from_the_truth_and_explained(tmp_path: Path, sandbox: Sandbox) -> None:
    """One of two exchanges is half a per cent off, and REST says which."""
    port = str(free_port())

    def asked(*verb: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", "price", *verb], cwd=tmp_path, capture_output=True,
            text=True, env=os.environ | {"API_PORT": port, "PYTHONPATH": os.getcwd()})

    with daemon(tmp_path, settings(sandbox, API_PORT=port)) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.price()["status"] == "trusted")
        assert bot.price()["sourcesUsed"] == ["binance", "okx"] and bot.price()["confidence"] > 0
        sandbox.fault("binance", "wrong", 0.5)
        eventually(lambda: bot.price()["status"] == "disputed")
        assert bot.price()["trusted"] is False
        bot.wait_for("[BINANCE] Not believed: disagrees with okx")
        eventually(lambda: bot.price()["exchange"] == "okx" and bot.price()["trusted"])
        off = bot.price()["price"] / sandbox.true_price("okx", "BTCUSDT") - 1
        assert abs(off) < 0.002
        out = asked("btc-usdt", "--explain").stdout
        assert "RULE" in out and "disagreement" in out and "okx rest" in out
        legs = json.loads(asked("BTCUSDT", "--explain", "--json").stdout)["explain"]["legs"]
        assert {leg["source"]: leg["accepted"] for leg in legs if leg["kind"] == "stream"} == {
            "binance": False, "okx": True}
        assert asked("DOGEUSDT").returncode == 1


def test_a_failing_database_stops_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """D014."""
    (tmp_path / "data").write_text("a file where the folder should be")
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        assert "DuckDB Analytics: NOT ACTIVE (" in bot.log
        assert "Initialized Successfully" not in bot.log
        assert bot.price()["trusted"]
        assert bot.terminate() == 0


def test_a_damaged_database_is_moved_aside(tmp_path: Path, sandbox: Sandbox) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/analytics.duckdb").write_text("this is no database\n" * 1000)
    with daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("DuckDB Analytics: ACTIVE")
        assert bot.terminate() == 0
    (kept,) = (tmp_path / "data").glob("*.damaged-*")
    assert kept.read_text() == "this is no database\n" * 1000


def test_layers_that_do_not_exist_are_named(tmp_path: Path) -> None:
    with daemon(tmp_path, {"ENABLE_ML": "true"}) as bot:
        bot.wait_for("[ML] ENABLE_ML is on, but this version has no such layer")
        assert "ADAPTIVE ML SYSTEM ACTIVE" not in bot.log
        assert bot.terminate() == 0


def test_systemd_is_told_when_it_is_true(tmp_path: Path, sandbox: Sandbox) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        with daemon(tmp_path, settings(sandbox, NOTIFY_SOCKET=str(tmp_path / "notify"))) as bot:
            said: list[str] = []
            while not any("READY=1" in message and "STATUS=" in message for message in said):
                said.append(manager.recv(4096).decode())
            assert bot.get("/healthz").status_code == 200
            assert re.search(r"STATUS=BTCUSDT [\d.]+ from binance \(websocket\), \d+ ms old",
                             said[-1])
            said.clear()
            while "WATCHDOG=1" not in said:
                said.append(manager.recv(4096).decode())
            bot.signal(signal.SIGTERM)
            while "STOPPING=1" not in said:
                said.append(manager.recv(4096).decode())
            assert bot.ended() == 0


def test_a_hung_main_loop_is_not_covered_up(tmp_path: Path, sandbox: Sandbox) -> None:
    """The watchdog is fed by the main loop alone: nothing comes while it stands still."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        with daemon(tmp_path, settings(sandbox, NOTIFY_SOCKET=str(tmp_path / "notify"))) as bot:
            while b"WATCHDOG=1" not in manager.recv(4096):
                pass
            bot.signal(signal.SIGSTOP)
            manager.settimeout(2.5)
            with pytest.raises(TimeoutError):
                while True:
                    manager.recv(4096)
            bot.signal(signal.SIGCONT)
            manager.settimeout(10)
            while b"WATCHDOG=1" not in manager.recv(4096):
                pass
            assert bot.terminate() == 0


def test_a_pause_of_the_process_is_its_own_and_no_sources_fault(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with daemon(tmp_path, settings(sandbox, MAX_SOURCE_LATENCY="1000", MAX_PRICE_AGE="1500",
                                   POLL_INTERVAL="100")) as bot:
        bot.wait_for("is served from websocket")
        bot.signal(signal.SIGSTOP)
        threading.Event().wait(3.0)  # as long as it is to last
        bot.signal(signal.SIGCONT)
        resumed_ms = time.time() * 1000
        bot.wait_for("[INCIDENT] The bot stood still for ")
        eventually(lambda: bot.json("/api/v1/trail")["samples"]["at"][-1] > resumed_ms,
                   what="a poll after it")
        assert "Tier change" not in bot.log and "Source switch" not in bot.log
        assert [found["rule"] for found in bot.json("/api/v1/incidents")["incidents"]] == ["paused"]
        figures = bot.json("/api/v1/availability")
        for row in (*figures["served"], *figures["sources"]):
            assert row["incidents"] == 1 and row["worstGapMs"] > 1500
            assert row.get("trusted", row.get("fit")) < 1
        assert bot.terminate() == 0


def test_a_step_of_the_wall_clock_changes_no_age(tmp_path: Path, sandbox: Sandbox) -> None:
    """K33."""
    library = next(iter(Path("/usr/lib").rglob("libfaketimeMT.so.1")), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    shift = tmp_path / "shift"
    shift.write_text("+0\n")
    faked = settings(
        sandbox, LD_PRELOAD=str(library), FAKETIME_TIMESTAMP_FILE=str(shift),
        FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1")
    with daemon(tmp_path, faked) as bot:
        bot.wait_for("is served from websocket")
        for step in ("+3600\n", "-600\n"):
            shift.write_text(step)
            seen = bot.price()["receivedAt"]
            eventually(lambda: bot.price()["receivedAt"] != seen)
            assert not threading.Event().wait(1.5)
            price = bot.price()
            assert price["trusted"] and price["ageMs"] < 800, price
        assert "Source switch" not in bot.log and "No source" not in bot.log
        assert bot.terminate() == 0


def test_a_peer_that_swallows_the_handshake_holds_up_nobody(tmp_path: Path) -> None:
    with raw_server(swallow) as server, Sandbox(rate=50) as sandbox:
        hung = {"BINANCE_WS_URL": f"ws://127.0.0.1:{server.port}"}
        with daemon(tmp_path, settings(sandbox) | hung) as bot:
            bot.wait_for("Active source for BTCUSDT: okx")
            assert bot.price()["exchange"] == "okx"
            bot.signal(signal.SIGTERM)
            assert bot.ended(5.0) == 0
