"""The verb `drill`: have the running bot cut off a source, wait, and print what its readers saw."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from threading import Event
from typing import Any

import requests

from bot.config import Config, load
from bot.ending import interrupted
from bot.errors import BotError
from bot.feeds.drill import DrillFault
from bot.verbs.calling import base_url, call, read
from bot.verbs.printing import aligned
from bot.wording import worded

EX_OK = 0
EX_NOT_BACK = 1
EX_WRONG = 2
EX_UNREACHABLE = 69  # this and the next two as in sysexits.h
EX_BUSY = 75
EX_REFUSED = 77
EXIT_CODES = {400: EX_WRONG, 401: EX_REFUSED, 403: EX_REFUSED, 409: EX_BUSY}
PATH = "/api/v1/drill"
ANSWER_S = 3.0
LOOK_EVERY_S = 0.25
FAULTS: tuple[DrillFault, ...] = ("cut", "silence")
EPILOG = """\
example:
  python -m bot drill --source binance --fault cut --seconds 10

The running bot has to allow it, with ENABLE_DRILL=true and an API_TOKEN; here that token is needed.
cut: the connection is lost and none can be opened. silence: no data come, pings are answered;
shorter than MAX_SOURCE_LATENCY it goes unnoticed.

exit codes: 0 the source came back; 1 it did not, or the bot stopped meanwhile; 2 wrong arguments;
69 no bot reached; 75 another drill is under way; 77 not allowed; 78 bad settings; 130 interrupted
(the drill goes on in the bot)
"""


class Unanswered(BotError):
    """The bot did not do what was asked. code: the exit code that says so."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--source", help="whom to cut off (default: PRIMARY_EXCHANGE)")
    parser.add_argument("--fault", choices=FAULTS, default="cut", help="how (default: cut)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S",
                        help="for how long, 1 to 300 (default: 10)")
    parser.add_argument("--json", action="store_true", help="the answer as JSON, for scripts")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    source = arguments.source or config.primary_exchange
    wish = {"source": source, "fault": arguments.fault, "seconds": arguments.seconds}
    begun = False
    try:
        _ask(config, wish)
        begun = True
        if not arguments.json:
            print(f"{source}: {arguments.fault} for {arguments.seconds:g} s; wait until it is back",
                  file=sys.stderr)
        told = _outcome(config)
    except Unanswered as error:
        print(error, file=sys.stderr)
        return EX_NOT_BACK if begun else error.code
    except KeyboardInterrupt:
        return interrupted(f"interrupted; the drill {'goes on' if begun else 'may have begun'} in "
                           f"the bot: GET {PATH} tells")
    report: dict[str, Any] = told["report"] or {}
    print(json.dumps(told, indent=2) if arguments.json else "\n".join(_table(told, report)))
    return EX_OK if report.get("cameBack") and not report["interrupted"] else EX_NOT_BACK


def _outcome(config: Config) -> dict[str, Any]:
    """Raises: Unanswered."""
    while (told := _ask(config))["state"] == "running":
        Event().wait(LOOK_EVERY_S)
    return told


def _ask(config: Config, wish: dict[str, object] | None = None) -> dict[str, Any]:
    """POST a wish, or GET the state. Raises: Unanswered."""
    try:
        answer = call(config, PATH, ANSWER_S, wish)
        body = read(answer)
    except (requests.RequestException, ValueError) as error:
        raise Unanswered(f"no answer from a bot at {base_url(config)}: {worded(error)}",
                         EX_UNREACHABLE) from error
    if answer.ok and "state" not in body:
        raise Unanswered(f"what answers at {base_url(config)} is not the bot", EX_UNREACHABLE)
    if not answer.ok:
        detail = body.get("detail", f"HTTP status {answer.status_code}")
        raise Unanswered(f"the bot refuses: {detail}",
                         EXIT_CODES.get(answer.status_code, EX_UNREACHABLE))
    return body


def _table(told: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    yield f"{told['symbol']}, {told['source']} off ({told['fault']}, {told['seconds']:g} s)"
    if not report:
        yield "the drill failed; the log of the bot says why"
        return
    rows = [
        ["active source", " -> ".join(report[f"active{when}"] or "none"
                                      for when in ("Before", "During", "After"))],
        ["found unfit after", _figure(report["unfitAfterMs"], "ms")],
        ["switched after", _figure(report["switchedAfterMs"], "ms")],
        ["step in price", _figure(report["priceStepBps"], "bps")],
        ["without any price", _figure(report["blackoutAnyMs"], "ms")],
        ["without a trusted price", _figure(report["blackoutTrustedMs"], "ms")],
        ["oldest price served", _figure(report["worstAgeMs"], "ms")],
        ["served as", ", ".join(f"{status} {ms} ms" for status, ms in report["statuses"].items())],
        ["as before again after", _figure(report["backAfterMs"], "ms")],
        ["came back", "interrupted" if report["interrupted"] else
         "yes" if report["cameBack"] else "NO"],
    ]
    yield from aligned(rows)


def _figure(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value} {unit}"
