"""Faults of content, as a raw client sees them: prices, stamps, order, and REST."""

import json
from typing import Any

import pytest
import requests
import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect, ask, both, subscribe_okx

NOW_MS = 1_800_000_000_000


def trade(client: websocket.WebSocket) -> dict[str, Any]:
    """Price (px), time (ts) and id of the next trade, of either shape."""
    frame = json.loads(client.recv())
    if "arg" in frame:
        [row] = frame["data"]
        return {"px": float(row["px"]), "ts": int(row["ts"]), "id": row["tradeId"]}
    return {"px": float(frame["data"]["p"]), "ts": frame["data"]["T"], "id": frame["data"]["t"]}


def prices(client: websocket.WebSocket, count: int) -> list[float]:
    return [trade(client)["px"] for _ in range(count)]


def push(sandbox: Sandbox, exchange: str, *values: float) -> None:
    """Trades, a ms apart by their stamps."""
    for number, value in enumerate(values):
        sandbox.push_trade(exchange, "BTCUSDT", value, event_ms=NOW_MS + number)


@pytest.fixture(params=["binance", "okx"])
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(sandbox: Sandbox, connect: Connect, exchange: str) -> websocket.WebSocket:
    """Has subscribed to the trades of BTCUSDT."""
    return dict(zip(("binance", "okx"), both(sandbox, connect)))[exchange]


