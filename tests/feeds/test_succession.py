"""A connection is replaced by a second one while data flow, over sockets, on practice exchanges.

Every trade that the exchange made after the subscription must arrive exactly once.
"""

import gc
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import time
from urllib.parse import urlsplit

import pytest

from bot.feeds import handover as handover_module
from bot.feeds import planning as planning_module
from bot.feeds import succession as succession_module
from bot.feeds.connection import Connection
from bot.feeds.handover import Overlap
from bot.feeds.session import Session
from bot.sandbox.server import Sandbox
from tests.feeds.watched import Watched, running
from tests.helpers import eventually
from tests.servers import Relay, raw_server

BOTH = pytest.mark.parametrize("exchange", ["binance", "okx"])
RATE = 200.0
HANDOVERS = 1000


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Trades flow, of one symbol."""
    with Sandbox(("BTCUSDT", "ETHUSDT"), rate=RATE) as sandbox:
        yield sandbox


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times that a test can wait for."""
    monkeypatch.setattr(handover_module, "QUIET_S", 0.3)
    monkeypatch.setattr(handover_module, "PATIENCE_S", 1.0)
    monkeypatch.setattr(succession_module, "TRIAL_S", 1.5)


def wish(watched: Watched, reason: str = "a test") -> None:
    watched.feed._succession.plan.wish(reason)


def handed_over(watched: Watched) -> list[str]:
    return watched.reasons("source_handed_over")


def trades(watched: Watched, symbol: str = "BTCUSDT") -> list[int]:
    found = [update for update in watched.updates
             if update.type == "trade" and update.symbol == symbol]
    assert all(update.event_id is not None for update in found)
    return [update.event_id or 0 for update in found]


def nothing_is_lost_or_told_twice(watched: Watched, symbol: str = "BTCUSDT") -> None:
    """The practice exchanges number their trades without holes."""
    numbers = trades(watched, symbol)
    assert len(numbers) > 1
    assert [number for number, count in Counter(numbers).items() if count > 1] == []
    assert sorted(set(range(min(numbers), max(numbers) + 1)) - set(numbers)) == []


@contextmanager
def flowing(sandbox: Sandbox, exchange: str, url: str = "", symbols: tuple[str, ...] = ("BTCUSDT",),
            age_s: float = 1e6) -> Iterator[Watched]:
    """A feed that has trades already, and that ends with nothing lost and nothing told twice."""
    watched = Watched(exchange, [url or sandbox.ws_url(exchange)], symbols, ("trade",),
                      max_connection_age_s=age_s)
    with running(watched):
        eventually(lambda: trades(watched))
        yield watched
    nothing_is_lost_or_told_twice(watched)


@contextmanager
def relay_to(sandbox: Sandbox, exchange: str) -> Iterator[tuple[Relay, str]]:
    """Returns: it, and the URL that leads through it."""
    parts = urlsplit(sandbox.ws_url(exchange))
    relay = Relay(parts.port or 0)
    with raw_server(relay.behave) as server:
        yield relay, f"ws://127.0.0.1:{server.port}{parts.path}"


@contextmanager
def relayed(sandbox: Sandbox, exchange: str) -> Iterator[tuple[Relay, Watched]]:
    with relay_to(sandbox, exchange) as (relay, url):
        with flowing(sandbox, exchange, url) as watched:
            yield relay, watched


@pytest.mark.parametrize("exchange, handovers", [("binance", HANDOVERS), ("okx", 100)])
def test_handovers_in_a_row_lose_nothing_tell_nothing_twice_and_leave_nothing_behind(
    exchange: str, handovers: int
) -> None:
    with Sandbox(("BTCUSDT",), rate=RATE) as sandbox, flowing(sandbox, exchange) as watched:
        since = watched.feed.health().connected_since
        before = (0, 0, 0.0)
        for number in range(handovers):
            if number == handovers // 10:
                before = threads(), descriptors(), rss_mb()
            wish(watched)
            eventually(lambda: len(handed_over(watched)) > number)
        assert watched.names() == ["source_connected"] + ["source_handed_over"] * handovers
        assert watched.feed.health().connected_since == since
        # the practice exchange needs a moment to see that a client is gone
        eventually(lambda: threads() <= before[0] + 2 and descriptors() <= before[1] + 4)
        assert rss_mb() - before[2] < 8.0, "mostly what the practice exchange keeps for a replay"
        gc.collect()
        left = [one for one in gc.get_objects() if type(one) in (Session, Connection, Overlap)]
        assert len(left) <= 6
        assert sandbox.violations(exchange) == 0
    assert watched.feed.health().errors == 0


def threads() -> int:
    return threading.active_count()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@BOTH
