"""`python -m bot alert-test`, against receivers on loopback."""

from pathlib import Path

import pytest

from bot.__main__ import main
from tests.alerts.receiver import TOKEN, Receiver, receiver

NAMES = ("ALERT_WEBHOOK_URL", "ALERT_TELEGRAM_TOKEN", "ALERT_TELEGRAM_CHAT", "ALERT_TELEGRAM_URL",
         "ALERT_MIN_SEVERITY", "INSTANCE_ID")


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def run(monkeypatch: pytest.MonkeyPatch, server: Receiver, *forms: str,
        words: tuple[str, ...] = (), **settings: str) -> int:
    for name, value in (server.settings(*forms) | settings).items():
        monkeypatch.setenv(name, value)
    return main(["alert-test", *words])


def test_nobody_set_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alert-test"]) == 78
    told = capsys.readouterr().err
    assert "ALERT_WEBHOOK_URL" in told and "ALERT_TELEGRAM_CHAT" in told and "docs/" in told


@pytest.mark.parametrize("form", ["slack", "discord", "webhook"])
def test_everybody_gets_one_message_that_says_it_is_a_test(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as server:
        assert run(monkeypatch, server, form, "telegram", words=("--severity", "critical")) == 0
        assert [post.form for post in server.posts] == [form, "telegram"]
        for post in server.posts:
            assert "TEST (critical)" in post.text.replace("\\", "") and not post.fault
    told = capsys.readouterr().out
    assert told.count(": ok, ") == 2 and " ms" in told
    assert "Secret" not in told and TOKEN not in told


def test_what_is_refused_is_told_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as server:
        server.refusals.append((404, {}, b"no_service"))
        assert run(monkeypatch, server, "slack", "telegram") == 1
    slack, telegram = capsys.readouterr().out.splitlines()
    assert "answered 404 (no_service)" in slack and "make a new one" in slack
    assert telegram.startswith("telegram") and ": ok, " in telegram


def test_a_wish_to_wait_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as server:
        server.refusals.append((429, {"Retry-After": "9"}, b""))
        assert run(monkeypatch, server, "webhook") == 1
    assert "try again in 9 s" in capsys.readouterr().out


def test_nobody_there_is_told_without_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "http://127.0.0.1:1/hooks/SecretHook")
    assert main(["alert-test"]) == 1
    assert capsys.readouterr().out == (
        "webhook (127.0.0.1:1): not sent: Connection refused; look at ALERT_WEBHOOK_URL, whether "
        "that listens, and at firewall and HTTPS_PROXY\n")


def test_a_telegram_that_cannot_be_reached_has_its_own_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as server:
        assert run(monkeypatch, server, "telegram", ALERT_TELEGRAM_URL="http://127.0.0.1:1") == 1
    assert "Connection refused; look at the network of this machine" in capsys.readouterr().out


def test_below_what_is_told_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiver() as server:
        assert run(monkeypatch, server, "webhook", words=("--severity", "info")) == 0
        assert server.posts[0].body["event"] == "test"
    assert "ALERT_MIN_SEVERITY=warning" in capsys.readouterr().out


def test_bad_settings_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_WEBHOOK_URL", "nonsense")
    assert main(["alert-test"]) == 78


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["alert-test", "--help"])
    assert "python -m bot alert-test --severity critical" in capsys.readouterr().out
