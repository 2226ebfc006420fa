"""The daemon on a disk that stops answering: prices and API do not notice, and say so."""

import json
import time
from pathlib import Path

from bot.verbs.tables import record_table
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import daemon
from tests.record.test_faults import shim  # noqa: F401  # a fixture
from tests.test_daemon import settings


def test_a_stuck_disk_delays_no_price_and_is_seen(tmp_path: Path, shim: Path) -> None:  # noqa: F811
    faults = tmp_path / "faults"
    faults.write_text("")
    more = {"LD_PRELOAD": str(shim), "FAULTS": str(faults), "HEALTH_CHECK_INTERVAL": "500"}
    with Sandbox(rate=50) as sandbox, daemon(tmp_path, settings(sandbox, **more)) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.json("/api/v1/recorder")["written"] > 50)
        faults.write_text("slow 8")
        eventually(lambda: "the disk is slow" in bot.json("/api/v1/recorder")["state"], 15)
        for _ in range(20):
            began = time.monotonic()
            price = bot.price()
            assert price["trusted"] and price["ageMs"] < 800, price
            assert time.monotonic() - began < 1.0
        assert not bot.json("/api/v1/recorder")["active"]
        assert bot.json("/api/v1/recorder")["lostWindowMs"] > 5_000
        bot.wait_for("not recording: the disk is slow")
        faults.write_text("")
        eventually(lambda: bot.json("/api/v1/recorder")["state"] == "recording", 20)
        assert bot.json("/api/v1/recorder")["dropped"] == 0
        assert "NOT healthy" not in bot.log and "Source switch" not in bot.log
        assert bot.terminate() == 0


def test_the_status_verb_has_a_line_for_the_record(tmp_path: Path) -> None:
    with Sandbox(rate=50) as sandbox, daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.json("/api/v1/recorder")["written"] > 50)
        here = settings(sandbox, API_PORT=str(bot.port))
        with daemon(tmp_path, here, "status", "--json") as asked:
            assert asked.process.stdout is not None
            record = json.loads(asked.process.stdout.read())["record"]
        assert (record["enabled"], record["active"], record["state"]) == (True, True, "recording")
        assert record["archive"] == {"lastDay": None, "state": None}
        with daemon(tmp_path, here, "status") as asked:
            assert asked.process.stdout is not None
            table = asked.process.stdout.read()
        assert "RECORD  WAITING" in table and "\nup " in table
        assert bot.terminate() == 0


def test_a_record_in_trouble_is_put_in_words() -> None:
    told = {"enabled": True, "active": False, "state": "disk full", "waiting": 5, "capacity": 10,
            "written": 1, "dropped": 2, "rejected": 1, "commitLastMs": None, "fileBytes": 2_000_000,
            "walBytes": 500_000, "freeBytes": None,
            "archive": {"lastDay": "2026-11-21", "state": "no room"}}
    table = record_table(told)
    assert table is not None and table.lines() == [
        "RECORD         WAITING  WRITTEN  REFUSED  COMMIT ms  FILE MB  FREE MB  ARCHIVED TO  STATE",
        "NOT recording  5/10     1        3        -          2.5      -        2026-11-21   "
        "disk full; archive: no room"]
    assert record_table({"enabled": False}) is None
