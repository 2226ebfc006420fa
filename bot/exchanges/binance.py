"""Binance spot market streams.

Source: binance/binance-spot-api-docs, web-socket-streams.md of 2026-07-21: combined streams at
/stream, SUBSCRIBE requests, at most 5 messages/s from the client (pongs count too), server ping
every 20 s. bookTicker carries no event type and no time; old trades carry order ids in `a` and `b`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.errors import ExchangeError, short, shown
from bot.exchanges.base import UNREADABLE, Stamp, amount, price, spread, unreadable
from bot.model import MarketDataUpdate, UpdateType
from bot.symbols import Symbol

NAME = "binance"
WS_URL = "wss://stream.binance.com:9443"
REST_URL = "https://api.binance.com"
PING: str | None = None
PONG: bytes | None = None
SENDS_PER_S = 3

CHANNELS: dict[UpdateType, str] = {"ticker": "ticker", "trade": "trade", "orderbook": "bookTicker"}
STREAMS_PER_REQUEST = 200


class _Payload(msgspec.Struct, gc=False):
    event: str | None = msgspec.field(name="e", default=None)
    event_ms: Stamp | None = msgspec.field(name="E", default=None)
    symbol: str | None = msgspec.field(name="s", default=None)
    last: float | None = msgspec.field(name="c", default=None)
    traded: float | list[Any] | None = msgspec.field(name="p", default=None)
    size: float | None = msgspec.field(name="q", default=None)
    day_volume: float | None = msgspec.field(name="v", default=None)
    bid: float | list[Any] | None = msgspec.field(name="b", default=None)
    ask: float | list[Any] | None = msgspec.field(name="a", default=None)
    # Without the envelope of a combined stream the payload stands alone; replies never have one.
    data: "_Payload | None" = None
    error: dict[str, Any] | None = None
    code: int | None = None
    msg: str | None = None


_decode = msgspec.json.Decoder(_Payload, strict=False).decode


def stream_url(base: str) -> str:
    return base.rstrip("/") + "/stream"


def native(symbol: Symbol) -> str:
    return symbol.name


def subscribe(natives: Sequence[str], kinds: Sequence[UpdateType]) -> list[str]:
    streams = [f"{name.lower()}@{CHANNELS[kind]}" for name in natives for kind in kinds]
    parts = [streams[i:i + STREAMS_PER_REQUEST]
             for i in range(0, len(streams), STREAMS_PER_REQUEST)]
    return [
        msgspec.json.encode({"method": "SUBSCRIBE", "params": part, "id": number}).decode()
        for number, part in enumerate(parts, 1)
    ]


def parse(
    frame: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
) -> list[MarketDataUpdate]:
    try:
        outer = _decode(frame)
        if outer.code is not None or outer.error is not None:
            raise ExchangeError(f"{NAME}: {short(outer.msg or outer.error)} in {shown(frame)}")
        message = outer.data or outer
        symbol = symbols.get(message.symbol or "")
        if symbol is None:
            return []
        return _updates(message, symbol, received_at, received_mono)
    except UNREADABLE as error:
        raise unreadable(NAME, frame, error) from error


def _updates(
    message: _Payload, symbol: str, received_at: int, received_mono: float
) -> list[MarketDataUpdate]:
    kind: UpdateType
    event, bid, ask = message.event, message.bid, message.ask
    if event == "trade" or event == "aggTrade":
        # in old trades `a` and `b` are order ids
        kind, value, volume, bid, ask = "trade", message.traded, message.size, None, None
    elif event == "24hrTicker" or event == "24hrMiniTicker":
        kind, value, volume = "ticker", message.last, message.day_volume
    elif event is None and bid is not None and ask is not None:
        kind, value, volume = "orderbook", None, None
    else:
        return []
    bid, ask = spread(bid, ask)  # type: ignore[arg-type]  # a list is a TypeError: unreadable
    if kind == "orderbook":
        if bid is None or ask is None:
            return []
        value = (bid + ask) / 2
    return [MarketDataUpdate(
        NAME, symbol, kind, price(value),  # type: ignore[arg-type]  # likewise
        amount(volume), bid, ask, message.event_ms, received_at, received_mono,
    )]
