"""Settings that are each right and wrong together."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

# What may only seem wrong together with another one that could not be read.
DEPENDS = {"PRIMARY_EXCHANGE": "EXCHANGES", "ALERT_TELEGRAM_CHAT": "ALERT_TELEGRAM_TOKEN",
           "ALERT_TELEGRAM_TOKEN": "ALERT_TELEGRAM_CHAT"} | {
    f"KAFKA_{name}": "KAFKA_SECURITY_PROTOCOL"
    for name in ("SASL_MECHANISM", "SASL_USERNAME", "SASL_PASSWORD", "SSL_CAFILE")}


class Kafka(Protocol):
    """What is looked at of bot.config.Config."""

    @property
    def enable_kafka(self) -> bool: ...
    @property
    def kafka_topic(self) -> str: ...
    @property
    def kafka_publish_topic(self) -> str | None: ...
    @property
    def kafka_security_protocol(self) -> str: ...
    @property
    def kafka_sasl_mechanism(self) -> str | None: ...
    @property
    def kafka_sasl_username(self) -> str | None: ...
    @property
    def kafka_sasl_password(self) -> str | None: ...
    @property
    def kafka_ssl_cafile(self) -> Path | None: ...


class Settings(Kafka, Protocol):
    """Likewise."""

    @property
    def exchanges(self) -> Sequence[str]: ...
    @property
    def primary_exchange(self) -> str: ...
    @property
    def api_host(self) -> str: ...
    @property
    def api_is_local(self) -> bool: ...
    @property
    def api_token(self) -> str | None: ...
    @property
    def alert_telegram_token(self) -> str | None: ...
    @property
    def alert_telegram_chat(self) -> str | None: ...


def conflicts(config: Settings) -> Iterator[tuple[str, str]]:
    """(name, line) for each."""
    if config.primary_exchange not in config.exchanges:
        yield ("PRIMARY_EXCHANGE",
               f"PRIMARY_EXCHANGE: must be one of EXCHANGES ({','.join(config.exchanges)}), "
               f"got {config.primary_exchange!r}")
    if not config.api_is_local and not config.api_token:
        yield ("API_TOKEN",
               f"API_TOKEN: must be set when API_HOST is not loopback (it is "
               f"{config.api_host!r}), got nothing; set a token or API_HOST=127.0.0.1")
    if bool(config.alert_telegram_token) != bool(config.alert_telegram_chat):
        absent, there = ("CHAT", "TOKEN") if config.alert_telegram_token else ("TOKEN", "CHAT")
        yield (f"ALERT_TELEGRAM_{absent}",
               f"ALERT_TELEGRAM_{absent}: must be set with ALERT_TELEGRAM_{there}, got nothing; "
               f"set both or neither")
    yield from _kafka_conflicts(config)


def _kafka_conflicts(config: Kafka) -> Iterator[tuple[str, str]]:
    """A protocol that lacks what it needs, or credentials that it would not use."""
    if config.enable_kafka and config.kafka_topic == f"{config.kafka_publish_topic}.served":
        yield "KAFKA_TOPIC", (
            f"KAFKA_TOPIC: is where KAFKA_PUBLISH_TOPIC={config.kafka_publish_topic} puts prices "
            f"served, which are no evidence; read a topic of updates, got {config.kafka_topic!r}")
    protocol = config.kafka_security_protocol
    for name, value in (("KAFKA_SASL_MECHANISM", config.kafka_sasl_mechanism),
                        ("KAFKA_SASL_USERNAME", config.kafka_sasl_username),
                        ("KAFKA_SASL_PASSWORD", config.kafka_sasl_password)):
        if protocol.startswith("SASL") and not value:
            yield name, f"{name}: must be set with KAFKA_SECURITY_PROTOCOL={protocol}, got nothing"
        elif value and not protocol.startswith("SASL"):
            yield name, (f"{name}: is not used with KAFKA_SECURITY_PROTOCOL={protocol}; "
                         f"write SASL_SSL or SASL_PLAINTEXT there, or unset it")
    if config.kafka_ssl_cafile and not protocol.endswith("SSL"):
        yield "KAFKA_SSL_CAFILE", (
            f"KAFKA_SSL_CAFILE: is not used with KAFKA_SECURITY_PROTOCOL={protocol}; "
            f"write SSL or SASL_SSL there, or unset it")
