"""The command line: arguments, signals, exit codes."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING

from bot import __version__
from bot.ending import ended
from bot.errors import ConfigError, PortTakenError
from bot.logs.facts import facts

if TYPE_CHECKING:
    from bot.app import Bot

EX_OK = 0
EX_STUCK = 1
EX_UNAVAILABLE = 69  # this and the next two as in sysexits.h
EX_SOFTWARE = 70
EX_CONFIG = 78
LOG_END_S = 0.5
# timeout(1), make and some supervisors signal the process and its group: the same wish, twice
ONE_WISH_S = 0.1

# Verbs with modules of their own, each with add_arguments and run.
OF_THEIR_OWN = {
    "check": ("bot.verbs.check", "check the settings and print the effective ones"),
    "status": ("bot.verbs.status", "ask the running bot what it serves, once or again and again"),
    "price": ("bot.verbs.price", "ask the running bot for one price, and what it rests on"),
    "query": ("bot.verbs.query", "ask the record in SQL, whether the bot runs or not"),
    "export": ("bot.verbs.export",
               "a span of the record as a file: CSV, Parquet, or a record of its own"),
    "replay": ("bot.verbs.replay", "play the record through the judgement again, and compare"),
    "drill": ("bot.verbs.drill",
              "cut off a source of the running bot, and measure what readers see"),
    "doctor": ("bot.verbs.doctor", "check from here all that a bot with these settings needs"),
    "alert-test": ("bot.verbs.alert_test", "send a test message to whom alerts go"),
    "sandbox": ("bot.sandbox.command", "practice exchanges on loopback, with faults to throw"),
}

RUN_EPILOG = """\
examples:
  python -m bot run
  TRADING_SYMBOL=BTCUSDT,ETHUSDT ENABLE_WEBSOCKET_FEEDS=true python -m bot

`doctor` says beforehand what would keep it from working.

exit codes: 0 clean stop; 1 a thread did not stop in time; 69 the port is taken; 70 internal fault;
78 bad settings, each fault on a line
"""

log = logging.getLogger("bot")


def main(argv: list[str] | None = None) -> int:
    """Returns: the exit code."""
    words = sys.argv[1:] if argv is None else argv
    return ended(lambda: _done(words))


def _done(words: list[str]) -> int:
    arguments = _parser(words[:1]).parse_args(words)
    try:
        code: int = arguments.run(arguments)
        return code
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EX_CONFIG
    except ModuleNotFoundError as error:
        print(f"{error}: run `make run`, or `pip install -e .` in a virtual environment, "
              f"and use that Python", file=sys.stderr)
        return EX_SOFTWARE


def _parser(wanted: list[str]) -> argparse.ArgumentParser:
    """wanted: the verb, if there is one; only its own module is loaded."""
    parser = argparse.ArgumentParser(
        prog="autonomous-bot",
        description="One fresh and trustworthy price per symbol, from several exchanges.",
        epilog="Each verb has examples: `status --help`. "
               "Settings come from the environment and from .env; `check` shows them. Exit codes: "
               "0 clean stop, 1 a thread did not stop in time, 69 port taken or bot not reached, "
               "70 internal fault, 74 the output of a verb cannot be written, 78 bad settings, "
               "130 interrupted.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(run=_run)
    verbs = parser.add_subparsers(
        title="verbs",
        metavar=" | ".join(["run", *OF_THEIR_OWN]))
    verbs.add_parser("run", help="run the daemon until SIGTERM or SIGINT (the default)",
                     epilog=RUN_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    # the other verbs are imported when used: a daemon pays for none of them
    for verb, (module, about) in OF_THEIR_OWN.items():
        one = verbs.add_parser(verb, help=about,
                               formatter_class=argparse.RawDescriptionHelpFormatter)
        if verb in wanted:
            import_module(module).add_arguments(one)
        one.set_defaults(run=partial(_run_of, module))
    return parser


def _run(arguments: argparse.Namespace) -> int:
    from bot.config import doubled, load, misspelt
    config = load()
    from bot.app import Bot
    from bot.logs.writer import LogWriter
    writer = LogWriter(config.log_level, config.log_dir, config.log_format, config.instance_id)
    writer.start()
    for warning in misspelt():
        log.warning("⚠️ %s", warning, extra=facts("setting_unknown"))
    for warning in doubled():
        log.warning("⚠️ %s", warning, extra=facts("setting_doubled"))
    if writer.file_fault:
        log.warning("⚠️ %s", writer.file_fault, extra=facts("log_failed"))
    bot = Bot(config)
    _on_signals(bot.calls.put)
    code = _live(bot)
    writer.stop()
    if not writer.join(LOG_END_S):
        os._exit(code)  # stderr or the disk hangs, and the interpreter's own end would wait for it
    return code


def _live(bot: "Bot") -> int:
    try:
        ended = bot.run()
        code = EX_SOFTWARE if ended.startswith("internal fault") else EX_OK
        log.log(logging.ERROR if code else logging.INFO, "🏁 Ending: %s", ended,
                extra=facts("ending", reason=ended))
    except (PortTakenError, ConfigError) as error:
        log.error("❌ %s", error, extra=facts("not_started", reason=str(error)))
        return EX_UNAVAILABLE if isinstance(error, PortTakenError) else EX_CONFIG
    except Exception as error:
        log.exception("❌ internal fault in the main loop",
                      extra=facts("main_loop_failed", reason=str(error)))
        code = EX_SOFTWARE
    stuck = bot.stop()
    return EX_STUCK if stuck and not code else code


def _on_signals(call: Callable[[str], None]) -> None:
    """SIGTERM, SIGINT and SIGHUP call `call` once; the next one ends the process at once."""
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        now = monotonic()
        if not first:
            first.append(now)
            # SimpleQueue.put, which this is, may be called from a signal handler; Event.set may not
            call(signal.Signals(number).name)
        elif now - first[0] > ONE_WISH_S:
            os._exit(EX_STUCK)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # which is nohup's wish
        signal.signal(signal.SIGHUP, handle)


def _run_of(module: str, arguments: argparse.Namespace) -> int:
    code: int = import_module(module).run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
