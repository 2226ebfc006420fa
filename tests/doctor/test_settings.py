"""What is wrong with settings that can each be read."""

from pathlib import Path

import pytest

from bot.doctor.finding import Finding
from bot.doctor.settings import look, remarks
from bot.worker import Deadline
from tests.doctor.helpers import config, only
from tests.test_config import NO_FILE, SECRET, loaded

WELL = {"ENABLE_WEBSOCKET_FEEDS": "true"}


def remarked(**names: str) -> list[Finding]:
    return list(remarks(loaded(WELL | names), NO_FILE))


def test_the_defaults_with_feeds_give_no_warning() -> None:
    assert remarked() == []
    assert only(look(config(), Deadline(1.0))).level == "ok"


@pytest.mark.parametrize("names, subject, words", [
    ({"ENABLE_WEBSOCKET_FEEDS": "false", "ENABLE_OKX_LIVE": "false"}, "", "no source of real"),
    ({"ENABLE_WEBSOCKET_FEEDS": "false"}, "ENABLE_WEBSOCKET_FEEDS", "lower tiers only"),
    ({"EXCHANGES": "okx", "PRIMARY_EXCHANGE": "okx"}, "EXCHANGES", "okx alone"),
    ({"ENABLE_FAILOVER": "false"}, "ENABLE_FAILOVER", "not left"),
    ({"MAX_PRICE_AGE": "4000"}, "MAX_PRICE_AGE", "less than MAX_SOURCE_LATENCY"),
    ({"API_HOST": "0.0.0.0", "API_TOKEN": SECRET}, "API_HOST", "in the clear"),
    ({"OKX_WS_URL": "ws://ws.okx.example:8443"}, "okx", "not encrypted"),
    ({"BINANCE_REST_URL": "https://a.example,http://b.example"}, "binance", "http://b.example"),
    ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
      "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": SECRET}, "KAFKA_SECURITY_PROTOCOL",
     "not encrypted"),
    ({"ALERT_WEBHOOK_URL": "http://hook.example/secret"}, "ALERT_WEBHOOK_URL", "not encrypted"),
])
def test_each_doubtful_setting_has_its_warning_and_no_other(
    names: dict[str, str], subject: str, words: str
) -> None:
    (finding,) = remarked(**names)
    assert (finding.level, finding.subject) == ("warn", subject)
    assert words in finding.words and finding.remedy


def test_what_is_open_to_others_is_looked_at_more_closely() -> None:
    found = remarked(API_HOST="0.0.0.0", API_TOKEN="short", ENABLE_DRILL="true")
    assert [finding.subject for finding in found] == ["API_HOST", "API_TOKEN", "ENABLE_DRILL"]


def test_a_practice_exchange_on_loopback_needs_no_encryption() -> None:
    assert remarked(OKX_WS_URL="ws://127.0.0.1:1/", BINANCE_REST_URL="http://localhost:2") == []


def test_misspelt_names_of_the_file_are_told(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("TRADING_SYMBOLS=BTCUSDT\n")
    (finding,) = remarks(loaded(WELL), file)
    assert "TRADING_SYMBOL?" in finding.words


@pytest.mark.parametrize("mode, count", [(0o600, 0), (0o640, 1), (0o604, 1)])
def test_secrets_that_others_may_read_are_told(tmp_path: Path, mode: int, count: int) -> None:
    file = tmp_path / ".env"
    file.write_text("")
    file.chmod(mode)
    found = list(remarks(loaded(WELL | {"API_TOKEN": SECRET}), file))
    assert len(found) == count
    assert list(remarks(loaded(WELL), file)) == [], "without secrets anybody may"


def test_no_secret_is_told() -> None:
    found = remarked(API_HOST="0.0.0.0", API_TOKEN="t0psecret", ENABLE_DRILL="true",
                     ALERT_WEBHOOK_URL="http://hook.example/t0psecret")
    assert len(found) == 4 and "t0psecret" not in str(found)
