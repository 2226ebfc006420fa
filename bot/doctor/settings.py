"""What is wrong with settings that can each be read: nothing here looks outside this machine."""

import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import ENV_FILE, Config, doubled, misspelt
from bot.doctor.finding import Finding, Report, listed, ok, warn
from bot.doctor.rounds import OWN_FAULT, QUICK_S, Check
from bot.readers import is_loopback
from bot.wording import counted
from bot.worker import Deadline

NAME = "settings"
SHORTEST_TOKEN = 16


def settings_checks(config: Config) -> Iterator[Check]:
    yield Check(NAME, "", partial(look, config), QUICK_S, OWN_FAULT)


def look(config: Config, deadline: Deadline) -> Report:
    found = tuple(remarks(config))
    return Report(found or (ok(NAME, "", f"mode {config.mode}, sources "
                               f"{','.join(config.exchanges)}, symbols "
                               f"{listed(symbol.name for symbol in config.symbols)}"),))


def remarks(config: Config, env_file: Path = ENV_FILE) -> Iterator[Finding]:
    """What one can see without a network and without opening anything but the file of settings."""
    yield from _names(env_file)
    yield from _sources(config)
    yield from _times(config)
    if config.enable_ml:
        yield warn(NAME, "ENABLE_ML", "is on, and this version has no adaptive layer: nothing "
                   "changes", "set it to false")
    yield from _open_to_others(config)
    yield from _in_the_clear(config)
    yield from _readable_by_others(config, env_file)


def _names(env_file: Path) -> Iterator[Finding]:
    for words in misspelt(env_file):
        yield warn(NAME, "", words, "correct the name, or remove the line")
    for words in doubled(env_file):
        yield warn(NAME, "", words, "remove the others")


def _sources(config: Config) -> Iterator[Finding]:
    if not (config.enable_websocket_feeds or config.enable_kafka or config.enable_okx_live):
        yield warn(NAME, "", "no source of real prices is on",
                   "set ENABLE_WEBSOCKET_FEEDS, ENABLE_KAFKA or ENABLE_OKX_LIVE")
    elif not config.enable_websocket_feeds:
        yield warn(NAME, "ENABLE_WEBSOCKET_FEEDS", "is off, so prices come from lower tiers only",
                   "set it to true, unless that is what this instance is for")
    elif len(config.exchanges) == 1:
        yield warn(NAME, "EXCHANGES", f"names {config.exchanges[0]} alone, whose price nobody else "
                   "can confirm", "name at least two, such as EXCHANGES=binance,okx")
    if len(config.exchanges) > 1 and not config.enable_failover:
        yield warn(NAME, "ENABLE_FAILOVER", "is off, so a dead primary is not left",
                   "set it to true, unless that is what you want")


def _times(config: Config) -> Iterator[Finding]:
    if config.max_price_age_ms < config.max_source_latency_ms:
        yield warn(NAME, "MAX_PRICE_AGE", f"is {config.max_price_age_ms} ms, less than "
                   f"MAX_SOURCE_LATENCY ({config.max_source_latency_ms} ms): a price is too old to "
                   f"serve before its source is left", "make it the larger of the two")


def _open_to_others(config: Config) -> Iterator[Finding]:
    if config.api_is_local or not config.api_token:
        return
    yield warn(NAME, "API_HOST", f"{config.api_host} is reached from other machines, and HTTP "
               "sends API_TOKEN in the clear", "put a server with TLS in front of it, or set "
               "API_HOST=127.0.0.1 and come through ssh -L")
    if len(config.api_token) < SHORTEST_TOKEN:
        yield warn(NAME, "API_TOKEN", f"is short ({counted(len(config.api_token), 'character')})",
                   "make one with: openssl rand -hex 24")
    if config.enable_drill:
        yield warn(NAME, "ENABLE_DRILL", "is on, and who has the token can cut off sources from "
                   "other machines", "switch it on for a rehearsal, and off again")


def _in_the_clear(config: Config) -> Iterator[Finding]:
    for urls in (config.ws_urls, config.rest_urls):
        for name in config.exchanges:
            for url in urls[name]:
                parts = urlsplit(url)
                if parts.scheme in ("ws", "http") and not is_loopback(str(parts.hostname)):
                    yield warn(NAME, name, f"{parts.scheme}://{parts.hostname} is not encrypted: "
                               f"whoever is on the way can change prices",
                               f"write {parts.scheme}s:// there")
    if config.kafka_security_protocol == "SASL_PLAINTEXT":
        yield warn(NAME, "KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT logs in over a connection that "
                   "is not encrypted", "use SASL_SSL where the brokers offer it")
    hook = urlsplit(config.alert_webhook_url or "")
    if hook.scheme == "http" and not is_loopback(str(hook.hostname)):
        yield warn(NAME, "ALERT_WEBHOOK_URL", f"http://{hook.hostname} is not encrypted, and the "
                   f"address is the key to it", "use https:// where there is one")


def _readable_by_others(config: Config, env_file: Path) -> Iterator[Finding]:
    secrets = (config.api_token, config.kafka_sasl_password, config.alert_webhook_url,
               config.alert_telegram_token)
    try:
        mode = env_file.stat().st_mode
    except OSError:
        return
    if any(secrets) and mode & (stat.S_IRGRP | stat.S_IROTH):
        yield warn(NAME, str(env_file), f"holds secrets, and others may read it (mode "
                   f"{stat.S_IMODE(mode):o})", f"chmod 600 {env_file}")
