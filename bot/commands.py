"""The verbs that look and do not run: check, status."""

import json
import sys
from argparse import Namespace
from typing import Any

import requests

from bot.config import Config, effective, load, misspelt
from bot.wording import worded

EX_OK = 0
EX_UNREACHABLE = 69
ANSWER_S = 3.0


def check(arguments: Namespace) -> int:
    """Print the settings in force, secrets masked. Raises: ConfigError with every fault."""
    config = load()
    for name, value in effective(config):
        print(f"{name}={value}")
    for warning in misspelt():
        print(f"warning: {warning}", file=sys.stderr)
    return EX_OK


def status(arguments: Namespace) -> int:
    """Ask the running bot, and print what it serves and from where."""
    config = load()
    try:
        health, prices = (_ask(config, path) for path in ("/api/websocket/health",
                                                          "/api/v1/prices"))
    except (requests.RequestException, ValueError) as error:
        print(f"no answer from a bot at {_base(config)}: {worded(error)}\n"
              f"Is it running (systemctl status autonomous-bot), and with these settings "
              f"(python -m bot check)?", file=sys.stderr)
        return EX_UNREACHABLE
    if arguments.json:
        print(json.dumps({"health": health, "prices": prices.get("prices", [])}, indent=2))
    else:
        print("\n".join([*_price_table(prices.get("prices", [])), "", *_source_table(health)]))
    return EX_OK


def _base(config: Config) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.api_host, config.api_host)
    return f"http://[{host}]:{config.api_port}" if ":" in host else (
        f"http://{host}:{config.api_port}")


def _ask(config: Config, path: str) -> dict[str, Any]:
    """Raises: requests.RequestException, ValueError for an answer that is not the bot's."""
    headers = {"Authorization": f"Bearer {config.api_token}"} if config.api_token else {}
    with requests.Session() as session:
        session.trust_env = False  # the bot is asked directly, whatever proxy the feeds need
        answer = session.get(_base(config) + path, headers=headers, timeout=ANSWER_S)
    if answer.status_code == 401:
        raise ValueError("something answers, but wants another API_TOKEN than the one set here")
    body = answer.json()
    if not isinstance(body, dict):
        raise ValueError("the answer is not the bot's")
    return body


def _price_table(prices: list[dict[str, Any]]) -> list[str]:
    rows = [["SYMBOL", "PRICE", "TIER", "EXCHANGE", "AGE ms", "TRUSTED", "REASON"]]
    for price in prices:
        if price["price"] is None:
            rows.append([price["symbol"], "-", "-", "-", "-", "no", price["reason"]])
        else:
            exchange = price["exchange"] or "+".join(price.get("exchanges", [])) or "-"
            rows.append([price["symbol"], f"{price['price']:.10g}", price["source"], exchange,
                         str(price["ageMs"]), "yes" if price["trusted"] else "no",
                         price["reason"]])
    return _aligned(rows)


def _source_table(health: dict[str, Any]) -> list[str]:
    if "sources" not in health:
        return [f"feeds: {health.get('error', 'not known')}"]
    rows = [["SOURCE", "STATE", "PING ms", "UPDATES", "ERRORS"]]
    for source in health["sources"]:
        active = " (active)" if source["exchange"] == health["activeSource"] else ""
        rows.append([source["exchange"], ("up" if source["connected"] else "down") + active,
                     "-" if source["latency"] is None else str(source["latency"]),
                     str(source["messagesReceived"]), str(source["errors"])])
    state = "healthy" if health["healthy"] else "NOT healthy"
    return [f"{health['instance']}: {state}, {health['updateCount']} updates", *_aligned(rows)]


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]
