"""The verb `check`: the settings in force, and what is wrong with them."""

import sys
from argparse import ArgumentParser, Namespace

from bot.config import effective, load
from bot.doctor.machine import limits, versions
from bot.doctor.settings import remarks
from bot.worker import Deadline

EX_OK = 0
QUICK_S = 5.0
EPILOG = """\
examples:
  python -m bot check
  TRADING_SYMBOL=ETH-USDT python -m bot check > effective.env

Prints every setting as it would stand in the file, secrets masked; warnings go to stderr. Nothing
is connected or opened; `doctor` tries what the settings name.

exit codes: 0 the settings can be used; 78 bad settings, each fault on a line
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG


def run(arguments: Namespace) -> int:
    """Raises: ConfigError with every fault."""
    config = load()
    for name, value in effective(config):
        print(f"{name}={value}")
    here = (versions(Deadline(QUICK_S)), limits(Deadline(QUICK_S)))
    for finding in (*remarks(config), *(one for report in here for one in report.findings)):
        if finding.level != "ok":
            subject = f"{finding.subject} " if finding.subject else ""
            print(f"warning: {subject}{finding.words}; {finding.remedy}", file=sys.stderr)
    return EX_OK
