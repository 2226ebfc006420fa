"""Examples of the API, taken from a bot on practice exchanges: one that fails over, and returns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import Daemon, daemon

Example = dict[str, Any]

SYMBOLS = ("BTCUSDT", "ETHUSDT")
TOKEN = "the-token-of-this-run"
KEY = {"Authorization": f"Bearer {TOKEN}"}
MOST = {"rows": 2, "legs": 1}  # of the elements of lists with these names
# method, path as described, and what is asked; in the order of docs/api.md
ASKED: tuple[tuple[str, str, str], ...] = (
    ("get", "/", "/"),
    ("get", "/healthz", "/healthz"),
    ("get", "/readyz", "/readyz"),
    ("get", "/api/v1/prices", "/api/v1/prices"),
    ("get", "/api/v1/prices/{symbol}", "/api/v1/prices/BTCUSDT"),
    ("get", "/api/v1/prices/{symbol}", "/api/v1/prices/BTC-USDT?explain=true"),
    ("get", "/api/v1/prices/{symbol}", "/api/v1/prices/BTCUSDT?max_age_ms=0"),
    ("get", "/api/v1/prices/{symbol}", "/api/v1/prices/DOGEUSDT"),
    ("get", "/api/websocket/health", "/api/websocket/health"),
    ("get", "/api/websocket/sources", "/api/websocket/sources"),
    ("get", "/api/websocket/active-source", "/api/websocket/active-source"),
    ("get", "/api/v1/incidents", "/api/v1/incidents?source=binance&limit=1"),
    ("get", "/api/v1/incidents", "/api/v1/incidents?limit=5000"),
    ("get", "/api/v1/availability", "/api/v1/availability"),
    ("get", "/api/v1/drill", "/api/v1/drill"),
    ("post", "/api/v1/drill", "/api/v1/drill"),
    ("get", "/api/v1/kafka", "/api/v1/kafka"),
    ("get", "/api/v1/recorder", "/api/v1/recorder"),
    ("post", "/api/v1/snapshot", "/api/v1/snapshot"),
    ("get", "/api/analytics", "/api/analytics"),
    ("get", "/api/analytics/candles",
     "/api/analytics/candles?symbol=BTCUSDT&exchange=okx&interval=1s"),
    ("get", "/api/analytics/candles",
     "/api/analytics/candles?symbol=BTCUSDT&exchange=okx&interval=1s&format=csv"),
    ("get", "/api/analytics/ticks", "/api/analytics/ticks?symbol=BTCUSDT&type=trade&limit=2"),
    ("get", "/api/analytics/spread", "/api/analytics/spread?symbol=BTCUSDT"),
    ("get", "/api/analytics/provenance", "/api/analytics/provenance?symbol=BTCUSDT"),
    ("get", "/api/analytics/latency", "/api/analytics/latency?exchange=okx"),
    ("get", "/api/analytics/incidents", "/api/analytics/incidents?exchange=binance"),
    ("get", "/api/analytics/summary", "/api/analytics/summary?symbol=BTCUSDT"),
    ("get", "/api/analytics/summary", "/api/analytics/summary?from=2026-01-01&to=2026-06-30"),
)
BODIES = {"/api/v1/drill": {"source": "binance", "fault": "cut", "seconds": 1},
          "/api/v1/snapshot": {}}


def taken(folder: Path) -> list[Example]:
    """Run a bot, and ask it. Takes half a minute."""
    more = {"ENABLE_WEBSOCKET_FEEDS": "true", "TRADING_SYMBOL": ",".join(SYMBOLS),
            "API_TOKEN": TOKEN, "ENABLE_DRILL": "true", "FAILBACK_AFTER": "1000",
            "INSTANCE_ID": "demo"}
    with Sandbox(rate=20) as sandbox, daemon(folder, sandbox.environment() | more) as bot:
        for symbol in SYMBOLS:
            bot.wait_for(f"{symbol} is served from websocket")
        eventually(lambda: _ask(bot, "get", "/api/v1/recorder").json()["written"] > 200)
        begun = _ask(bot, "post", "/api/v1/drill")
        eventually(lambda: _ask(bot, "get", "/api/v1/drill").json()["state"] == "done", 30)
        eventually(lambda: _ask(bot, "get", "/api/analytics/ticks").json()["rows"])
        found = list(_examples(bot, begun))
        assert bot.terminate() == 0
    return found


def _examples(bot: Daemon, begun: requests.Response) -> Iterator[Example]:
    for method, path, request in ASKED:
        # a second drill would be another one than the one shown
        answer = begun if (method, path) == ("post", "/api/v1/drill") else (
            _ask(bot, method, request))
        mimetype = answer.headers["Content-Type"].partition(";")[0]
        body = _shortened(answer.json()) if "json" in mimetype else _few_lines(answer.text)
        yield {"method": method, "path": path, "request": request,
               "sent": BODIES[path] if method == "post" else None,
               "status": answer.status_code, "mimetype": mimetype,
               "body": _placed(body, str(bot.folder))}


def _ask(bot: Daemon, method: str, request: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(
            method, f"http://127.0.0.1:{bot.port}{request}", headers=KEY, timeout=10,
            json=BODIES.get(request) if method == "post" else None)


def _shortened(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _shortened(value[:MOST[name]] if name in MOST else value)
                for name, value in body.items()}
    return body


def _few_lines(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:1 + MOST["rows"]])


def _placed(body: Any, folder: str) -> Any:
    """Where the unit of systemd keeps it, and not the folder of this run."""
    return json.loads(json.dumps(body).replace(f"{folder}/data", "/var/lib/autonomous-bot"))


def told(found: list[Example]) -> str:
    """An example a line, so that a change can be read."""
    lines = (json.dumps(one, ensure_ascii=False) for one in found)
    return "[\n" + ",\n".join(lines) + "\n]\n"
