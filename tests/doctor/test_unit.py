"""The systemd unit, judged by what systemctl says of it."""

from pathlib import Path

import pytest

from bot.doctor import unit
from bot.doctor.unit import SHIPPED, judged, look
from bot.worker import Deadline

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


def test_nothing_is_said_where_there_is_no_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "BOOTED", tmp_path / "nowhere")
    assert look(Deadline(5.0)).findings == ()


def test_systemctl_is_asked_where_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in on the PATH: this machine may have none that answers."""
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\necho LoadState=loaded\necho ActiveState=failed\n"
                       "echo ExecMainStatus=70\necho UnitFileState=enabled\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(unit, "BOOTED", tmp_path)
    (finding,) = look(Deadline(5.0)).findings
    assert finding.level == "fail" and "exit status 70" in finding.words


def test_a_systemctl_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(unit, "BOOTED", tmp_path)
    monkeypatch.setattr(unit, "ASK_S", 0.2)
    assert look(Deadline(5.0)).findings == ()
