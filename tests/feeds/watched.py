"""A feed with everything it published, for tests against the practice exchanges."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.aggregator import EVENTS
from bot.backoff import Backoff
from bot.events import Publisher
from bot.exchanges import ALL
from bot.feeds.feed import Feed
from bot.feeds.subscriptions import Subscriptions
from bot.model import MarketDataUpdate, UpdateType
from bot.sandbox.server import Sandbox
from bot.store import LatestPrices
from bot.symbols import parse_symbol
from tests.helpers import eventually


class Watched:
    """A feed with everything it published."""

    def __init__(
        self, exchange: str, urls: list[str], symbols: tuple[str, ...] = ("BTCUSDT",),
        kinds: tuple[UpdateType, ...] = ("ticker", "trade"), handshake_s: float = 1.0,
        max_connection_age_s: float = 82_800.0,
    ) -> None:
        self.events: list[tuple[str, object]] = []
        self.updates: list[MarketDataUpdate] = []
        publisher = Publisher(EVENTS)
        publisher.on("market_data", self.updates.append)
        for name in ("source_connected", "source_disconnected", "source_error",
                     "source_handed_over"):
            publisher.on(name, self._keep(name))
        self.subscriptions = Subscriptions()
        for symbol in symbols:
            self.subscriptions.add(parse_symbol(symbol), kinds)
        self.store = LatestPrices()
        self.feed = Feed(ALL[exchange], urls, self.subscriptions, self.store, publisher,
                         handshake_s=handshake_s, max_connection_age_s=max_connection_age_s,
                         backoff=Backoff(0.01, 0.05), retry=Backoff(0.01, 0.05))

    def _keep(self, name: str) -> Callable[[object], None]:
        return lambda event: self.events.append((name, event))

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def reasons(self, name: str) -> list[str]:
        return [event.reason for found, event in self.events  # type: ignore[attr-defined]
                if found == name]

    @property
    def connected(self) -> bool:
        return self.feed.health().connected_since is not None


@contextmanager
def running(watched: Watched) -> Iterator[Watched]:
    watched.feed.start()
    try:
        yield watched
    finally:
        watched.feed.stop()
        assert watched.feed.join(1.0), "a feed stops in under a second"
        assert watched.feed.failure is None


@contextmanager
def fed(sandbox: Sandbox, exchange: str, symbols: tuple[str, ...] = ("BTCUSDT",)
        ) -> Iterator[Watched]:
    with running(Watched(exchange, [sandbox.ws_url(exchange)], symbols)) as watched:
        eventually(lambda: len(sandbox.subscriptions(exchange)) >= 2 * len(symbols))
        yield watched
