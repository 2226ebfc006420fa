"""Several exchanges behind one face: which is active, and the price they give together.

    aggregator = MultiSourceWebSocketAggregator(exchanges=("binance", "okx"))
    aggregator.on("source_switch", print)
    aggregator.connect()
    aggregator.subscribe("BTCUSDT", ["ticker", "trade"])
    ...
    aggregator.latest_price("BTCUSDT")      # a Quote, or None
    aggregator.disconnect()
"""

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic, time
from typing import get_args

from bot.errors import ConnectError, SourceError
from bot.events import Listener, Publisher
from bot.exchanges import ALL
from bot.exchanges.base import Exchange
from bot.feeds.feed import Feed
from bot.feeds.subscriptions import Subscriptions
from bot.health import source_status, summary
from bot.judging.court import Court
from bot.judging.desk import Desk
from bot.judging.explanation import Explanation
from bot.judging.fitness import Policy, SourceView, unfit
from bot.judging.journal import Journal
from bot.judging.judge import Standing
from bot.judging.resolution import RESOLUTIONS, Resolution
from bot.judging.watchdog import Watchdog
from bot.model import FeedHealth, Opinion, Quote, SourceStatus, UpdateType
from bot.symbols import parse_symbol
from bot.worker import Deadline, Worker, stop_all

EVENTS = ("market_data", "source_switch", "source_activated", "source_connected",
          "source_disconnected", "source_error", "source_handed_over", "source_judged",
          "verdict_changed", "doubt", "failover_failed", "health")
STOP_S = 2.0


