"""Clients of the practice exchanges, written against the exchanges' own documentation."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually

Connect = Callable[..., websocket.WebSocket]
PATIENCE_S = 5.0


def ask(client: websocket.WebSocket, request: object) -> Any:
    client.send(json.dumps(request))
    return json.loads(client.recv())


def subscribe_binance(client: websocket.WebSocket, *streams: str) -> None:
    assert ask(client, {"method": "SUBSCRIBE", "params": streams, "id": 1}) == {
        "result": None, "id": 1}


def subscribe_okx(client: websocket.WebSocket, *topics: str) -> list[Any]:
    """Returns: the first pushes, one per topic."""
    args = [dict(zip(("channel", "instId"), topic.split(":"))) for topic in topics]
    client.send(json.dumps({"op": "subscribe", "args": args}))
    frames = [json.loads(client.recv()) for _ in 2 * args]
    assert [frame["event"] for frame in frames[:len(args)]] == ["subscribe"] * len(args)
    return frames[len(args):]


def both(sandbox: Sandbox, connect: Connect) -> Sequence[websocket.WebSocket]:
    """A Binance and an OKX client, each with trades of BTCUSDT."""
    binance, okx = connect(sandbox.ws_url("binance") + "/stream"), connect(sandbox.ws_url("okx"))
    subscribe_binance(binance, "btcusdt@trade")
    subscribe_okx(okx, "trades:BTC-USDT")
    eventually(lambda: sandbox.subscriptions("binance") and sandbox.subscriptions("okx"))
    return binance, okx
