"""Examples of the API, taken from a bot on practice exchanges: one that fails over, and returns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

from bot.sandbox.server import Sandbox
from bot.web.openapi.pages import FORM
from tests.alerts.receiver import receiver
from tests.api.cutting import Cut
from tests.helpers import eventually
from tests.processes import Daemon, daemon

Example = dict[str, Any]

SYMBOLS = ("BTCUSDT", "ETHUSDT")
TOKEN = "the-token-of-this-run"
KEY = {"Authorization": f"Bearer {TOKEN}"}
SHOWN = ("Location", "Set-Cookie")  # headers, where there is no answer but them
# method, path as described, and what is asked; in the order of docs/api.md
ASKED: tuple[tuple[str, str, str], ...] = (
    ("get", "/api", "/api"),
    ("get", "/healthz", "/healthz"),
    ("get", "/readyz", "/readyz"),
    ("get", "/metrics", "/metrics"),
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
    ("get", "/api/v1/alerts", "/api/v1/alerts"),
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
    ("get", "/", "/"),
    ("get", "/static/{name}", "/static/dashboard.css"),
    ("get", "/login", "/login"),
    ("post", "/login", "/login"),
    ("post", "/logout", "/logout"),
    ("get", "/api/v1/board", "/api/v1/board?symbol=ETHUSDT"),
    ("get", "/api/v1/trail", "/api/v1/trail"),
)
# as text it is a form
BODIES: dict[str, Any] = {
    "/api/v1/drill": {"source": "binance", "fault": "cut", "seconds": 1}, "/api/v1/snapshot": {},
    "/login": f"token={TOKEN}"}


def taken(folder: Path) -> list[Example]:
    """Run a bot, and ask it. Takes half a minute."""
    more = {"ENABLE_WEBSOCKET_FEEDS": "true", "TRADING_SYMBOL": ",".join(SYMBOLS),
            "API_TOKEN": TOKEN, "ENABLE_DRILL": "true", "FAILBACK_AFTER": "1000",
            "INSTANCE_ID": "demo"}
    with Sandbox(rate=20) as sandbox, receiver() as people, daemon(
            folder, sandbox.environment() | people.settings("webhook") | more) as bot:
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
        cut = Cut("" if answer.is_redirect else
                  answer.json() if "json" in mimetype else answer.text, mimetype)
        example = {"method": method, "path": path, "request": request,
                   "sent": BODIES.get(path) if method == "post" else None,
                   "status": answer.status_code, "mimetype": mimetype, "body": cut.body,
                   "cut": cut.note}
        if answer.is_redirect:
            example |= {"reason": answer.reason, "headers": {
                name: answer.headers[name] for name in SHOWN if name in answer.headers}}
        yield _placed(example, bot)


def _ask(bot: Daemon, method: str, request: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        sent = BODIES.get(request) if method == "post" else None
        form = {"Content-Type": FORM} if isinstance(sent, str) else {}
        return session.request(
            method, f"http://127.0.0.1:{bot.port}{request}", headers=KEY | form, timeout=10,
            allow_redirects=False, **{"data" if form else "json": sent})


def _placed(example: Example, bot: Daemon) -> Example:
    """Where the unit of systemd keeps its data, and the usual port, and not those of this run."""
    text = json.dumps(example).replace(f"{bot.folder}/data", "/var/lib/autonomous-bot")
    placed: Example = json.loads(text.replace(f"autonomous-bot-{bot.port}", "autonomous-bot-3001"))
    return placed


def told(found: list[Example]) -> str:
    """An example a line, so that a change can be read."""
    lines = (json.dumps(one, ensure_ascii=False) for one in found)
    return "[\n" + ",\n".join(lines) + "\n]\n"
