"""The systemd unit: is it there, the one that is shipped, enabled, running, or failing."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bot
from bot.doctor.finding import Finding, Report, fail, listed, ok, warn
from bot.doctor.rounds import Check
from bot.worker import Deadline

NAME = "unit"
UNIT = "autonomous-bot"
SECONDS = 6.0
REMEDY = "systemctl does not answer; is the system bus alive?"
ASK_S = 4.0
BOOTED = Path("/run/systemd/system")  # there while systemd runs the machine (sd_booted(3))
SHIPPED = Path(bot.__file__).parent.parent / "systemd" / f"{UNIT}.service"
PROPERTIES = ("LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts",
              "ExecMainStatus", "FragmentPath", "NeedDaemonReload", "StateChangeTimestamp",
              "EnvironmentFiles")
LOG = f"journalctl -u {UNIT} -n 50"
EX_CONFIG = "78"


def unit_checks() -> Iterator[Check]:
    yield Check(NAME, "", look, SECONDS, REMEDY)


def look(deadline: Deadline) -> Report:
    """Nothing where systemd does not run the machine."""
    if not BOOTED.is_dir():
        return Report()
    try:
        told = subprocess.run(
            ["systemctl", "show", UNIT, *(f"--property={name}" for name in PROPERTIES)],
            capture_output=True, text=True, timeout=ASK_S, env=os.environ | {"LC_ALL": "C"})
    except (OSError, subprocess.SubprocessError):
        return Report()
    state = dict(line.split("=", 1) for line in told.stdout.splitlines() if "=" in line)
    return Report(tuple(judged(state, _text(Path(state.get("FragmentPath") or "/nowhere")),
                               _text(SHIPPED))))


def judged(state: dict[str, str], installed: str | None, shipped: str | None) -> Iterator[Finding]:
    """state: what `systemctl show` says. installed, shipped: texts of the unit, where known."""
    if state.get("LoadState") == "not-found":
        yield ok(NAME, UNIT, "is not installed: the bot runs here only in the foreground")
        return
    yield _activity(state)
    if state.get("UnitFileState") not in ("enabled", "enabled-runtime", "static", "generated"):
        yield warn(NAME, UNIT, "is not enabled: after a reboot the bot does not run",
                   f"systemctl enable {UNIT}")
    if state.get("NeedDaemonReload") == "yes":
        yield warn(NAME, UNIT, "was changed on disk, and systemd has not read it yet",
                   "systemctl daemon-reload, then restart it")
    if installed is not None and shipped is not None:
        others = sorted(_directives(installed) ^ _directives(shipped))
        names = dict.fromkeys(line.partition("=")[0] for line in others)
        if names:
            yield warn(NAME, UNIT, f"differs from the one of this version in {listed(names)}",
                       f"compare with {SHIPPED}; what is yours belongs into a drop-in (systemctl "
                       f"edit {UNIT})")


def _activity(state: dict[str, str]) -> Finding:
    active, sub = state.get("ActiveState", "unknown"), state.get("SubState", "")
    restarts = state.get("NRestarts") or "0"
    ended = f"result {state.get('Result')}, exit status {state.get('ExecMainStatus')}"
    if active == "active":
        words = (f"runs since {state.get('StateChangeTimestamp')}, {restarts} restarts"
                 f"{_settings(state)}")
        if restarts != "0":
            return warn(NAME, UNIT, words, f"{LOG} says why it was restarted")
        return ok(NAME, UNIT, words)
    if active == "failed" or sub == "auto-restart" or active == "activating" and restarts != "0":
        remedy = "python -m bot check, with its settings, names the bad ones" if (
            state.get("ExecMainStatus") == EX_CONFIG) else LOG
        state_now = active if sub in ("", active) else f"{active} ({sub})"
        return fail(NAME, UNIT, f"is {state_now}, {restarts} restarts; {ended}{_settings(state)}",
                    f"{remedy}; then systemctl reset-failed {UNIT} and start it")
    if active == "inactive":
        return warn(NAME, UNIT, "is installed and does not run", f"systemctl start {UNIT}")
    return ok(NAME, UNIT, f"is {active} ({sub})")


def _settings(state: dict[str, str]) -> str:
    """Where the service has its settings, which need not be those that are checked here."""
    file = state.get("EnvironmentFiles", "").partition(" ")[0]
    return f"; its settings are in {file}" if file else ""


def _directives(text: str) -> set[str]:
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if "=" in line and not line.startswith(("#", ";"))}


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
