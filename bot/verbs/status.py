"""The verb `status`: what the running bot serves and from where, once or again and again."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

import requests

from bot.config import load
from bot.verbs.calling import unreachable
from bot.verbs.looking import look
from bot.verbs.picture import page
from bot.verbs.terminal import has_colours, size
from bot.verbs.watching import watch

EX_OK = 0
SHORTEST_S, LONGEST_S = 0.2, 3600.0
EPILOG = """\
examples:
  python -m bot status
  python -m bot status --watch
  python -m bot status --watch 5
  python -m bot status --json
  python -m bot status --watch 10 --json >> status.jsonl

A source may be up and yet not be used: the column WHY says what is held against it. With --watch
the screen is drawn anew until Ctrl-C, and a bot that does not answer is asked again. NO_COLOR is
heeded.

exit codes: 0 answered; 2 wrong arguments; 69 no bot reached (not with --watch, which goes on
trying); 74 the output cannot be written; 78 bad settings; 130 interrupted by Ctrl-C (--watch: by
SIGTERM 143)
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("--watch", type=_seconds, nargs="?", const=1.0, metavar="S",
                        help="go on, every S seconds (default: 1)")
    parser.add_argument("--json", action="store_true",
                        help="one object, for scripts; with --watch one line each time")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    if arguments.watch is not None:
        return watch(config, arguments.watch, arguments.json)
    try:
        seen = look(config)
    except (requests.RequestException, ValueError) as error:
        return unreachable(config, error)
    width = size()[0] if sys.stdout.isatty() else None
    print(json.dumps(seen.told(), indent=2) if arguments.json else
          "\n".join(page(seen, width, has_colours(sys.stdout))))
    return EX_OK


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise ArgumentTypeError(f"must be from {SHORTEST_S:g} to {LONGEST_S:g} s, got {text!r}")
    return seconds
