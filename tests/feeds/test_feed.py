"""One connection's life, over real sockets, against the practice exchanges."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest
from websockets.sync.server import ServerConnection, serve

from bot.backoff import Backoff
from bot.feeds import feed as feed_module
from bot.feeds import pings as pings_module
from bot.feeds import session as session_module
from bot.sandbox.server import Sandbox
from bot.symbols import parse_symbol
from tests.feeds.watched import Watched, fed, running
from tests.helpers import eventually
from tests.servers import drip, raw_server, swallow

BOTH = pytest.mark.parametrize("exchange", ["binance", "okx"])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=0) as sandbox:
        yield sandbox


@BOTH
def test_both_channels_are_subscribed_and_trades_arrive(sandbox: Sandbox, exchange: str) -> None:
    with fed(sandbox, exchange) as watched:
        sandbox.push_trade(exchange, "BTCUSDT", 50_123.45, size=0.5)
        trade = eventually(lambda: watched.store.get(exchange, "BTCUSDT", "trade"))
        eventually(lambda: watched.store.get(exchange, "BTCUSDT", "trade") != trade or
                   trade.price == 50_123.45)
        sandbox.push_ticker(exchange, "BTCUSDT", 50_000.0, bid=49_999.0, ask=50_001.0)
        eventually(lambda: (found := watched.store.get(exchange, "BTCUSDT", "ticker"))
                   and found.price == 50_000.0)
    assert sandbox.violations(exchange) == 0


@BOTH
def test_the_round_trip_is_measured_at_once(sandbox: Sandbox, exchange: str) -> None:
    with fed(sandbox, exchange) as watched:
        latency = eventually(lambda: watched.feed.health().latency_s)
        assert 0.0 < latency < 1.0
    assert sandbox.violations(exchange) == 0


def test_okx_is_pinged_in_plain_text(sandbox: Sandbox) -> None:
    """K26: not in quotation marks, and its answer is no parse error."""
    with fed(sandbox, "okx") as watched:
        eventually(lambda: watched.feed.health().latency_s)
        assert watched.feed.health().errors == 0
    assert "ping" in [text for _, text in sandbox.received("okx")]


@BOTH
@pytest.mark.parametrize("fault", ["cut", "close"])
def test_a_lost_connection_is_opened_and_subscribed_again(
    sandbox: Sandbox, exchange: str, fault: str
) -> None:
    with fed(sandbox, exchange) as watched:
        for round_ in range(3):
            sandbox.fault(exchange, fault)
            eventually(lambda: watched.names().count("source_disconnected") == round_ + 1)
            eventually(lambda: watched.connected and len(sandbox.subscriptions(exchange)) == 2)
    assert watched.names().count("source_connected") == 4
    if fault == "close":
        assert "code 1001" in watched.reasons("source_disconnected")[0]


@BOTH
def test_a_source_that_was_down_at_the_start_is_subscribed_later(
    sandbox: Sandbox, exchange: str
) -> None:
    """K2."""
    sandbox.fault(exchange, "refuse")
    with running(Watched(exchange, [sandbox.ws_url(exchange)])) as watched:
        eventually(lambda: watched.feed.health().errors >= 3)
        assert len(watched.events) == 1  # the same error is counted, not told again
        sandbox.heal(exchange)
        eventually(lambda: len(sandbox.subscriptions(exchange)) == 2)


@BOTH
def test_a_symbol_wanted_later_is_subscribed_on_the_open_connection(
    sandbox: Sandbox, exchange: str
) -> None:
    with fed(sandbox, exchange) as watched:
        watched.subscriptions.add(parse_symbol("ETHUSDT"), ["ticker", "trade"])
        eventually(lambda: len(sandbox.subscriptions(exchange)) == 4)
        sandbox.push_ticker(exchange, "ETHUSDT", 3_000.0)
        eventually(lambda: watched.store.get(exchange, "ETHUSDT", "ticker"))
        assert watched.names() == ["source_connected"]


@BOTH
def test_stopping_says_goodbye_and_never_reconnects(sandbox: Sandbox, exchange: str) -> None:
    """K17."""
    with fed(sandbox, exchange) as watched:
        pass
    eventually(lambda: sandbox.close_codes(exchange) == [1000])
    assert watched.names() == ["source_connected", "source_disconnected"]
    assert watched.reasons("source_disconnected") == ["stopped"]
    assert sandbox.connections(exchange) == 0


@BOTH
def test_junk_is_counted_and_harms_nothing(sandbox: Sandbox, exchange: str) -> None:
    """K15."""
    with fed(sandbox, exchange) as watched:
        for frame in ("{", "null", "[]", '"pong"', b"\x00\xff", '{"data":1}', "x" * 100_000):
            sandbox.send_raw(exchange, frame)
        for price in (0.0, -1.0, float("nan"), float("inf")):
            sandbox.push_trade(exchange, "BTCUSDT", price)
        sandbox.push_ticker(exchange, "BTCUSDT", 50_000.0)
        eventually(lambda: (found := watched.store.get(exchange, "BTCUSDT", "ticker"))
                   and found.price == 50_000.0)
        assert watched.feed.health().errors >= 8
        assert watched.connected
        assert all(0 < update.price < 1e9 for update in watched.updates)
        told = len(watched.events)
        for _ in range(50):
            sandbox.send_raw(exchange, "{")
        eventually(lambda: watched.feed.health().errors >= 58)
        assert len(watched.events) == told  # counted, not told again


@BOTH
def test_a_frame_of_ten_megabytes_is_refused_unread(sandbox: Sandbox, exchange: str) -> None:
    with fed(sandbox, exchange) as watched:
        sandbox.fault(exchange, "huge")
        eventually(lambda: "source_disconnected" in watched.names())
        assert "more than 1048576" in watched.reasons("source_disconnected")[0]
        eventually(lambda: watched.connected)


def test_fragments_without_end_are_refused() -> None:
    def flood(connection: ServerConnection) -> None:
        connection.send(b"x" * 1000 for _ in range(10_000))

    with websocket_server(flood) as url, running(Watched("binance", [url])) as watched:
        eventually(lambda: any("fragments" in reason
                               for reason in watched.reasons("source_disconnected")))


def test_pongs_that_nobody_asked_for_are_not_gathered() -> None:
    def flood(connection: ServerConnection) -> None:
        for _ in range(2000):
            connection.pong(b"unasked")
        connection.send('{"e":"trade","E":1700000000000,"s":"BTCUSDT","p":"1","q":"1","T":1}')
        connection.recv()
        connection.recv()

    with websocket_server(flood) as url, running(Watched("binance", [url])) as watched:
        eventually(lambda: watched.updates)
        session = watched.feed._session
        assert session is not None
        eventually(lambda: not session.connection.pongs, within=1.0)


def test_an_error_that_the_exchange_reports_is_told(sandbox: Sandbox) -> None:
    """K24."""
    with fed(sandbox, "okx") as watched:
        watched.subscriptions.add(parse_symbol("NOSUCH-USDT"), ["ticker"])
        reason = eventually(lambda: watched.reasons("source_error"))[0]
        assert "60018" in reason and "NOSUCH-USDT" in reason
        assert watched.feed.health().errors == 1


@BOTH
def test_a_half_open_connection_is_given_up(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, exchange: str
) -> None:
    """K21."""
    monkeypatch.setattr(pings_module, "EVERY_S", 0.5)
    monkeypatch.setattr(pings_module, "ANSWER_WITHIN_S", 0.3)
    with fed(sandbox, exchange) as watched:
        sandbox.fault(exchange, "mute")
        eventually(lambda: "source_disconnected" in watched.names())
        assert "no answer to a ping" in watched.reasons("source_disconnected")[0]
        sandbox.heal(exchange)
        eventually(lambda: watched.connected, within=10)


def test_a_ping_that_waits_counts_as_latency(sandbox: Sandbox) -> None:
    with fed(sandbox, "okx") as watched:
        eventually(lambda: watched.feed.health().latency_s)
        sandbox.fault("okx", "delay", 700)
        session = watched.feed._session
        assert session is not None
        session.pings._next = 0.0
        eventually(lambda: (watched.feed.health().latency_s or 0) > 0.3)


@BOTH
def test_silence_after_the_acknowledgement_opens_a_new_connection(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, exchange: str
) -> None:
    monkeypatch.setattr(session_module, "NO_DATA_S", 0.5)
    sandbox.fault(exchange, "silence")
    with running(Watched(exchange, [sandbox.ws_url(exchange)])) as watched:
        eventually(lambda: watched.names().count("source_connected") >= 2)
        assert "no data for" in watched.reasons("source_disconnected")[0]


def test_retry_after_is_honoured_and_the_next_url_is_tried_meanwhile(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "reject", 429)
    other = sandbox.ws_url("binance") + "/stream"
    with running(Watched("okx", [sandbox.ws_url("okx"), other])) as watched:
        eventually(lambda: watched.connected)
        eventually(lambda: sandbox.connections("binance") == 1)
        assert [reason for reason in watched.reasons("source_error") if "429" in reason] == [
            f"{sandbox.ws_url('okx')[5:20]}: handshake answered with HTTP status 429"
            "; next attempt at once"]


def test_a_place_that_is_refused_is_not_asked_again_soon(sandbox: Sandbox) -> None:
    sandbox.fault("binance", "reject", 451)
    with running(Watched("binance", [sandbox.ws_url("binance")])) as watched:
        eventually(lambda: watched.feed.health().errors == 1)
        assert "blocked" in eventually(lambda: watched.feed.health().detail)
        sandbox.heal("binance")
        assert not threading.Event().wait(0.3) and not watched.connected


Peer = Callable[[socket.socket, threading.Event], None]


@pytest.mark.parametrize("peer", [swallow, drip(b"HTTP/1.1 101 OK\r\nX: " + b"x" * 300)])
def test_a_handshake_without_end_is_given_up_and_stops_quickly(peer: Peer) -> None:
    with raw_server(peer) as server:
        url = f"ws://127.0.0.1:{server.port}"
        with running(Watched("binance", [url], handshake_s=0.3)) as watched:
            eventually(lambda: server.accepted >= 2)
            reason = watched.reasons("source_error")[0]
            assert "no answer within 0.3 s" in reason or "timed out" in reason
        with running(Watched("binance", [url], handshake_s=60.0)):
            eventually(lambda: server.accepted >= 3)  # and `running` sees it stop


def test_stops_quickly_while_a_look_up_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    def hang(*args: object, **options: object) -> list[object]:
        asked.set()
        answered.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with running(Watched("binance", ["ws://exchange.test"], handshake_s=60.0)):
        assert asked.wait(5.0)
    answered.set()


def test_stops_quickly_while_waiting_for_the_next_attempt() -> None:
    watched = Watched("binance", ["ws://127.0.0.1:1"])
    watched.feed._backoff = Backoff(60.0, 60.0, uniform=lambda low, high: high)
    with running(watched):
        eventually(lambda: watched.feed.health().errors == 1)


def test_runs_of_failures_are_forgotten_only_after_lasting_data(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr(feed_module, "SETTLED_S", 0.3)
    with fed(sandbox, "binance") as watched:
        backoff = watched.feed._backoff
        backoff._failures = 5
        sandbox.fault("binance", "cut")
        eventually(lambda: backoff._failures == 6)
        eventually(lambda: watched.connected and len(sandbox.subscriptions("binance")) == 2)
        eventually(lambda: sandbox.push_trade("binance", "BTCUSDT", 1.0) and not backoff._failures)


def test_a_hundred_reconnects_leave_nothing_behind(sandbox: Sandbox) -> None:
    with fed(sandbox, "binance") as watched:
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        threads = threading.active_count()
        for number in range(1, 101):
            sandbox.fault("binance", "cut")
            eventually(lambda: watched.names().count("source_disconnected") == number)
            eventually(lambda: watched.connected and sandbox.connections("binance") == 1)
        eventually(lambda: threading.active_count() <= threads + 1)
        eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= descriptors + 2)


def test_old_news_does_not_replace_newer(sandbox: Sandbox) -> None:
    with fed(sandbox, "binance") as watched:
        sandbox.push_trade("binance", "BTCUSDT", 2.0)
        eventually(lambda: watched.store.get("binance", "BTCUSDT", "trade"))
        sandbox.push_trade("binance", "BTCUSDT", 1.0, event_ms=1_700_000_000_000)
        eventually(lambda: watched.feed.health().messages_received == 2)
        leg = watched.store.leg("binance", "BTCUSDT", 5.0)
        assert leg is not None and leg.price == 2.0


def test_the_first_push_of_okx_is_as_old_as_it_says() -> None:
    with Sandbox(rate=0, snapshot_age_s=3600.0) as sandbox, fed(sandbox, "okx") as watched:
        eventually(lambda: watched.store.get("okx", "BTCUSDT", "trade"))
        leg = watched.store.leg("okx", "BTCUSDT", 5.0)
        trade = watched.store.get("okx", "BTCUSDT", "trade")
        assert leg is not None and trade is not None
        held = watched.store._entries["okx", "BTCUSDT", "trade"]
        assert trade.received_mono - held[1] > 3590.0


def test_a_close_frame_between_data_loses_no_data() -> None:
    def talk(connection: ServerConnection) -> None:
        for number in range(1, 4):
            connection.send(
                '{"e":"trade","E":1700000000000,"s":"BTCUSDT","p":"%d","q":"1"}' % number)
        connection.close(4004, "No data received in 30s")

    with websocket_server(talk) as url, running(Watched("binance", [url])) as watched:
        eventually(lambda: watched.reasons("source_disconnected"))
        assert [update.price for update in watched.updates[:3]] == [1.0, 2.0, 3.0]
        assert watched.reasons("source_disconnected")[0] == (
            "closed by the exchange, code 4004 (No data received in 30s); next attempt at once")


def test_a_reset_connection_is_a_loss(sandbox: Sandbox) -> None:
    def reset(connection: ServerConnection) -> None:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.socket.close()

    with websocket_server(reset) as url, running(Watched("binance", [url])) as watched:
        eventually(lambda: watched.reasons("source_disconnected"))


@BOTH
def test_a_drill_cuts_the_connection_and_ends_by_itself(sandbox: Sandbox, exchange: str) -> None:
    with fed(sandbox, exchange) as watched:
        began = monotonic()
        watched.feed.drill("cut", 1.0)
        eventually(lambda: not watched.connected, within=0.9)
        assert watched.feed.health().detail == "drill: cut for 1 s"
        eventually(lambda: watched.connected and len(sandbox.subscriptions(exchange)) == 2)
        assert 1.0 <= monotonic() - began < 2.0, "no pause as after a loss"
    assert watched.reasons("source_disconnected") == ["drill: cut for 1 s", "stopped"]
    assert watched.names().count("source_connected") == 2
    assert watched.feed.health().errors == 0


@BOTH
def test_a_drill_of_silence_throws_data_away_and_answers_pings(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, exchange: str
) -> None:
    monkeypatch.setattr(pings_module, "EVERY_S", 0.1)
    monkeypatch.setattr(pings_module, "ANSWER_WITHIN_S", 0.3)
    with fed(sandbox, exchange) as watched:
        watched.feed.drill("silence", 60.0)
        session = watched.feed._session
        assert session is not None
        sandbox.push_trade(exchange, "BTCUSDT", 7.0)
        sandbox.send_raw(exchange, "{")
        answered_to = session.pings.answered_to
        eventually(lambda: session.pings.answered_to > answered_to + 0.5)
        assert watched.connected and watched.feed.health().errors == 0
        assert watched.feed.health().detail == "drill: silence for 60 s"
        assert 7.0 not in [update.price for update in watched.updates]
        watched.feed.end_drill()
        sandbox.push_trade(exchange, "BTCUSDT", 8.0)
        eventually(lambda: 8.0 in [update.price for update in watched.updates])
        assert watched.feed.health().detail == "connected"


def test_a_drill_ends_a_second_connection_too(sandbox: Sandbox) -> None:
    with fed(sandbox, "binance") as watched:
        sandbox.fault("binance", "deaf")
        watched.feed._succession.plan.wish("a test")
        eventually(lambda: sandbox.connections("binance") == 2)
        watched.feed.drill("cut", 30.0)
        eventually(lambda: sandbox.connections("binance") == 0)
        assert watched.names() == ["source_connected", "source_disconnected"]


def test_stops_quickly_in_the_middle_of_a_drill(sandbox: Sandbox) -> None:
    with fed(sandbox, "binance") as watched:
        watched.feed.drill("cut", 60.0)
        eventually(lambda: not watched.connected)


@contextmanager
def websocket_server(behave: Callable[[ServerConnection], None]) -> Iterator[str]:
    with serve(behave, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, name="server")
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()
