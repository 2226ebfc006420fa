"""The systemd unit: is it there, the one that is shipped, enabled, running, or failing."""

from collections.abc import Iterator
from pathlib import Path

import bot
from bot.doctor.commands import BUS, Unasked, has_systemd, properties
from bot.doctor.finding import Finding, Report, fail, listed, ok, skip, warn
from bot.doctor.rounds import Check
from bot.worker import Deadline

NAME = "unit"
UNIT = "autonomous-bot"
SECONDS = 6.0
SHIPPED = Path(bot.__file__).parent.parent / "systemd" / f"{UNIT}.service"
PROPERTIES = ("LoadState", "UnitFileState", "ActiveState", "SubState", "Result", "NRestarts",
              "ExecMainStatus", "FragmentPath", "NeedDaemonReload", "StateChangeTimestamp",
              "EnvironmentFiles")
LOG = f"journalctl -u {UNIT} -n 50"
EX_CONFIG = "78"
UNUSABLE = ("masked", "bad-setting", "error")  # LoadState


def unit_checks() -> Iterator[Check]:
    yield Check(NAME, "", look, SECONDS, BUS)


def look(deadline: Deadline) -> Report:
    if not has_systemd():
        return Report((skip(NAME, UNIT, "no systemd here, so no unit runs the bot"),))
    try:
        state = properties(["systemctl", "show", UNIT, f"--property={','.join(PROPERTIES)}"],
                           "LoadState")
    except Unasked as error:
        return Report((warn(NAME, UNIT, f"could not be asked about: {error}", BUS),))
    return Report(tuple(judged(state, _text(Path(state.get("FragmentPath") or "/nowhere")),
                               _text(SHIPPED))))


def judged(state: dict[str, str], installed: str | None, shipped: str | None) -> Iterator[Finding]:
    """state: what `systemctl show` says. installed, shipped: texts of the unit, where known."""
    if state.get("LoadState") == "not-found":
        yield ok(NAME, UNIT, "is not installed: the bot runs here only in the foreground")
        return
    if state.get("LoadState") in UNUSABLE:
        yield from _unusable(state)
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


def _unusable(state: dict[str, str]) -> Iterator[Finding]:
    """Of a unit that systemd cannot start, though it may run since before."""
    if state.get("ActiveState") == "active":  # what helps others if not does not help this one
        yield _activity(state)
    if state["LoadState"] == "masked":
        yield warn(NAME, UNIT, "is masked: it cannot be started, nor does it start with the "
                   "machine", f"systemctl unmask {UNIT}, then systemctl enable --now {UNIT}")
    else:
        yield fail(NAME, UNIT, f"cannot be loaded: {state['LoadState']}",
                   f"systemd-analyze verify {state.get('FragmentPath') or UNIT} says why; then "
                   "systemctl daemon-reload")


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