def test_a_connection_that_reaches_its_age_is_replaced(sandbox: Sandbox, exchange: str) -> None:
    with flowing(sandbox, exchange, age_s=0.5) as watched:
        eventually(lambda: len(handed_over(watched)) >= 3)
        assert handed_over(watched)[0] == "it was 0.0 h old"
        assert watched.connected


@BOTH
def test_tickers_are_handed_over_like_trades(sandbox: Sandbox, exchange: str) -> None:
    watched = Watched(exchange, [sandbox.ws_url(exchange)], ("BTCUSDT", "ETHUSDT"),
                      ("ticker", "trade", "orderbook"))
    with running(watched):
        eventually(lambda: trades(watched))
        wish(watched)
        eventually(lambda: handed_over(watched))
        count = len(watched.updates)
        eventually(lambda: len(watched.updates) > count + 300)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        nothing_is_lost_or_told_twice(watched, symbol)
    books = Counter((update.symbol, update.event_id) for update in watched.updates
                    if update.type == "orderbook")
    assert max(books.values()) == 1


@pytest.mark.parametrize("exchange, reason", [
    ("binance", "serverShutdown announced"),
    ("okx", "notice 64008, The connection will soon be closed for a service upgrade. "
            "Please reconnect"),
])
def test_an_announced_close_comes_too_late_to_be_noticed(
    sandbox: Sandbox, exchange: str, reason: str
) -> None:
    with flowing(sandbox, exchange) as watched:
        sandbox.fault(exchange, "notice", 1.0)
        eventually(lambda: handed_over(watched) == [reason])
        first = len(trades(watched))
        eventually(lambda: len(trades(watched)) > first + RATE)
        assert watched.names() == ["source_connected", "source_handed_over"]
        assert watched.feed.health().errors == 0


@BOTH
def test_a_second_connection_that_is_refused_changes_nothing(
    sandbox: Sandbox, exchange: str
) -> None:
    with flowing(sandbox, exchange) as watched:
        sandbox.fault(exchange, "reject", 503)
        wish(watched)
        eventually(lambda: watched.feed.health().errors >= 3)
        told = watched.reasons("source_error")[0]
        assert "no second connection (a test)" in told and "503" in told and "next attempt" in told
        assert not handed_over(watched) and sandbox.connections(exchange) == 1
        sandbox.heal(exchange)
        eventually(lambda: handed_over(watched))
    assert "source_disconnected" not in watched.names()[:-1]


@BOTH
def test_a_second_connection_that_never_delivers_is_given_up(
    quick: None, sandbox: Sandbox, exchange: str
) -> None:
    with flowing(sandbox, exchange) as watched:
        sandbox.fault(exchange, "deaf")
        wish(watched)
        told = eventually(lambda: watched.reasons("source_error"))[0]
        assert "not as good within 2 s (no data)" in told
        assert not handed_over(watched)
        sandbox.heal(exchange)
        eventually(lambda: handed_over(watched))


def test_a_first_connection_that_dies_meanwhile_is_replaced_at_once(sandbox: Sandbox) -> None:
    with relayed(sandbox, "okx") as (relay, watched):
        sandbox.fault("okx", "deaf")  # so that the second one is open for long
        since = watched.feed.health().connected_since
        wish(watched)
        eventually(lambda: sandbox.connections("okx") == 2)
        eventually(lambda: watched.feed._succession.second)
        relay.cut(0)
        # what has not delivered yet cannot take over without a gap: this is a loss, and told as one
        eventually(lambda: watched.names() == [
            "source_connected", "source_disconnected", "source_connected"])
        again = watched.feed.health().connected_since
        assert since is not None and again is not None and again > since
        eventually(lambda: sandbox.connections("okx") == 1)  # once the exchange has seen it, too
        watched.updates.clear()
        sandbox.heal("okx")
        eventually(lambda: len(trades(watched)) > 100)


def test_a_first_connection_that_dies_while_the_second_is_dialled_is_an_ordinary_loss(
    sandbox: Sandbox
) -> None:
    with relayed(sandbox, "okx") as (relay, watched):
        relay.lags_s[1] = 0.5  # its handshake takes that long
        wish(watched)
        eventually(lambda: watched.feed._hosts.dialling)
        relay.cut(0)
        eventually(lambda: watched.names() == [
            "source_connected", "source_disconnected", "source_connected"])
        assert "next attempt at once" in watched.reasons("source_disconnected")[0]
        watched.updates.clear()
        eventually(lambda: len(trades(watched)) > 100)
        assert sandbox.connections("okx") == 1  # the one that was being dialled