def test_frozen_prices_go_on_with_new_stamps_and_ids(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    push(sandbox, exchange, 100.0)
    sandbox.fault(exchange, "frozen")
    push(sandbox, exchange, 101.0, 102.0)
    rows = [trade(client) for _ in range(3)]
    assert [row["px"] for row in rows] == [100.0] * 3
    assert [row["ts"] for row in rows[1:]] == [NOW_MS, NOW_MS + 1]
    assert len({row["id"] for row in rows}) == 3
    assert sandbox.true_price(exchange, "BTCUSDT") == 102.0
    sandbox.heal(exchange)
    push(sandbox, exchange, 103.0)
    assert trade(client)["px"] == 103.0


def test_a_replay_sends_old_messages_in_order_with_their_stamps(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    push(sandbox, exchange, 1.0, 2.0, 3.0)
    before = [client.recv() for _ in range(3)]
    sandbox.fault(exchange, "replay", 60)
    push(sandbox, exchange, 4.0, 5.0, 6.0, 7.0)
    assert [client.recv() for _ in range(4)] == [*before, before[0]]
    sandbox.heal(exchange)
    push(sandbox, exchange, 8.0)
    assert trade(client)["px"] == 8.0


def test_a_replay_of_nothing_is_nothing(sandbox: Sandbox, connect: Connect) -> None:
    both(sandbox, connect)
    sandbox.fault("binance", "replay")
    assert sandbox.push_trade("binance", "BTCUSDT", 1.0) == 0


@pytest.mark.parametrize(("fault", "value", "by_ms"), [
    ("ahead", 60, 60_000), ("behind", 60, -60_000), ("ahead", None, 3_600_000)])
def test_stamps_run_ahead_or_lag_behind(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str,
    fault: str, value: float | None, by_ms: int,
) -> None:
    sandbox.fault(exchange, fault, value)
    push(sandbox, exchange, 5.0)
    row = trade(client)
    assert (row["px"], row["ts"]) == (5.0, NOW_MS + by_ms)


@pytest.mark.parametrize(("unit", "stamp"), [
    ("s", NOW_MS // 1000), (None, NOW_MS * 1000), ("ns", NOW_MS * 10**6)])
def test_stamps_come_in_another_unit(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str, unit: str | None, stamp: int
) -> None:
    sandbox.fault(exchange, "unit", unit)
    push(sandbox, exchange, 5.0)
    assert trade(client)["ts"] == stamp


def test_first_pushes_lie_about_their_time_too(connect: Connect) -> None:
    with Sandbox(rate=0, snapshot_age_s=10) as sandbox:
        sandbox.fault("okx", "unit", "s")
        [first] = subscribe_okx(connect(sandbox.ws_url("okx")), "trades:BTC-USDT")
        assert len(first["data"][0]["ts"]) == 10


def test_spikes_stand_alone_and_to_both_sides(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    sandbox.fault(exchange, "spike", 50)
    push(sandbox, exchange, *[100.0] * 200)
    told = prices(client, 200)
    assert {round(value) for value in told} == {95, 100, 105}
    wild = [value != 100.0 for value in told]
    assert not any(one and other for one, other in zip(wild, wild[1:]))
    assert 40 < sum(wild) < 95


def test_prices_creep_away(sandbox: Sandbox, client: websocket.WebSocket, exchange: str) -> None:
    sandbox.fault(exchange, "drift", 1000)

    def told() -> float:
        push(sandbox, exchange, 100.0)
        return float(trade(client)["px"])

    first = told()
    assert first >= 100.0
    eventually(lambda: told() > first + 1)


@pytest.mark.parametrize(("fault", "value", "told"), [
    ("scale", None, 1000.0), ("scale", 0.1, 10.0), ("invert", None, 0.01)])
def test_prices_are_of_another_scale(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str,
    fault: str, value: float | None, told: float,
) -> None:
    sandbox.fault(exchange, fault, value)
    push(sandbox, exchange, 100.0)
    assert trade(client)["px"] == pytest.approx(told)
    assert sandbox.true_price(exchange, "BTCUSDT") == 100.0


def test_quotes_are_crossed(sandbox: Sandbox, connect: Connect) -> None:
    binance = connect(sandbox.ws_url("binance") + "/stream?streams=btcusdt@bookTicker")
    okx = connect(sandbox.ws_url("okx"))
    subscribe_okx(okx, "bbo-tbt:BTC-USDT")
    eventually(lambda: sandbox.connections("binance"))
    for name in ("binance", "okx"):
        sandbox.fault(name, "crossed")
        assert sandbox.push_book(name, "BTCUSDT", 99.0, 101.0) == 1
    quote = json.loads(binance.recv())["data"]
    assert (float(quote["b"]), float(quote["a"])) == (101.0, 99.0)
    [book] = json.loads(okx.recv())["data"]
    assert (book["bids"][0][0], book["asks"][0][0]) == ("101", "99")


def test_tickers_are_empty(sandbox: Sandbox, connect: Connect) -> None:
    binance = connect(sandbox.ws_url("binance") + "/ws/btcusdt@ticker")
    okx = connect(sandbox.ws_url("okx"))
    subscribe_okx(okx, "tickers:BTC-USDT")
    eventually(lambda: sandbox.connections("binance"))
    for name in ("binance", "okx"):
        sandbox.fault(name, "empty")
        assert sandbox.push_ticker(name, "BTCUSDT", 100.0) == 1
    ticker = json.loads(binance.recv())
    assert (float(ticker["c"]), float(ticker["b"]), float(ticker["a"])) == (100.0, 0.0, 0.0)
    assert "v" not in ticker and "q" not in ticker
    [row] = json.loads(okx.recv())["data"]
    assert (row["last"], row["bidPx"], row["askPx"], row["vol24h"]) == ("100", "", "", "")


def test_every_fifth_message_is_overtaken(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    sandbox.fault(exchange, "swap")
    push(sandbox, exchange, *map(float, range(1, 10)))
    sandbox.heal(exchange)
    push(sandbox, exchange, 10.0, 11.0)
    assert prices(client, 11) == [1, 2, 3, 5, 4, 6, 7, 8, 10, 9, 11]


def test_messages_come_twice(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    sandbox.fault(exchange, "twice")
    push(sandbox, exchange, 1.0, 2.0)
    frames = [client.recv() for _ in range(4)]
    assert frames[0] == frames[1] and frames[2] == frames[3] and frames[1] != frames[2]


def test_a_slow_stream_sends_every_nth_message(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    sandbox.fault(exchange, "slow", 3)
    push(sandbox, exchange, *map(float, range(1, 10)))
    assert prices(client, 3) == [3.0, 6.0, 9.0]


def test_faults_work_together(
    sandbox: Sandbox, client: websocket.WebSocket, exchange: str
) -> None:
    for fault, value in (("ahead", 60), ("wrong", 10), ("slow", 2), ("twice", None)):
        sandbox.fault(exchange, fault, value)
    push(sandbox, exchange, 100.0, 200.0)
    for row in (trade(client), trade(client)):
        assert (row["px"], row["ts"]) == (pytest.approx(220.0), NOW_MS + 60_001)


def test_a_flapping_connection_is_cut_again_and_again(sandbox: Sandbox, connect: Connect) -> None:
    old, _ = both(sandbox, connect)
    sandbox.fault("binance", "flap", 0.2)
    for client in (old, *(connect(sandbox.ws_url("binance") + "/stream") for _ in range(2))):
        with pytest.raises((ConnectionResetError, websocket.WebSocketConnectionClosedException)):
            client.recv()
    sandbox.heal()
    last = connect(sandbox.ws_url("binance") + "/ws/btcusdt@trade")
    eventually(lambda: sandbox.push_trade("binance", "BTCUSDT", 7.0))
    assert '"7.00000000"' in last.recv()


def test_new_connections_are_deaf_and_old_ones_are_not(sandbox: Sandbox, connect: Connect) -> None:
    _, old = both(sandbox, connect)
    sandbox.fault("okx", "deaf")
    new = connect(sandbox.ws_url("okx"))
    request = {"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]}
    assert ask(new, request)["event"] == "subscribe"
    assert sandbox.push_trade("okx", "BTCUSDT", 5.0) == 1
    assert trade(old)["px"] == 5.0
    new.send("ping")
    assert new.recv() == "pong", "no data before it"
    sandbox.heal("okx")
    assert sandbox.push_trade("okx", "BTCUSDT", 6.0) == 2
    assert trade(new)["px"] == 6.0


def test_rest_lies_only_when_it_is_told_to(sandbox: Sandbox) -> None:
    url = sandbox.rest_url("okx") + "/api/v5/market/ticker?instId=BTC-USDT"

    def asked() -> dict[str, str]:
        [row] = requests.get(url, timeout=5).json()["data"]
        return dict(row)

    sandbox.fault("okx", "wrong", 10)
    assert asked()["last"] == "60000"
    sandbox.fault("okx", "rest_stale")
    before = asked()
    push(sandbox, "okx", 61_000.0)
    assert asked() == before
    sandbox.fault("okx", "rest_wrong", 10)
    assert float(asked()["last"]) == pytest.approx(66_000)
    sandbox.heal("okx", "rest_stale")
    assert float(asked()["last"]) == pytest.approx(67_100)
    sandbox.heal("okx")
    assert asked()["last"] == "61000"
