"""The verbs that look and do not run: check, status, price."""

import json
import sys
from argparse import Namespace
from typing import Any
from urllib.parse import quote

import requests

from bot.config import Config, effective, load, misspelt
from bot.verbs.calling import base_url, call, read
from bot.verbs.printing import aligned
from bot.wording import worded

EX_OK = 0
EX_NO_PRICE = 1
EX_UNREACHABLE = 69
ANSWER_S = 3.0


def check(arguments: Namespace) -> int:
    """Print the settings in force, secrets masked. Raises: ConfigError with every fault."""
    config = load()
    for name, value in effective(config):
        print(f"{name}={value}")
    if not (config.enable_websocket_feeds or config.enable_kafka or config.enable_okx_live):
        print("warning: no source of real prices is on; set ENABLE_WEBSOCKET_FEEDS, ENABLE_KAFKA "
              "or ENABLE_OKX_LIVE", file=sys.stderr)
    for warning in misspelt():
        print(f"warning: {warning}", file=sys.stderr)
    return EX_OK


def status(arguments: Namespace) -> int:
    """Ask the running bot, and print what it serves and from where."""
    config = load()
    try:
        health, prices, kafka, record = (_ask(config, path) for path in (
            "/api/websocket/health", "/api/v1/prices", "/api/v1/kafka", "/api/v1/recorder"))
    except (requests.RequestException, ValueError) as error:
        return _unreachable(config, error)
    if arguments.json:
        print(json.dumps({"health": health, "prices": prices.get("prices", []),
                          "kafka": kafka.get("links", []), "record": record}, indent=2))
    else:
        print("\n".join([*_price_table(prices.get("prices", [])), "", *_source_table(health),
                         *_link_table(kafka.get("links", [])), *_record_table(record)]))
    return EX_OK


def price(arguments: Namespace) -> int:
    """Ask the running bot for one price, and with --explain for every leg it rests on."""
    config = load()
    limit = "" if arguments.max_age_ms is None else f"&max_age_ms={arguments.max_age_ms}"
    explain = "true" if arguments.explain else "false"
    try:
        body = _ask(config, f"/api/v1/prices/{quote(arguments.symbol, safe='')}"
                            f"?explain={explain}{limit}")
    except (requests.RequestException, ValueError) as error:
        return _unreachable(config, error)
    served = body.get("price") is not None
    if arguments.json:
        print(json.dumps(body, indent=2))
    elif served:
        print("\n".join(_price_table([body])))
    else:
        print(body.get("detail") or body.get("title") or "no price", file=sys.stderr)
        for tier, why in body.get("reasons", {}).items():
            print(f"  {tier}: {why}", file=sys.stderr)
    if "explain" in body and not arguments.json:
        print("\n".join(["", *_leg_table(body["explain"])]))
    return EX_OK if served else EX_NO_PRICE


def _unreachable(config: Config, error: Exception) -> int:
    print(f"no answer from a bot at {base_url(config)}: {worded(error)}\n"
          f"Is it running (systemctl status autonomous-bot), and with these settings "
          f"(python -m bot check)?", file=sys.stderr)
    return EX_UNREACHABLE


def _ask(config: Config, path: str) -> dict[str, Any]:
    """Raises: requests.RequestException, ValueError for an answer that is not the bot's."""
    answer = call(config, path, ANSWER_S)
    if answer.status_code == 401:
        raise ValueError("something answers, but wants another API_TOKEN than the one set here")
    return read(answer)


def _price_table(prices: list[dict[str, Any]]) -> list[str]:
    rows = [["SYMBOL", "PRICE", "+-", "TIER", "EXCHANGE", "AGE ms", "STATUS", "REASON"]]
    for price in prices:
        if price["price"] is None:
            rows.append([price["symbol"], "-", "-", "-", "-", "-", "none", price["reason"]])
        else:
            exchange = price["exchange"] or "+".join(price.get("exchanges", [])) or "-"
            rows.append([price["symbol"], f"{price['price']:.10g}", _number(price["confidence"], 3),
                         price["source"], exchange, str(price["ageMs"]), price["status"],
                         price["reason"]])
    return aligned(rows)


def _leg_table(told: dict[str, Any]) -> list[str]:
    """Every leg: what it says, how old and how late, and the rule that took or refused it."""
    rows = [["LEG", "PRICE", "AGE ms", "LAG ms", "CLOCK ms", "LOW", "HIGH", "BASIS bps", "TAKEN",
             "RULE", "WHY"]]
    for leg in told["legs"]:
        name = leg["source"] + (" rest" if leg["kind"] == "rest" else "")
        held = f"; doubts {leg['held']:.10g}" if leg["held"] is not None else ""
        rows.append([
            name, _number(leg["price"], 10), _number(leg["ageMs"], 6), _number(leg["lagMs"], 6),
            _number(leg["offsetMs"], 6), _number(leg["low"], 8), _number(leg["high"], 8),
            _number(leg["basisBps"], 3), "yes" if leg["accepted"] else "no", leg["rule"],
            leg["words"] + held])
    return [f"active: {told['activeSource'] or 'none'} ({told['activeBecause']})",
            f"agreeing: {', '.join(told['agreeing']) or 'none'}; outvoted: "
            f"{', '.join(told['outside']) or 'none'}", *aligned(rows)]


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}g}"


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
    return [f"{health['instance']}: {state}, {health['updateCount']} updates", *aligned(rows)]


def _record_table(told: dict[str, Any]) -> list[str]:
    """Nothing where nothing is recorded."""
    if not told.get("enabled"):
        return []
    archive = told["archive"] or {}
    rows = [["RECORD", "WAITING", "WRITTEN", "REFUSED", "COMMIT ms", "FILE MB", "FREE MB",
             "ARCHIVED TO"],
            ["up" if told["active"] else "NOT recording", f"{told['waiting']}/{told['capacity']}",
             str(told["written"]), str(told["dropped"] + told["rejected"]),
             _number(told["commitLastMs"], 3),
             _megabytes(told["fileBytes"], told["walBytes"]), _megabytes(told["freeBytes"]),
             archive.get("lastDay") or "-"]]
    states = [] if told["state"] == "recording" else [f"state: {told['state']}"]
    if archive.get("state"):
        states.append(f"archive: {archive['state']}")
    return ["", *aligned(rows), *states]


def _megabytes(*sizes: int | None) -> str:
    return "-" if None in sizes else f"{sum(size or 0 for size in sizes) / 1e6:.1f}"


def _link_table(links: list[dict[str, Any]]) -> list[str]:
    """Nothing where Kafka is not used."""
    rows = [["KAFKA", "TOPIC", "STATE", "FOR s", "WAITING", "RECORDS"]]
    for link in links:
        state = {True: "up", False: "down", None: "connecting"}[link["up"]]
        counts = ", ".join(f"{count} {name}" for name, count in link["counts"].items() if count)
        rows.append([link["direction"], link["topic"],
                     state + (f": {link['reason']}" if link["reason"] else ""),
                     f"{link['forMs'] / 1000:.0f}", str(link["waiting"]), counts or "-"])
    return ["", *aligned(rows)] if links else []
