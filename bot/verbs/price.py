"""The verb `price`: one price of the running bot, and with --explain every leg it rests on."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from urllib.parse import quote

import requests

from bot.config import load
from bot.verbs.calling import ask, unreachable
from bot.verbs.tables import leg_table, price_table

EX_OK = 0
EX_NO_PRICE = 1
MOST_DIGITS = 12  # as the API takes
EPILOG = """\
examples:
  python -m bot price BTCUSDT
  python -m bot price btc-usdt --explain
  python -m bot price BTCUSDT --max-age-ms 500 --json

exit codes: 0 a price; 1 none, with the reasons on stderr; 2 wrong arguments; 69 no bot reached; 74
the output cannot be written; 78 bad settings; 130 interrupted
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("symbol", help="in any spelling, such as BTC-USDT")
    parser.add_argument("--explain", action="store_true",
                        help="every leg: value, age, lag, clock, interval, verdict and why")
    parser.add_argument("--max-age-ms", type=_milliseconds, metavar="MS",
                        help="only a trusted real price that is not older")
    parser.add_argument("--json", action="store_true", help="as JSON, for scripts")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    limit = "" if arguments.max_age_ms is None else f"&max_age_ms={arguments.max_age_ms}"
    explain = "true" if arguments.explain else "false"
    try:
        body = ask(config, f"/api/v1/prices/{quote(arguments.symbol, safe='')}"
                           f"?explain={explain}{limit}")
    except (requests.RequestException, ValueError) as error:
        return unreachable(config, error)
    served = body.get("price") is not None
    if arguments.json:
        print(json.dumps(body, indent=2))
    elif served:
        print("\n".join(price_table([body]).lines()))
    else:
        print(body.get("detail") or body.get("title") or "no price", file=sys.stderr)
        for tier, why in body.get("reasons", {}).items():
            print(f"  {tier}: {why}", file=sys.stderr)
    if "explain" in body and not arguments.json:
        print("\n".join(["", *leg_table(body["explain"])]))
    return EX_OK if served else EX_NO_PRICE


def _milliseconds(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise ArgumentTypeError(f"must be a whole number of ms, 0 or more, got {text!r}")
    return int(text)
