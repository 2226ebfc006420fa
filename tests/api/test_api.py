"""The running bot against its own description: asked for whatever that allows, and does not."""

import subprocess
import sys
from pathlib import Path

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import Daemon, daemon
from tests.test_daemon import settings

HERE = Path(__file__).parent
TOKEN = "the-token-of-this-test"
RUN = ("import sys; from schemathesis.cli import schemathesis; "
       "sys.argv[0] = 'st'; schemathesis()")
GIVE_UP_S = 240


def asked(bot: Daemon) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, "--config-file", str(HERE / "schemathesis.toml"), "run",
         f"http://127.0.0.1:{bot.port}/openapi.json", "-H", f"Authorization: Bearer {TOKEN}",
         "--max-examples", "50", "--continue-on-failure",
         "--warnings", "off", "--no-color"],
        cwd=bot.folder, capture_output=True, text=True, timeout=GIVE_UP_S)


def test_the_bot_answers_as_it_is_described_whatever_it_is_asked(tmp_path: Path) -> None:
    more = {"API_TOKEN": TOKEN, "ENABLE_DRILL": "true", "TRADING_SYMBOL": "BTCUSDT,ETHUSDT",
            "ALERT_WEBHOOK_URL": "http://127.0.0.1:9/nobody", "ALERT_MIN_SEVERITY": "info"}
    with Sandbox(rate=20) as sandbox, daemon(tmp_path, settings(sandbox, **more)) as bot:
        bot.wait_for("BTCUSDT is served from websocket")
        bot.wait_for("ETHUSDT is served from websocket")
        key = {"Authorization": f"Bearer {TOKEN}"}
        eventually(lambda: bot.get("/api/v1/recorder", headers=key).json()["written"] > 100)
        found = asked(bot)
        assert found.returncode == 0, found.stdout + found.stderr
        assert "Operations:       34 selected / 34 total" in found.stdout, found.stdout
        assert bot.get("/healthz").status_code == 200
        assert "Traceback" not in bot.log and "internal fault" not in bot.log
        assert bot.terminate() == 0
