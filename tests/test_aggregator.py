"""Two exchanges behind one face, over real sockets: who is active, and what is served."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

from bot.aggregator import EVENTS, MultiSourceWebSocketAggregator
from bot.errors import ConnectError
from bot.events import FailoverFailed, SourceSwitched
from bot.model import MarketDataUpdate
from bot.sandbox.server import Sandbox
from tests.helpers import eventually


class Seen:
    """Every event but the updates, in order."""

    def __init__(self, aggregator: MultiSourceWebSocketAggregator) -> None:
        self.events: list[tuple[str, Any]] = []
        for name in EVENTS:
            if name not in ("market_data", "health"):
                aggregator.on(name, self._keep(name))

    def _keep(self, name: str) -> Callable[[Any], None]:
        return lambda event: self.events.append((name, event))

    def of(self, name: str) -> list[Any]:
        return [event for found, event in self.events if found == name]

    @property
    def switches(self) -> list[tuple[str | None, str]]:
        return [(event.previous, event.current) for event in self.of("source_switch")]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


@contextmanager
def aggregating(
    sandbox: Sandbox, symbols: tuple[str, ...] = ("BTCUSDT",), connect: bool = True,
    **options: Any,
) -> Iterator[tuple[MultiSourceWebSocketAggregator, Seen]]:
    options = {"max_source_latency": 500, "failback_after": 1000} | options
    aggregator = MultiSourceWebSocketAggregator(
        ws_urls={name: [sandbox.ws_url(name)] for name in ("binance", "okx")}, **options)
    for feed in aggregator.feeds.values():
        feed._backoff._base_s = feed._backoff._cap_s = 0.1
    seen = Seen(aggregator)
    for symbol in symbols:
        aggregator.subscribe(symbol, ["ticker", "trade"])
    if connect:
        aggregator.connect()
    try:
        yield aggregator, seen
    finally:
        assert aggregator.disconnect() == []
        assert aggregator.active_source is None and not aggregator.healthy


def fit(aggregator: MultiSourceWebSocketAggregator, *sources: str, symbol: str = "BTCUSDT") -> bool:
    return set(aggregator.standing(symbol).fit_since) == set(sources)


def both_up(aggregator: MultiSourceWebSocketAggregator) -> None:
    eventually(lambda: fit(aggregator, "binance", "okx") and aggregator.active_source == "binance")


def test_serves_the_primary_and_switches_on_its_loss(sandbox: Sandbox) -> None:
    with aggregating(sandbox) as (aggregator, seen):
        both_up(aggregator)
        assert seen.of("source_switch") == []  # settling at the start is no switch
        sandbox.fault("binance", "refuse")
        eventually(lambda: aggregator.active_source == "okx")
        (switch,) = seen.of("source_switch")
        assert isinstance(switch, SourceSwitched)
        assert (switch.previous, switch.current) == ("binance", "okx")
        assert switch.reason.startswith("not connected: ")
        quote = eventually(lambda: aggregator.latest_price("btc-usdt"))
        assert (quote.exchange, quote.trusted) == ("okx", True)
        assert quote.price == pytest.approx(sandbox.last_price("okx", "BTCUSDT"), rel=0.01)


def test_switches_when_the_active_source_falls_silent(sandbox: Sandbox) -> None:
    with aggregating(sandbox) as (aggregator, seen):
        both_up(aggregator)
        sandbox.fault("binance", "silence")
        eventually(lambda: aggregator.active_source == "okx")
        assert seen.of("source_switch")[0].reason.startswith("no data for 5")
        assert aggregator.connected == 2


def test_the_primary_returns_only_after_unbroken_fitness(sandbox: Sandbox) -> None:
    """K5."""
    with aggregating(sandbox, failback_after=1500) as (aggregator, seen):
        both_up(aggregator)
        sandbox.fault("binance", "cut")
        eventually(lambda: aggregator.active_source == "okx")
        eventually(lambda: fit(aggregator, "binance", "okx"))
        since = aggregator.standing("BTCUSDT").fit_since["binance"]
        sandbox.fault("binance", "cut")  # breaks the fitness: the time begins anew
        eventually(lambda: aggregator.standing("BTCUSDT").fit_since.get("binance", since) > since)
        again = aggregator.standing("BTCUSDT").fit_since["binance"]
        eventually(lambda: aggregator.active_source == "binance")
        assert monotonic() - again >= 1.5
        assert seen.switches == [("binance", "okx"), ("okx", "binance")]


def test_a_primary_that_connects_and_says_nothing_does_not_return(sandbox: Sandbox) -> None:
    """K2, K3."""
    sandbox.fault("binance", "refuse")
    with aggregating(sandbox, failback_after=100) as (aggregator, seen):
        eventually(lambda: aggregator.active_source == "okx")
        sandbox.fault("binance", "silence")
        sandbox.heal("binance", "refuse")
        eventually(lambda: aggregator.connected == 2)
        assert not aggregator.watchdog.stopping.wait(0.5)
        assert aggregator.active_source == "okx" and seen.switches == []


def test_what_an_earlier_connection_brought_makes_no_source_fit(sandbox: Sandbox) -> None:
    """K2, K3: its price is a moment old, but nobody knows whether the new connection brings any."""
    with aggregating(sandbox, max_source_latency=60_000, max_price_age=60_000) as (aggregator, _):
        both_up(aggregator)
        sandbox.fault("binance", "silence")
        sandbox.fault("binance", "cut")
        eventually(lambda: aggregator.active_source == "okx")
        eventually(lambda: aggregator.connected == 2)
        leg = aggregator.explain("BTCUSDT").legs[0]
        assert (leg.source, leg.age_ms, leg.words) == (
            "binance", None, "connected, but no data yet")
        assert not fit(aggregator, "binance", "okx")


def test_with_no_fit_successor_nobody_is_active_until_one_is_fit(sandbox: Sandbox) -> None:
    """K4, K14."""
    with aggregating(sandbox) as (aggregator, seen):
        both_up(aggregator)
        sandbox.fault("okx", "silence")
        eventually(lambda: fit(aggregator, "binance"))
        sandbox.fault("binance", "silence")
        eventually(lambda: seen.of("failover_failed"))
        assert aggregator.active_source is None and not aggregator.healthy
        assert not aggregator.watchdog.stopping.wait(0.5)
        (failed,) = seen.of("failover_failed")
        assert isinstance(failed, FailoverFailed) and failed.previous == "binance"
        assert "okx: no data for" in failed.reason and seen.switches == []
        sandbox.heal("okx")
        eventually(lambda: aggregator.active_source == "okx")
        assert seen.switches == [(None, "okx")] and aggregator.healthy


def test_the_last_price_is_served_without_trust_until_it_is_too_old(sandbox: Sandbox) -> None:
    with aggregating(sandbox, max_price_age=1500) as (aggregator, _):
        both_up(aggregator)
        sandbox.fault("binance", "silence")
        sandbox.fault("okx", "silence")
        eventually(lambda: aggregator.active_source is None)
        quote = aggregator.latest_price("BTCUSDT")
        assert quote is not None and not quote.trusted and "not fit" in quote.reason
        eventually(lambda: aggregator.latest_price("BTCUSDT") is None)


def test_without_failover_the_active_source_never_changes(sandbox: Sandbox) -> None:
    with aggregating(sandbox, enable_failover=False) as (aggregator, seen):
        eventually(lambda: aggregator.healthy)
        sandbox.fault("binance", "refuse")
        eventually(lambda: aggregator.connected == 1)
        assert not aggregator.watchdog.stopping.wait(0.8)
        assert aggregator.active_source == "binance" and not aggregator.healthy
        assert seen.switches == [] and seen.of("failover_failed") == []


def test_a_late_source_is_left_by_what_its_messages_say(sandbox: Sandbox) -> None:
    """K6: the messages go on, each a second and a half late."""
    with aggregating(sandbox) as (aggregator, seen):
        both_up(aggregator)
        sandbox.fault("binance", "delay", 1500)
        eventually(lambda: aggregator.active_source == "okx")
        eventually(lambda: (aggregator.feeds["binance"].health().event_lag_s or 0) > 1.0)
        assert seen.switches == [("binance", "okx")]


def test_connections_are_replaced_without_anything_being_judged_anew(sandbox: Sandbox) -> None:
    with aggregating(sandbox, max_source_latency=2000, max_connection_age=1500) as (
            aggregator, seen):
        both_up(aggregator)
        since = dict(aggregator.standing("BTCUSDT").fit_since)
        eventually(lambda: {event.source for event in seen.of("source_handed_over")}
                   == {"binance", "okx"})
        assert aggregator.standing("BTCUSDT").fit_since == since
        assert not seen.switches and not seen.of("source_disconnected")
        assert aggregator.healthy


def test_a_slow_round_trip_makes_a_source_unfit(sandbox: Sandbox) -> None:
    """K6."""
    with aggregating(sandbox) as (aggregator, _):
        both_up(aggregator)
        session = aggregator.feeds["binance"]._session
        assert session is not None
        session.pings.latency_s = 0.6
        eventually(lambda: aggregator.active_source == "okx")
        assert aggregator.standing("BTCUSDT").reason == "latency 600 ms"


def test_one_symbol_may_die_while_its_neighbours_live(sandbox: Sandbox) -> None:
    with aggregating(sandbox, ("BTCUSDT", "ETHUSDT")) as (aggregator, seen):
        both_up(aggregator)
        eventually(lambda: aggregator.standing("ETHUSDT").active == "binance")
        sandbox.fault("binance", "symbol", "ETHUSDT")
        eventually(lambda: aggregator.standing("ETHUSDT").active == "okx")
        assert aggregator.active_source == "binance"
        assert [event.symbol for event in seen.of("source_switch")] == ["ETHUSDT"]


def test_average_is_the_mean_of_both(sandbox: Sandbox) -> None:
    """K8."""
    with Sandbox(rate=0) as quiet, aggregating(
            quiet, conflict_resolution="average", max_source_latency=5000) as (aggregator, _):
        eventually(lambda: len(quiet.subscriptions("binance") + quiet.subscriptions("okx")) == 4)
        quiet.push_ticker("binance", "BTCUSDT", 60_000.0, bid=59_999.0, ask=60_001.0)
        quiet.push_ticker("okx", "BTCUSDT", 60_020.0, bid=60_019.0, ask=60_021.0)
        quote = eventually(lambda: (found := aggregator.latest_price("BTCUSDT"))
                           and found.price == 60_010.0 and found)
        assert (quote.exchange, quote.exchanges) == (None, ("binance", "okx"))
        assert (quote.bid, quote.ask) == (60_009.0, 60_011.0)


def test_latest_is_the_youngest_by_receipt_whatever_the_stamps_say() -> None:
    """K7."""
    with Sandbox(rate=0) as quiet, aggregating(
            quiet, conflict_resolution="latest", max_source_latency=5000) as (aggregator, _):
        eventually(lambda: len(quiet.subscriptions("binance") + quiet.subscriptions("okx")) == 4)
        ahead = int(monotonic()) + 4_000_000_000_000  # a clock that runs ahead by decades
        quiet.push_ticker("okx", "BTCUSDT", 60_010.0, event_ms=ahead)
        eventually(lambda: (q := aggregator.latest_price("BTCUSDT")) and q.price == 60_010.0)
        quiet.push_ticker("binance", "BTCUSDT", 60_000.0)
        eventually(lambda: (q := aggregator.latest_price("BTCUSDT")) and q.price == 60_000.0)


def test_a_quick_secondary_does_not_keep_the_start(sandbox: Sandbox) -> None:
    with aggregating(sandbox, primary_exchange="okx", failback_after=60_000) as (aggregator, seen):
        eventually(lambda: aggregator.active_source == "okx")
        assert seen.switches == []


def test_disconnecting_fires_no_failover(sandbox: Sandbox) -> None:
    """K17."""
    with aggregating(sandbox) as (aggregator, seen):
        both_up(aggregator)
    assert seen.switches == [] and seen.of("failover_failed") == []
    assert [event.reason for event in seen.of("source_disconnected")] == ["stopped", "stopped"]


def test_each_update_reaches_its_listener_exactly_once() -> None:
    with Sandbox(rate=0) as quiet, aggregating(quiet) as (aggregator, _):
        updates: list[MarketDataUpdate] = []
        aggregator.on("market_data", updates.append)
        eventually(lambda: len(quiet.subscriptions("binance")) == 2)
        for price in range(1, 101):
            quiet.push_trade("binance", "BTCUSDT", float(price))
        eventually(lambda: sum(update.exchange == "binance" for update in updates) >= 100)
        trades = [u.price for u in updates if u.exchange == "binance" and u.type == "trade"]
        assert trades[-100:] == [float(price) for price in range(1, 101)]


def test_connect_can_wait_and_fails_when_nobody_comes(sandbox: Sandbox) -> None:
    """K18: a refused port is known at once and not after a time-out."""
    with aggregating(sandbox, connect=False) as (aggregator, _):
        assert aggregator.connect(timeout=5.0) == 2
    sandbox.fault("binance", "refuse")
    sandbox.fault("okx", "refuse")
    with aggregating(sandbox, connect=False) as (aggregator, _):
        with pytest.raises(ConnectError, match="no source connected: binance: .*; okx: "):
            aggregator.connect(timeout=0.3)


def test_the_summary_comes_at_its_interval(sandbox: Sandbox) -> None:
    with aggregating(sandbox, connect=False, health_check_interval=100) as (aggregator, _):
        summaries: list[dict[str, Any]] = []
        aggregator.on("health", summaries.append)
        aggregator.connect()
        eventually(lambda: len(summaries) >= 3)
        assert list(summaries[-1]) == ["healthy", "active_source", "connected_sources",
                                       "total_sources", "sources", "update_count", "last_update"]


def test_a_primary_outside_the_exchanges_is_refused() -> None:
    """K13."""
    with pytest.raises(ValueError, match="primary_exchange must be of binance, okx, got 'kraken'"):
        MultiSourceWebSocketAggregator(primary_exchange="kraken")


@pytest.mark.parametrize("options", [
    {"exchanges": ("binance", "krakken")}, {"conflict_resolution": "avrage"}])
def test_options_that_are_none_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be of"):
        MultiSourceWebSocketAggregator(**options)


def test_a_kind_that_is_none_is_refused() -> None:
    aggregator = MultiSourceWebSocketAggregator()
    with pytest.raises(ValueError, match="kinds must be of trade, ticker, orderbook"):
        aggregator.subscribe("BTCUSDT", ["ticker", "bogus"])  # type: ignore[list-item]


def test_constructing_starts_nothing() -> None:
    """K12."""
    aggregator = MultiSourceWebSocketAggregator()
    assert not any(worker.alive for worker in aggregator.workers)
    assert aggregator.active_source is None and aggregator.latest_price("BTCUSDT") is None
