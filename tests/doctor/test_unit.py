"""The systemd unit, judged by what systemctl says of it."""

import pytest

from bot.doctor.unit import SHIPPED, judged, look
from bot.worker import Deadline
from tests.doctor.conftest import Command
from tests.doctor.helpers import only

WELL = {"LoadState": "loaded", "UnitFileState": "enabled", "ActiveState": "active",
        "SubState": "running", "Result": "success", "NRestarts": "0", "ExecMainStatus": "0",
        "NeedDaemonReload": "no", "StateChangeTimestamp": "Mon 2026-11-23 10:00:00 UTC"}
TEXT = "[Service]\nExecStart=/opt/x -m bot\n# WatchdogSec=9\nWatchdogSec=30\n"


def found(installed: str | None = TEXT, **changes: str) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.words, finding.remedy)
            for finding in judged(WELL | changes, installed, TEXT)]


def test_one_that_runs_is_well() -> None:
    assert found() == [("ok", "runs since Mon 2026-11-23 10:00:00 UTC, 0 restarts", "")]


def test_where_its_settings_are_is_said() -> None:
    ((_, words, _),) = found(EnvironmentFiles="/etc/autonomous-bot.env (ignore_errors=yes)")
    assert words.endswith("; its settings are in /etc/autonomous-bot.env")


def test_one_that_is_not_installed_is_no_fault() -> None:
    ((level, words, _),) = found(installed=None, LoadState="not-found")
    assert level == "ok" and "not installed" in words


@pytest.mark.parametrize("changes, level, words, remedy", [
    ({"NRestarts": "3"}, "warn", "3 restarts", "journalctl"),
    ({"ActiveState": "failed", "SubState": "failed", "Result": "exit-code",
      "ExecMainStatus": "78"}, "fail", "result exit-code, exit status 78", "bot check"),
    ({"ActiveState": "activating", "SubState": "auto-restart", "Result": "watchdog",
      "NRestarts": "9"}, "fail", "9 restarts; result watchdog", "journalctl"),
    ({"ActiveState": "inactive", "SubState": "dead"}, "warn", "does not run", "systemctl start"),
    ({"ActiveState": "deactivating", "SubState": "stop"}, "ok", "deactivating (stop)", ""),
])
def test_each_state_has_its_words_and_remedy(
    changes: dict[str, str], level: str, words: str, remedy: str
) -> None:
    ((seen, told, cure),) = found(**changes)
    assert seen == level and words in told and remedy in cure


def test_one_that_does_not_start_with_the_machine_is_a_warning() -> None:
    _, (level, words, remedy) = found(UnitFileState="disabled")
    assert level == "warn" and "not enabled" in words and "systemctl enable" in remedy


def test_one_that_was_changed_and_not_read_is_a_warning() -> None:
    _, (level, _, remedy) = found(NeedDaemonReload="yes")
    assert level == "warn" and "daemon-reload" in remedy


def test_what_differs_from_the_shipped_one_is_named() -> None:
    _, (level, words, remedy) = found(TEXT.replace("Sec=30", "Sec=5") + "Nice=5\n")
    assert level == "warn" and "in Nice, WatchdogSec" in words and "systemctl edit" in remedy
    assert len(found(TEXT + "# a comment\n\n")) == 1


def test_the_shipped_one_is_where_it_is_looked_for() -> None:
    assert "WatchdogSec=" in SHIPPED.read_text()


@pytest.mark.parametrize("more, lines", [
    ({}, 1), ({"ActiveState": "failed", "SubState": "failed"}, 1),
    ({"ActiveState": "active", "SubState": "running"}, 2)])
def test_a_masked_one_is_not_told_to_be_started_or_enabled(
    more: dict[str, str], lines: int
) -> None:
    idle = {"ActiveState": "inactive", "SubState": "dead"}
    found_so = found(**({"LoadState": "masked", "UnitFileState": "masked"} | idle | more))
    level, words, remedy = found_so[-1]
    assert level == "warn" and "is masked" in words and "systemctl unmask" in remedy
    assert not any(word in str(found_so) for word in ("systemctl start", "start it", "not enabled"))
    assert len(found_so) == lines, "that it runs since before is told too"


@pytest.mark.parametrize("state", ["bad-setting", "error"])
def test_one_that_cannot_be_loaded_is_a_failure(state: str) -> None:
    ((level, words, remedy),) = found(LoadState=state, ActiveState="inactive", SubState="dead",
                                      FragmentPath="/etc/systemd/system/x.service")
    assert level == "fail" and state in words
    assert "systemd-analyze verify /etc/systemd/system/x.service" in remedy


def test_where_there_is_no_systemd_it_says_so(without_systemd: None) -> None:
    finding = only(look(Deadline(5.0)))
    assert finding.level == "skip" and "no systemd here" in finding.words


def test_systemctl_is_asked_where_there_is(command: Command) -> None:
    command("systemctl", "echo LoadState=loaded; echo ActiveState=failed; echo ExecMainStatus=70; "
            "echo UnitFileState=enabled")
    finding = only(look(Deadline(5.0)))
    assert finding.level == "fail" and "exit status 70" in finding.words


@pytest.mark.parametrize("script, words", [
    ("exec sleep 60", "no answer within 0.2 s"),
    ("echo Failed to connect to bus: Host is down >&2; exit 1", "Failed to connect to bus"),
    ("exit 0", "ended with 0 and said: nothing"),
    ("echo LoadState=loaded; exit 4", "ended with 4"), (None, "systemctl: No such file")])
def test_a_systemctl_that_does_not_say_it_is_a_warning(
    command: Command, script: str | None, words: str
) -> None:
    command("systemctl", script)
    finding = only(look(Deadline(5.0)))
    assert finding.level == "warn" and "could not be asked about: systemctl" in finding.words
    assert words in finding.words and "bus" in finding.remedy