class MultiSourceWebSocketAggregator:
    """Feeds, their store, and the watchdog that judges them.

    The options are the settings of the same names, in the same units (ms). Constructing starts
    nothing. Every method but `connect` and `disconnect` may be called from any thread.

    known: the exchanges that `exchanges` may name. opinions_of: of which a REST opinion can be had;
    when one is wanted, `doubt` says so, and `opine` takes it. journal: where everything is noted
    that the judgement rests on.

    Events, for `on`: market_data (MarketDataUpdate, on a feed's thread), source_connected,
    source_disconnected, source_handed_over, source_error (on a feed's thread), source_switch,
    source_activated, failover_failed, source_judged, verdict_changed, doubt, and health with
    `health_status()` every health_check_interval (on the watchdog's). The records are in
    bot.events.
    """

    def __init__(
        self,
        *,
        exchanges: Sequence[str] = ("binance", "okx"),
        primary_exchange: str = "binance",
        enable_failover: bool = True,
        conflict_resolution: Resolution = "primary",
        max_source_latency: int = 5000,
        max_price_age: int = 10_000,
        max_connection_age: int = 82_800_000,
        failback_after: int = 10_000,
        health_check_interval: int = 10_000,
        ws_urls: Mapping[str, Sequence[str]] | None = None,
        known: Mapping[str, Exchange] = ALL,
        opinions_of: Sequence[str] = (),
        journal: Journal | None = None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        for name in exchanges:
            _one_of("exchanges", name, known)
        _one_of("primary_exchange", primary_exchange, exchanges)
        _one_of("conflict_resolution", conflict_resolution, RESOLUTIONS)
        # what is too old to be served is not fit either
        policy = Policy(primary=primary_exchange, failover=enable_failover,
                        max_latency_s=min(max_source_latency, max_price_age) / 1000,
                        failback_after_s=failback_after / 1000)
        self._mono = mono
        self._publisher = Publisher(EVENTS)
        self._subscriptions = Subscriptions()
        self.desk = Desk(policy, conflict_resolution, max_price_age / 1000, journal)
        self.feeds = {
            name: Feed(known[name], (ws_urls or {}).get(name) or [known[name].WS_URL],
                       self._subscriptions, self.desk.store, self._publisher,
                       reference=self.desk.reference, journal=self.desk.journal,
                       max_connection_age_s=max_connection_age / 1000, mono=mono, wall=wall)
            for name in exchanges
        }
        self.desk.intakes = {name: feed.intake for name, feed in self.feeds.items()}
        self.watchdog = Watchdog(
            self.judge, lambda: self._publisher.publish("health", self.health_status()),
            health_check_interval / 1000)
        self._court = Court(self.desk, self._publisher, opinions_of, mono, wall)
        for event in ("source_connected", "source_disconnected"):
            self.on(event, lambda _: self.watchdog.wake())
        self._stopped = threading.Event()

    def on(self, event: str, listener: Listener) -> None:
        """Call `listener` with each such event. Raises: ValueError for an unknown name."""
        self._publisher.on(event, listener)

    def connect(self, timeout: float | None = None) -> int:
        """Start every feed and the watchdog.

        timeout: s to wait for all sources; None: do not wait, they connect when they can.
        Returns: how many are connected. Raises: ConnectError when it waited and none is; the feeds
        go on trying all the same.
        """
        for worker in self.workers:
            worker.start()
        if timeout is not None:
            deadline = Deadline(timeout)
            while self.connected < len(self.feeds) and not deadline.passed:
                self.watchdog.stopping.wait(0.01)
            if not self.connected:
                raise ConnectError("no source connected: " + "; ".join(
                    f"{health.source}: {health.detail}" for health in self.healths()))
        return self.connected

    def subscribe(self, symbol: str, kinds: Sequence[UpdateType] = ("ticker", "trade")) -> None:
        """Want these streams of every source, now and after every reconnect.

        Raises: ValueError for a symbol that cannot be split into base and quote, or another kind.
        """
        for kind in kinds:
            _one_of("kinds", kind, get_args(UpdateType))
        self._subscriptions.add(parse_symbol(symbol), kinds)

    def disconnect(self, timeout: float = STOP_S) -> list[str]:
        """End it all, for good. Returns: names of threads that did not end in time."""
        deadline = Deadline(timeout)
        return self.close_sources(timeout) + stop_all([self.watchdog], deadline)

    def close_sources(self, timeout: float) -> list[str]:
        """Close every connection for good; nobody is active then. Returns: as `disconnect`."""
        self._stopped.set()
        stuck = stop_all(self.feeds.values(), Deadline(timeout))
        self.desk.clear(self._mono())
        return stuck

    @property
    def workers(self) -> list[Worker]:
        return [*self.feeds.values(), self.watchdog]

    @property
    def connected(self) -> int:
        return sum(health.connected_since is not None for health in self.healths())

    @property
    def active_source(self) -> str | None:
        """The active source of the main symbol, the one subscribed first."""
        return self.standing(self._main).active

    @property
    def healthy(self) -> bool:
        """Whether the active source of the main symbol is fresh at this moment."""
        active = self.active_source
        return active is not None and not any(
            view.source == active and unfit(view, self.desk.policy)
            for view in self.views(self._main, self.healths()))

    def standing(self, symbol: str) -> Standing:
        return self.desk.standing(symbol)

    def views(self, symbol: str, healths: Sequence[FeedHealth]) -> list[SourceView]:
        """What the judgement sees of every source for one symbol, at this moment."""
        return self.desk.views(symbol, healths, self._mono())

    def source_statuses(self) -> list[SourceStatus]:
        """One for each exchange, in the order given."""
        return [source_status(health) for health in self.healths()]

    def health_status(self) -> dict[str, object]:
        """healthy, active_source, sources (SourceStatus), update_count, last_update (epoch ms)."""
        return summary(self.healthy, self.active_source, self.source_statuses())

    def latest_price(self, symbol: str) -> Quote | None:
        """The price of any spelling of `symbol`, younger than max_price_age, or None."""
        try:
            return self.quote(parse_symbol(symbol).name)
        except SourceError:
            return None

    def quote(self, symbol: str) -> Quote:
        """The price of a canonical symbol by the conflict resolution, with its verdict.

        While no source is fit the price of the last active one goes on, marked as not trusted,
        until it reaches max_price_age. Raises: NoQuote, StaleQuote.
        """
        return self.desk.quote(symbol, self.healths(), self._mono())

    def quote_on_record(self, symbol: str) -> Quote:
        """The same, and noted in the journal: this price is the one that is kept as served."""
        return self.desk.asked(symbol, self.healths, self._mono)

    def explain(self, symbol: str) -> Explanation:
        """Why a canonical symbol's price is what it is: every leg, taken or refused by which rule.
        """
        return self.desk.explain(symbol, self.healths(), self._mono())

    def opine(self, opinion: Opinion) -> None:
        """Hear what an exchange's REST API says."""
        self.desk.opine(opinion)
        self.watchdog.wake()

    def judge(self) -> float:
        """Judge every symbol anew and publish what changed. Thread: the watchdog's.

        Returns: seconds until the passing of time alone can change something.
        """
        if self._stopped.is_set():
            return math.inf
        return self._court.sit(self._subscriptions.names, self.healths, self._stopped.is_set)

    def healths(self) -> list[FeedHealth]:
        """The state of each feed, as the judgement needs it."""
        return [feed.health() for feed in self.feeds.values()]

    @property
    def _main(self) -> str:
        """The symbol subscribed first; none before that, which no source serves."""
        rows = self._subscriptions.rows
        return rows[0][0].name if rows else ""


def _one_of(option: str, value: str, words: Iterable[str]) -> None:
    if value not in words:
        raise ValueError(f"{option} must be of {', '.join(words)}, got {value!r}")
