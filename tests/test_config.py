"""Settings: environment and `.env` -> Config, or every fault at once."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.config import SETTINGS, Config, doubled, effective, load, misspelt
from bot.errors import ConfigError
from bot.setting import MASK

# name -> default, as the contract has them; a switch that is off is written false
DEFAULTS = {
    "MODE": "simulation", "INSTANCE_ID": "primary", "TRADING_SYMBOL": "BTCUSDT",
    "ENABLE_WEBSOCKET_FEEDS": "false", "EXCHANGES": "binance,okx", "PRIMARY_EXCHANGE": "binance",
    "ENABLE_FAILOVER": "true", "CONFLICT_RESOLUTION": "primary", "MAX_SOURCE_LATENCY": "5000",
    "MAX_PRICE_AGE": "10000", "HEALTH_CHECK_INTERVAL": "10000", "FAILBACK_AFTER": "10000",
    "MAX_CONNECTION_AGE": "82800000",
    "POLL_INTERVAL": "1000", "BINANCE_WS_URL": "wss://stream.binance.com:9443",
    "BINANCE_REST_URL": "https://api.binance.com",
    "OKX_WS_URL": "wss://ws.okx.com:8443/ws/v5/public", "OKX_REST_URL": "https://www.okx.com",
    "ENABLE_KAFKA": "false", "KAFKA_BROKERS": "localhost:9092",
    "KAFKA_TOPIC": "crypto-market-data", "KAFKA_PUBLISH_TOPIC": "",
    "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT", "KAFKA_SASL_MECHANISM": "", "KAFKA_SASL_USERNAME": "",
    "KAFKA_SASL_PASSWORD": "", "KAFKA_SSL_CAFILE": "", "ENABLE_OKX_LIVE": "true",
    "ENABLE_DUCKDB": "true", "DUCKDB_PATH": "data/analytics.duckdb", "ARCHIVE_DIR": "",
    "RETENTION_DAYS": "30", "ENABLE_ML": "false",
    "API_HOST": "127.0.0.1", "API_PORT": "3001", "API_TOKEN": "",
    "ENABLE_DRILL": "false", "ALERT_WEBHOOK_URL": "", "ALERT_TELEGRAM_TOKEN": "",
    "ALERT_TELEGRAM_CHAT": "", "ALERT_TELEGRAM_URL": "https://api.telegram.org",
    "ALERT_MIN_SEVERITY": "warning", "LOG_LEVEL": "INFO", "LOG_FORMAT": "text",
    "LOG_DIR": "logs",
}
NO_FILE = Path("/nowhere/.env")
SECRET = "correct-horse-battery"


def loaded(environ: Mapping[str, str] | None = None, **names: str) -> Config:
    return load({**(environ or {}), **names}, NO_FILE)


def faults(env_file: Path = NO_FILE, **names: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(names, env_file)
    return caught.value.faults


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_every_setting_of_the_contract_exists_with_its_default() -> None:
    assert dict(effective(loaded())) == DEFAULTS
    assert {name: row.default for name, row in SETTINGS.items()} == DEFAULTS


@pytest.mark.parametrize("there, absent", [("TOKEN", "CHAT"), ("CHAT", "TOKEN")])
def test_telegram_wants_both_or_neither(there: str, absent: str) -> None:
    values = {"TOKEN": "123456:AAE-x_yzABCdef", "CHAT": "-100123"}
    (line,) = faults(NO_FILE, **{f"ALERT_TELEGRAM_{there}": values[there]})
    assert line.startswith(f"ALERT_TELEGRAM_{absent}: must be set with ALERT_TELEGRAM_{there}")
    assert loaded({f"ALERT_TELEGRAM_{name}": value for name, value in values.items()})


@pytest.mark.parametrize("name, value", [
    ("ALERT_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/hush"),
    ("ALERT_TELEGRAM_TOKEN", "123456:AAE-x_yzABCdef")])
def test_the_addresses_of_alerts_are_secrets(name: str, value: str) -> None:
    config = loaded({"ALERT_TELEGRAM_CHAT": "42", "ALERT_TELEGRAM_TOKEN": "123:AAE-x_yzABC"},
                    **{name: value})
    assert dict(effective(config))[name] == MASK and value not in repr(config)
    assert all("hush" not in line for line in faults(NO_FILE, **{name: "hush hush"}))


@pytest.mark.parametrize("name", DEFAULTS)
def test_empty_means_unset(name: str) -> None:
    """D020, D022."""
    assert loaded({name: ""}) == loaded({name: "  "}) == loaded()


@pytest.mark.parametrize("name, text, field, value", [
    ("MODE", "paper_trading", "mode", "paper_trading"),
    ("MODE", "BackTest", "mode", "backtest"),
    ("ENABLE_WEBSOCKET_FEEDS", "TRUE", "enable_websocket_feeds", True),
    ("ENABLE_FAILOVER", "False", "enable_failover", False),
    ("PRIMARY_EXCHANGE", "okx", "primary_exchange", "okx"),
    ("PRIMARY_EXCHANGE", "OKX", "primary_exchange", "okx"),
    ("EXCHANGES", "okx, binance", "exchanges", ("okx", "binance")),
    ("CONFLICT_RESOLUTION", "latest", "conflict_resolution", "latest"),
    ("CONFLICT_RESOLUTION", "average", "conflict_resolution", "average"),
    ("FAILBACK_AFTER", "0", "failback_after_ms", 0),  # K11: zero can be set
    ("API_PORT", "8080", "api_port", 8080),
    ("KAFKA_PUBLISH_TOPIC", "out", "kafka_publish_topic", "out"),
    ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("DUCKDB_PATH", "/x/y.duckdb", "duckdb_path", Path("/x/y.duckdb")),
])
def test_setting_is_read(name: str, text: str, field: str, value: Any) -> None:
    assert getattr(loaded({name: text}), field) == value


@pytest.mark.parametrize("text, names", [
    ("BTC-USDT", ["BTCUSDT"]), ("btc/usdt", ["BTCUSDT"]),
    ("ETH-USD, BTCUSDT,sol_usdc", ["ETHUSD", "BTCUSDT", "SOLUSDC"]),
])
def test_symbols_keep_their_order_and_lose_their_spelling(text: str, names: list[str]) -> None:
    """D116, K1."""
    assert [symbol.name for symbol in loaded(TRADING_SYMBOL=text).symbols] == names


def test_urls_belong_to_their_exchange() -> None:
    config = loaded(BINANCE_WS_URL="ws://a:1,ws://b:2", OKX_REST_URL="http://c:3")
    assert config.ws_urls["binance"] == ("ws://a:1", "ws://b:2")
    assert config.rest_urls["okx"] == ("http://c:3",)
    assert config.ws_urls["okx"] == (DEFAULTS["OKX_WS_URL"],)


@pytest.mark.parametrize("name, text, fault", [
    ("ENABLE_WEBSOCKET_FEEDS", "yes", "must be true or false, got 'yes'"),
    ("ENABLE_FAILOVER", "1", "must be true or false, got '1'"),
    ("PRIMARY_EXCHANGE", "binanse", "did you mean binance?), got 'binanse'"),
    ("CONFLICT_RESOLUTION", "median", "must be one of primary, latest, average, got 'median'"),
    ("EXCHANGES", "binance,kraken",
     "must be one of binance, okx; 'kraken' is none of them, got 'binance,kraken'"),
    ("TRADING_SYMBOL", "BTC", "write it as BTC-USDT"),
    ("MAX_SOURCE_LATENCY", "-1", "must be between 1 and 86400000 ms, got '-1'"),
    ("MAX_SOURCE_LATENCY", "9" * 20, "must be between 1 and 86400000 ms, got '9999"),
    ("MAX_SOURCE_LATENCY", "9" * 9999, "must be between 1 and 86400000 ms, got '9999"),
    ("MAX_PRICE_AGE", "soon", "must be a whole number of ms, got 'soon'"),
    ("API_PORT", "65536", "must be between 1 and 65535"),
    ("OKX_WS_URL", "https://ws.okx.com", "must be URLs that begin with ws:// or wss://"),
    ("KAFKA_BROKERS", "localhost", "must be host:port"),
    ("LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
])
def test_bad_value_is_named_with_what_would_be_right(name: str, text: str, fault: str) -> None:
    (line,) = faults(NO_FILE, **{name: text})
    assert line.startswith(f"{name}: ") and fault in line


def test_live_is_refused_with_a_clear_message() -> None:
    (line,) = faults(MODE="live")
    assert "trades real money and is refused" in line and "paper_trading" in line


def test_all_faults_are_reported_at_once() -> None:
    lines = faults(MODE="fast", TRADING_SYMBOL="?", EXCHANGES="x", API_PORT="0", POLL_INTERVAL="1",
                   API_HOST="0.0.0.0", ENABLE_ML="on")
    assert [line.split(":")[0] for line in lines] == [
        "MODE", "TRADING_SYMBOL", "EXCHANGES", "POLL_INTERVAL", "ENABLE_ML", "API_PORT",
        "API_TOKEN"]


def test_fault_is_one_line_however_long_and_odd_the_value() -> None:
    (line,) = faults(MODE="x\n" * 5000)
    assert "\n" not in line and len(line) < 300


def test_primary_must_be_among_the_exchanges() -> None:
    """K13."""
    (line,) = faults(EXCHANGES="okx")
    assert line == "PRIMARY_EXCHANGE: must be one of EXCHANGES (okx), got 'binance'"
    assert loaded(EXCHANGES="okx", PRIMARY_EXCHANGE="okx").exchanges == ("okx",)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "bot.example.org"])
def test_api_beyond_this_machine_needs_a_token(host: str) -> None:
    (line,) = faults(API_HOST=host)
    assert line.startswith("API_TOKEN: must be set") and host in line
    assert not loaded(API_HOST=host, API_TOKEN=SECRET).api_is_local


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_api_on_this_machine_needs_none(host: str) -> None:
    assert loaded(API_HOST=host).api_is_local


def test_secret_is_masked_in_the_effective_settings() -> None:
    lines = dict(effective(loaded(API_TOKEN=SECRET)))
    assert lines["API_TOKEN"] == MASK
    assert SECRET not in str(lines)


def test_secret_is_masked_in_its_own_fault() -> None:
    (line,) = faults(API_TOKEN=SECRET * 50)
    assert SECRET not in line and MASK in line


@pytest.mark.parametrize("token", ["two words", "schlüssel", "tab\there"])
def test_secret_that_no_header_can_carry_is_a_fault(token: str) -> None:
    (line,) = faults(API_TOKEN=token)
    assert line.startswith("API_TOKEN: ") and token not in line


def test_effective_settings_read_back_as_the_same_config() -> None:
    config = loaded(TRADING_SYMBOL="eth-usd,BTC/USDT", ENABLE_FAILOVER="FALSE", LOG_LEVEL="error",
                    BINANCE_WS_URL="ws://a:1, ws://b:2", EXCHANGES="okx,binance")
    assert loaded(dict(effective(config))) == config


def test_environment_wins_over_the_file(env_file: Path) -> None:
    """D116."""
    env_file.write_text("INSTANCE_ID=from-file\nAPI_PORT=4000\n")
    config = load({"INSTANCE_ID": "from-environment"}, env_file)
    assert (config.instance_id, config.api_port) == ("from-environment", 4000)


def test_empty_in_the_environment_leaves_the_word_to_the_file(env_file: Path) -> None:
    env_file.write_text("INSTANCE_ID=from-file\nAPI_PORT=\n")
    config = load({"INSTANCE_ID": ""}, env_file)
    assert (config.instance_id, config.api_port) == ("from-file", 3001)


def test_file_is_plain_lines_with_quotes_comments_and_no_interpolation(env_file: Path) -> None:
    env_file.write_text("# comment\nexport INSTANCE_ID='a b'  # why\nAPI_TOKEN=pa$HOME${HOME}\n"
                        "NOT_OURS\n")
    config = load({}, env_file)
    assert (config.instance_id, config.api_token) == ("a b", "pa$HOME${HOME}")


def test_file_does_not_leak_into_the_environment(env_file: Path) -> None:
    env_file.write_text("SOME_NAME_OF_OURS=1\n")
    load({}, env_file)
    assert "SOME_NAME_OF_OURS" not in os.environ


def test_missing_file_is_no_fault(env_file: Path) -> None:
    assert load({}, env_file) == loaded() and misspelt(env_file) == []


def test_file_that_is_no_text_is_a_fault_that_names_it(env_file: Path) -> None:
    env_file.write_bytes(b"MODE=\xff\xfe\n")
    (line,) = faults(env_file)
    assert str(env_file) in line and "cannot be read" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_file_without_permission_is_a_fault_that_names_it(env_file: Path) -> None:
    env_file.write_text("MODE=simulation\n")
    env_file.chmod(0)
    assert str(env_file) in faults(env_file)[0]


def test_path_that_cannot_even_be_looked_at_is_a_fault_and_no_traceback(tmp_path: Path) -> None:
    """As for a working directory without permission; a name too long fails the same way."""
    (line,) = faults(tmp_path / ("x" * 300))
    assert "cannot be read" in line


def test_misspelt_names_are_told_with_the_near_one(env_file: Path) -> None:
    env_file.write_text("PRIMARY_EXCHNGE=okx\nenable_failover=true\nPATH=/bin\nAPI_PORT=1\n")
    warnings = misspelt(env_file)
    assert len(warnings) == 2
    assert warnings[0].endswith("PRIMARY_EXCHNGE is not a setting; did you mean PRIMARY_EXCHANGE?")
    assert warnings[1].endswith("enable_failover is not a setting; did you mean ENABLE_FAILOVER?")


def test_misspelt_names_never_show_a_value(env_file: Path) -> None:
    env_file.write_text(f"API_TOKN={SECRET}\n")
    assert len(misspelt(env_file)) == 1 and SECRET not in misspelt(env_file)[0]


def test_a_name_that_stands_there_twice_is_told_with_its_lines(env_file: Path) -> None:
    env_file.write_text(
        f"API_PORT=1\n\n# and\nAPI_TOKEN={SECRET}\nAPI_PORT=2\nMODE=paper_trading\n\n"
        "export API_PORT=3\nAPI_TOKEN=x\n")
    port, token = doubled(env_file)
    assert port == f"{env_file}: API_PORT stands on lines 1, 5 and 8, and only the last counts"
    assert "API_TOKEN stands on lines 4 and 9," in token and SECRET not in token
    assert load({}, env_file).api_port == 3
    assert doubled(env_file.with_name("none")) == []


def test_what_stands_before_the_host_of_a_url_is_masked() -> None:
    there = {"BINANCE_REST_URL": f"https://me:{SECRET}@a.example/p,https://b.example/@x",
             "OKX_WS_URL": f"wss://{SECRET}@c.example"}
    shown = dict(effective(loaded(there)))
    assert shown["BINANCE_REST_URL"] == "https://****@a.example/p,https://b.example/@x"
    assert shown["OKX_WS_URL"] == "wss://****@c.example"


@pytest.mark.parametrize("row", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_explains_itself_in_one_line(row: Any) -> None:
    assert row.help and "\n" not in row.help