@BOTH
@pytest.mark.parametrize("lag_s", [0.1, 0.7])
def test_an_old_connection_may_lag(sandbox: Sandbox, exchange: str, lag_s: float) -> None:
    with relayed(sandbox, exchange) as (relay, watched):
        relay.lags_s[0] = lag_s
        wish(watched)
        eventually(lambda: handed_over(watched))
        count = len(trades(watched))
        eventually(lambda: len(trades(watched)) > count + 200)
        in_order = trades(watched)
        assert in_order != sorted(in_order), "the late ones came after newer ones"


@BOTH
def test_a_new_connection_may_lag_a_little(sandbox: Sandbox, exchange: str) -> None:
    with relayed(sandbox, exchange) as (relay, watched):
        relay.lags_s[1] = 0.4
        wish(watched)
        eventually(lambda: handed_over(watched))
        count = len(trades(watched))
        eventually(lambda: len(trades(watched)) > count + 200)
        assert trades(watched) == sorted(trades(watched))


def test_a_new_connection_that_lags_far_behind_is_given_up(
    quick: None, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr(handover_module, "BEHIND_S", 0.2)
    with relayed(sandbox, "binance") as (relay, watched):
        relay.lags_s[1] = 0.5
        wish(watched)
        assert "BTCUSDT trade: 0." in eventually(lambda: watched.reasons("source_error"))[0]
        assert " s behind)" in watched.reasons("source_error")[0]
        assert eventually(lambda: handed_over(watched))  # the next one does not lag


def test_a_late_trade_is_told_and_never_puts_the_price_back() -> None:
    """Not even one of the same millisecond."""
    with Sandbox(("BTCUSDT",), rate=0) as sandbox, relay_to(sandbox, "binance") as (relay, url):
        with running(Watched("binance", [url], kinds=("trade",))) as watched:
            eventually(lambda: sandbox.subscriptions("binance"))
            relay.lags_s[0] = 1.0
            sandbox.push_trade("binance", "BTCUSDT", 100.0, event_ms=(ms := int(time() * 1000)))
            wish(watched)
            eventually(lambda: len(sandbox.received("binance")) == 2)
            eventually(lambda: sandbox.push_trade("binance", "BTCUSDT", 101.0, event_ms=ms) == 2)
            eventually(lambda: [update.price for update in watched.updates] == [101.0])
            eventually(lambda: [update.price for update in watched.updates] == [101.0, 100.0])
            held = watched.store.get("binance", "BTCUSDT", "trade")
            assert held is not None and held.price == 101.0
        nothing_is_lost_or_told_twice(watched)


def test_first_pushes_that_are_hours_old_are_no_fault(quick: None) -> None:
    with Sandbox(("BTCUSDT", "ETHUSDT"), rate=0, snapshot_age_s=7.4 * 3600) as sandbox:
        with running(Watched("okx", [sandbox.ws_url("okx")], ("BTCUSDT", "ETHUSDT"))) as watched:
            eventually(lambda: len(sandbox.subscriptions("okx")) == 4)
            for _ in range(3):
                sandbox.push_trade("okx", "BTCUSDT", 60_000.0)
                eventually(lambda: sandbox.push_ticker("okx", "BTCUSDT", 60_000.0))
            eventually(lambda: len(watched.updates) == 10)
            session = watched.feed._session
            watched.feed.intake.known.lag.known = True  # as after some seconds of a live market
            wish(watched)
            eventually(lambda: handed_over(watched))
            assert session is not watched.feed._session
            assert watched.feed.health().errors == 0 and len(watched.updates) == 10


def test_a_quiet_symbol_keeps_nobody_waiting(quick: None, sandbox: Sandbox) -> None:
    with flowing(sandbox, "binance", symbols=("BTCUSDT", "ETHUSDT")) as watched:
        sandbox.fault("binance", "symbol", "ETHUSDT")
        wish(watched)
        eventually(lambda: handed_over(watched))
        sandbox.heal("binance")
        eventually(lambda: trades(watched, "ETHUSDT"))


def test_a_preferred_host_that_is_back_takes_over(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr(planning_module, "BETTER_EVERY_S", 0.2)
    with relay_to(sandbox, "binance") as (relay, preferred):
        relay.refusing = True
        urls = [preferred, sandbox.ws_url("binance")]
        with running(Watched("binance", urls, kinds=("trade",))) as watched:
            eventually(lambda: trades(watched))
            errors = watched.feed.health().errors
            refused = relay.accepted
            eventually(lambda: relay.accepted > refused + 1)
            assert watched.feed.health().errors == errors  # that it is still away is no error
            relay.refusing = False
            assert eventually(lambda: handed_over(watched)) == ["a preferred host answers again"]
            count = relay.accepted
            eventually(lambda: len(trades(watched)) > 100)
            assert watched.names().count("source_disconnected") == 0 and relay.accepted == count
        nothing_is_lost_or_told_twice(watched)
