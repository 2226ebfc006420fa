"""The verb `doctor`: what a bot with these settings needs, checked from here."""

import json
import logging
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Collection, Iterable
from time import monotonic

import msgspec

from bot.config import Config, load
from bot.doctor.finding import Finding, exit_code
from bot.doctor.plan import NAMES, checks, conclusions, unneeded
from bot.doctor.rounds import Round
from bot.doctor.screen import Screen

LOOK_EVERY_S = 0.1
LEVELS = ("ok", "warn", "fail")
EPILOG = f"""\
examples:
  python -m bot doctor
  python -m bot doctor --only dns,tls,rest,stream
  python -m bot doctor --json

Checks, all at the same time: {', '.join(NAMES[:9])},
{', '.join(NAMES[9:])}.
It is done within 20 s even when nothing answers, and can run beside the bot. Nothing is changed: no
message is published, no alert is sent; a file of 64 KB is written where the bot would write, and is
gone again. It looks with the settings of this environment and of .env here; for those of the
service:

  sudo sh -c 'set -a; DUCKDB_PATH=/var/lib/autonomous-bot/analytics.duckdb
      LOG_DIR=/var/log/autonomous-bot; . /etc/autonomous-bot.env
      exec /opt/autonomous-bot/.venv/bin/python -m bot doctor'

skip: not in use with these settings, or not to be looked at from here; it is no fault.

exit codes: 0 all is well; 1 warnings; 2 failures, or wrong arguments; 78 bad settings, each on a
line; 130 interrupted
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--only", type=_names, default=NAMES, metavar="NAME,...",
                        help="these checks and no others")
    parser.add_argument("--json", action="store_true", help="one object at the end, for scripts")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    logging.getLogger().addHandler(logging.NullHandler())  # what libraries say is in the findings
    screen = Screen(None if arguments.json else sys.stdout, sys.stderr)
    begun = monotonic()
    try:
        found = _examined(config, arguments.only, screen, begun)
    finally:
        screen.clear()
    screen.summary(found, monotonic() - begun)
    if arguments.json:
        print(json.dumps(told(found, monotonic() - begun), indent=2), flush=True)
    return exit_code(found)


def _examined(
    config: Config, only: Collection[str], screen: Screen, begun: float
) -> list[Finding]:
    """Check, and show each finding as it comes."""
    found: list[Finding] = []

    def take(findings: Iterable[Finding]) -> None:
        for finding in findings:
            found.append(finding)
            screen.tell(finding)

    planned = checks(config, only)
    take(unneeded(planned, only))
    going = Round(planned)
    while waiting := going.waiting:
        screen.progress(waiting, monotonic() - begun)
        take(going.poll(LOOK_EVERY_S))
    take(conclusions(config, going.reports, only))
    return found


def told(found: list[Finding], seconds: float) -> dict[str, object]:
    code = exit_code(found)
    return {"worst": LEVELS[code], "exitCode": code, "seconds": round(seconds, 3),
            "findings": [msgspec.to_builtins(finding) for finding in found]}


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in NAMES]
    if unknown or not names:
        raise ArgumentTypeError(f"must be among {', '.join(NAMES)}, got {text!r}")
    return names
