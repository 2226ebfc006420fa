"""Commands of systemd, asked what they know."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bot.errors import BotError

BOOTED = Path("/run/systemd/system")  # there while systemd runs the machine (sd_booted(3))
ASK_S = 4.0
BUS = "is the system bus alive (systemctl status dbus), and may this user talk to it?"


class Unasked(BotError):
    """A command could not be asked, or did not say what it is for: why, in words."""


def has_systemd() -> bool:
    return BOOTED.is_dir()


def properties(command: Sequence[str], wanted: str) -> dict[str, str]:
    """What a command prints in lines NAME=value. wanted: a name that must be among them.

    Raises: Unasked.
    """
    try:
        told = subprocess.run(command, capture_output=True, text=True, errors="replace",
                              timeout=ASK_S, env=os.environ | {"LC_ALL": "C"})
    except subprocess.TimeoutExpired as error:
        raise Unasked(f"{command[0]} gives no answer within {ASK_S:g} s") from error
    except OSError as error:
        raise Unasked(f"{command[0]}: {error.strerror}") from error
    found = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    if told.returncode != 0 or wanted not in found:
        said = " ".join(told.stderr.split()) or "nothing"
        raise Unasked(f"{command[0]} ended with {told.returncode} and said: {said[:120]}")
    return found
