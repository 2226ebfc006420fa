"""Settings: environment, or `.env`, -> Config; or one ConfigError with every fault.

Nothing else in the program reads the environment, but for what libraries read themselves (proxy
variables) and what systemd passes. Each field below names its variable, its default as one would
write it, and how to read it; `.env.example` and docs/settings.md follow this file, and a test
holds them to it.
"""

import dataclasses
import difflib
import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream

from bot.conflicts import DEPENDS, conflicts
from bot.errors import ConfigError, shown
from bot.exchanges import ALL
from bot.judging.resolution import RESOLUTIONS, Resolution
from bot.readers import (
    brokers, certificates, chat, is_loopback, milliseconds, one_of, password, path, secret_word,
    several, switch, symbols, telegram_token, topic, upper, url, urls, whole, word,
)
from bot.setting import MASK, Setting, per_exchange, setting
from bot.symbols import Symbol

ENV_FILE = Path(".env")

NOT_YET = ("`live` trades real money and is refused: this program only observes and simulates; "
           "write simulation, paper_trading or backtest")


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings, read and checked. Units are in the field names; see `setting` for the rest."""

    mode: str = setting(
        "MODE", "simulation",
        one_of("simulation", "paper_trading", "backtest", refused={"live": NOT_YET}),
        "simulation | paper_trading | backtest; the mock tier exists only in simulation")
    instance_id: str = setting(
        "INSTANCE_ID", "primary", word, "name of this instance, in every answer and summary")
    symbols: tuple[Symbol, ...] = setting(
        "TRADING_SYMBOL", "BTCUSDT", symbols,
        "one or more, comma-separated, the first is the main one; BTC-USDT, BTC/USDT and btcusdt "
        "mean the same; USD, USDT and USDC are different currencies")
    enable_websocket_feeds: bool = setting(
        "ENABLE_WEBSOCKET_FEEDS", "false", switch, "connect to the exchanges (tier 1)")
    exchanges: tuple[str, ...] = setting(
        "EXCHANGES", "binance,okx", several(one_of(*ALL)), "sources to connect")
    primary_exchange: str = setting(
        "PRIMARY_EXCHANGE", "binance", one_of(*ALL), "preferred source, one of EXCHANGES")
    enable_failover: bool = setting(
        "ENABLE_FAILOVER", "true", switch, "false: the active source never changes")
    conflict_resolution: Resolution = setting(
        "CONFLICT_RESOLUTION", "primary", one_of(*RESOLUTIONS),
        "primary: the active source; latest: the youngest fit one; average: mean of the fit ones, "
        "from three on their median")
    max_source_latency_ms: int = setting(
        "MAX_SOURCE_LATENCY", "5000", milliseconds,
        "ms; a source silent for longer, or slower than this, is not fit to be active")
    max_price_age_ms: int = setting(
        "MAX_PRICE_AGE", "10000", milliseconds, "ms; tier 1 serves only prices younger than this")
    max_connection_age_ms: int = setting(
        "MAX_CONNECTION_AGE", "82800000", whole(1000, 604_800_000, " ms"),
        "ms; before a connection is older it is replaced by a new one, without a gap")
    health_check_interval_ms: int = setting(
        "HEALTH_CHECK_INTERVAL", "10000", whole(100, 86_400_000, " ms"),
        "ms between health summaries; switching never waits for it")
    failback_after_ms: int = setting(
        "FAILBACK_AFTER", "10000", whole(0, 86_400_000, " ms"),
        "ms the primary must have been fit without a break before it is active again")
    poll_interval_ms: int = setting(
        "POLL_INTERVAL", "1000", whole(10, 3_600_000, " ms"), "ms between polls of the main loop")
    ws_urls: Mapping[str, tuple[str, ...]] = per_exchange(
        "WS_URL", urls("ws", "wss"),
        "base URL (OKX: full URL); several, comma-separated, are tried in turn")
    rest_urls: Mapping[str, tuple[str, ...]] = per_exchange(
        "REST_URL", urls("http", "https"), "likewise; asked when the streams leave a doubt")
    enable_kafka: bool = setting(
        "ENABLE_KAFKA", "false", switch, "tier 2: read what other instances publish")
    kafka_brokers: tuple[str, ...] = setting(
        "KAFKA_BROKERS", "localhost:9092", brokers, "bootstrap servers")
    kafka_topic: str = setting(
        "KAFKA_TOPIC", "crypto-market-data", topic, "topic that tier 2 consumes")
    kafka_publish_topic: str | None = setting(
        "KAFKA_PUBLISH_TOPIC", "", topic,
        "when set, every update is published there, and each price served to <topic>.served")
    kafka_security_protocol: str = setting(
        "KAFKA_SECURITY_PROTOCOL", "PLAINTEXT",
        upper(one_of("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")),
        "PLAINTEXT | SSL | SASL_PLAINTEXT | SASL_SSL")
    kafka_sasl_mechanism: str | None = setting(
        "KAFKA_SASL_MECHANISM", "", upper(one_of("plain", "scram-sha-256", "scram-sha-512")),
        "PLAIN | SCRAM-SHA-256 | SCRAM-SHA-512; with a SASL protocol")
    kafka_sasl_username: str | None = setting("KAFKA_SASL_USERNAME", "", word, "likewise")
    kafka_sasl_password: str | None = setting(
        "KAFKA_SASL_PASSWORD", "", password, "likewise", secret=True)
    kafka_ssl_cafile: Path | None = setting(
        "KAFKA_SSL_CAFILE", "", certificates,
        "certificates (PEM) that the brokers' are signed with; unset: those of the system")
    enable_okx_live: bool = setting(
        "ENABLE_OKX_LIVE", "true", switch, "tier 3: OKX REST, asked only when tier 1 fails")
    enable_duckdb: bool = setting("ENABLE_DUCKDB", "true", switch, "the recorder")
    duckdb_path: Path = setting(
        "DUCKDB_PATH", "data/analytics.duckdb", path, "its file; folders are created")
    archive_dir: Path | None = setting(
        "ARCHIVE_DIR", "", path, "closed days, as Parquet files; unset: `archive` beside that file")
    retention_days: int = setting(
        "RETENTION_DAYS", "30", whole(1, 3650, " days"),
        "how many closed days are kept; bars of a minute and longer stay for ever")
    enable_ml: bool = setting(
        "ENABLE_ML", "false", switch, "the adaptive layer; not part of this version")
    api_host: str = setting(
        "API_HOST", "127.0.0.1", word, "address to listen on; not loopback needs API_TOKEN")
    api_port: int = setting(
        "API_PORT", "3001", whole(1, 65535), "a taken port is an error, never another one")
    api_token: str | None = setting(
        "API_TOKEN", "", secret_word, "bearer token for everything but /healthz", secret=True)
    enable_drill: bool = setting(
        "ENABLE_DRILL", "false", switch,
        "let the API cut off a source for a rehearsal; needs API_TOKEN")
    alert_webhook_url: str | None = setting(
        "ALERT_WEBHOOK_URL", "", url("http", "https"),
        "incidents are posted there; Slack's and Discord's are known by their form",
        secret=True)
    alert_telegram_token: str | None = setting(
        "ALERT_TELEGRAM_TOKEN", "", telegram_token,
        "of the Telegram bot that tells of incidents; with ALERT_TELEGRAM_CHAT", secret=True)
    alert_telegram_chat: str | None = setting(
        "ALERT_TELEGRAM_CHAT", "", chat, "whom it tells: a number, or @name of a channel")
    alert_telegram_url: str = setting(
        "ALERT_TELEGRAM_URL", "https://api.telegram.org", url("http", "https"),
        "another Bot API server, for those who run their own")
    alert_min_severity: str = setting(
        "ALERT_MIN_SEVERITY", "warning", one_of("info", "warning", "critical"),
        "info | warning | critical; less is not told")
    log_level: str = setting(
        "LOG_LEVEL", "INFO", upper(one_of("debug", "info", "warning", "error")),
        "DEBUG | INFO | WARNING | ERROR")
    log_format: str = setting(
        "LOG_FORMAT", "text", one_of("text", "json"), "text | json, a JSON object on each line")
    log_dir: Path = setting("LOG_DIR", "logs", path, "folder of autonomous_bot.log")

    @property
    def api_is_local(self) -> bool:
        return is_loopback(self.api_host)


FIELDS = dataclasses.fields(Config)
SETTINGS = {row.name: row for field in FIELDS for row in field.metadata.values()}


def load(environ: Mapping[str, str] = os.environ, env_file: Path = ENV_FILE) -> Config:
    """The settings in force. The environment wins over the file; empty means unset.

    Raises: ConfigError with one line for each fault.
    """
    filed = _filed(env_file)
    faults: dict[str, str] = {}
    values: dict[str, Any] = {}

    def read(row: Setting) -> Any:
        text = environ.get(row.name, "").strip() or (filed.get(row.name) or "").strip()
        try:
            return row.read(text or row.default) if text or row.default else None
        except ValueError as fault:
            # what has a @ in it may be user:password@host
            got = MASK if row.secret or "@" in text else shown(text)
            faults[row.name] = f"{row.name}: {fault}, got {got}"
            return row.read(row.default) if row.default else None

    for field in FIELDS:
        rows = field.metadata
        values[field.name] = (
            read(rows[""]) if "" in rows else {key: read(row) for key, row in rows.items()})
    config = Config(**values)
    for name, line in conflicts(config):
        if DEPENDS.get(name) not in faults:
            faults.setdefault(name, line)
    if faults:
        raise ConfigError(list(faults.values()))
    return config


def misspelt(env_file: Path = ENV_FILE) -> list[str]:
    """Warnings for names in the file that are nearly, but not quite, those of a setting."""
    warnings = []
    for name in _filed(env_file):
        near = difflib.get_close_matches(name.upper(), SETTINGS, 1, cutoff=0.85)
        if name not in SETTINGS and near:
            warnings.append(f"{env_file}: {name} is not a setting; did you mean {near[0]}?")
    return warnings


def doubled(env_file: Path = ENV_FILE) -> list[str]:
    """Warnings for names that stand in the file more than once."""
    lines: dict[str, list[int]] = {}
    for row in _parsed(env_file):
        if row.key is not None:
            lines.setdefault(row.key, []).append(_line_of(row))
    return [f"{env_file}: {name} stands on lines {', '.join(map(str, at[:-1]))} and {at[-1]}, and "
            f"only the last counts" for name, at in lines.items() if len(at) > 1]


def _line_of(row: Binding) -> int:
    """What is parsed begins with the empty lines before it."""
    text = row.original.string
    return row.original.line + text[:len(text) - len(text.lstrip())].count("\n")


def effective(config: Config) -> list[tuple[str, str]]:
    """Every setting as it would stand in the file, secrets masked."""
    lines = []
    for field in FIELDS:
        value = getattr(config, field.name)
        for key, row in field.metadata.items():
            lines.append((row.name, row.shown(value[key] if key else value)))
    return lines


def _filed(env_file: Path) -> dict[str, str | None]:
    return {row.key: row.value for row in _parsed(env_file) if row.key is not None}


def _parsed(env_file: Path) -> list[Binding]:
    """Raises: ConfigError."""
    try:
        if not env_file.exists():
            return []
        text = env_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{env_file}: cannot be read ({error}); make it readable UTF-8 text or "
                           f"remove it"]) from error
    # read here, since dotenv itself only warns of what it cannot read, and goes on without it
    lines = list(parse_stream(StringIO(text)))
    if bad := [line.original for line in lines if line.error]:
        raise ConfigError([f"{env_file}, line {line.line}: must be NAME=value, got "
                           f"{shown(line.string.strip())}" for line in bad])
    return lines
