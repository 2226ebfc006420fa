"""The folder of the log, and where alerts go."""

import os
from pathlib import Path

import pytest

from bot.doctor import alerts, log_folder
from bot.logs.sinks import FILE_NAME
from bot.worker import Deadline
from tests.doctor.disks import read_only_disk
from tests.doctor.helpers import config, only

SOON = Deadline(1.0)


def test_a_folder_that_can_be_written_is_well(tmp_path: Path) -> None:
    assert only(log_folder.look(config(LOG_DIR=str(tmp_path)), SOON)).level == "ok"


def test_one_that_cannot_is_a_warning_for_the_bot_goes_on_without(tmp_path: Path) -> None:
    with read_only_disk(tmp_path / "disk") as disk:
        finding = only(log_folder.look(config(LOG_DIR=str(disk / "logs")), SOON))
    assert finding.level == "warn" and "stderr alone" in finding.words
    assert "LOG_DIR" in finding.remedy


def test_a_file_of_another_user_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE_NAME).write_text("")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write to any
    finding = only(log_folder.look(config(LOG_DIR=str(tmp_path)), SOON))
    assert finding.level == "warn" and "another user" in finding.words


def test_alerts_are_named_by_their_hosts_and_tell_no_secret() -> None:
    assert "none are told" in only(alerts.look(config(), SOON)).words
    settings = config(ALERT_WEBHOOK_URL="https://hooks.example/s3cret",
                      ALERT_TELEGRAM_TOKEN="123456:abcdefghijklmnop", ALERT_TELEGRAM_CHAT="-100123")
    found = alerts.look(settings, SOON).findings
    assert [finding.subject for finding in found] == ["hooks.example", "api.telegram.org"]
    assert all("alert-test" in finding.words for finding in found)
    assert "s3cret" not in str(found) and "abcdefghijklmnop" not in str(found)
