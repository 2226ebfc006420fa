"""The addresses among the settings: whose each is, and where it stands."""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.config import SETTINGS, Config
from bot.exchanges import ALL
from bot.exchanges.base import Exchange
from bot.feeds.dial import port_of


class Place(NamedTuple):
    """One URL of an exchange. setting: where it stands. first: it is tried before the others."""

    exchange: Exchange
    url: str
    setting: str
    first: bool

    @property
    def host(self) -> str:
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        return port_of(urlsplit(self.url))

    @property
    def secure(self) -> bool:
        return urlsplit(self.url).scheme in ("wss", "https")

    @property
    def subject(self) -> str:
        """Without what may be user:password."""
        return f"{self.exchange.NAME} {self.host}:{self.port}"


class Host(NamedTuple):
    """A name to look up. use: who needs it. proxied: it is reached through a proxy, if one is set.
    spare: only addresses lead there that are tried when others fail. chosen: the setting differs
    from its default, so it may be misspelt.
    """

    name: str
    port: int
    use: str
    setting: str
    secure: bool = False
    proxied: bool = True
    spare: bool = False
    chosen: bool = True

    @property
    def scheme(self) -> str:
        """As bot.feeds.dial has it."""
        return "wss" if self.secure else "ws"


def stream_places(config: Config) -> list[Place]:
    """None with the feeds switched off."""
    names = config.exchanges if config.enable_websocket_feeds else ()
    return [Place(ALL[name], url, f"{name.upper()}_WS_URL", number == 0)
            for name in names for number, url in enumerate(config.ws_urls[name])]


def rest_places(config: Config) -> list[Place]:
    """Those that are asked when the streams leave a doubt, and tier 3."""
    names = [name for name in config.exchanges
             if config.enable_websocket_feeds and name != "okx"]
    names += ["okx"] if config.enable_okx_live else []
    return [Place(ALL[name], url, f"{name.upper()}_REST_URL", number == 0)
            for name in names for number, url in enumerate(config.rest_urls[name])]


def uses_kafka(config: Config) -> bool:
    return config.enable_kafka or config.kafka_publish_topic is not None


def broker_address(broker: str) -> tuple[str, int]:
    host, _, port = broker.rpartition(":")
    return host.strip("[]"), int(port)


def alert_hosts(config: Config) -> Iterator[Host]:
    if config.alert_webhook_url:
        yield _host(config.alert_webhook_url, "alerts", "ALERT_WEBHOOK_URL")
    if config.alert_telegram_token:
        yield _host(config.alert_telegram_url, "alerts", "ALERT_TELEGRAM_URL")


def hosts(config: Config) -> list[Host]:
    """Every one once, with all who use it, and the setting that is tried first."""
    found: dict[tuple[str, int], Host] = {}
    places = (*stream_places(config), *rest_places(config))
    for place in sorted(places, key=lambda place: not place.first):
        one = found.setdefault((place.host, place.port), Host(
            place.host, place.port, place.exchange.NAME, place.setting, place.secure,
            spare=not place.first, chosen=_chosen(place.setting, place.url)))
        if place.exchange.NAME not in one.use.split(", "):
            found[place.host, place.port] = one._replace(use=f"{one.use}, {place.exchange.NAME}")
    if uses_kafka(config):
        for broker in config.kafka_brokers:
            name, port = broker_address(broker)
            found.setdefault((name, port), Host(name, port, "kafka", "KAFKA_BROKERS",
                                                proxied=False,
                                                chosen=_chosen("KAFKA_BROKERS", broker)))
    for host in alert_hosts(config):
        found.setdefault((host.name, host.port), host)
    return list(found.values())


def _host(url: str, use: str, setting: str) -> Host:
    parts = urlsplit(url)
    return Host(str(parts.hostname), port_of(parts), use, setting, parts.scheme == "https",
                chosen=_chosen(setting, url))


def _chosen(setting: str, text: str) -> bool:
    return text not in SETTINGS[setting].default.split(",")
