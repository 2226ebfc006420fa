"""Binance spot market streams.

Source: binance/binance-spot-api-docs, web-socket-streams.md of 2026-07-21: combined streams at
/stream, SUBSCRIBE requests, at most 5 messages/s from the client (pongs count too), server ping
every 20 s. bookTicker carries no event type and no time; old trades carry order ids in `a` and `b`.
Trades and books are numbered (`t`, or `a` of an aggTrade; `u`). A close is announced by
`serverShutdown`, without a date. REST: rest-api.md and enums.md of the same day.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from bot.errors import ClosingSoon, ExchangeError, short, shown
from bot.exchanges.base import (
    UNREADABLE, Allowance, EventId, Stamp, amount, price, spread, unreadable,
)
from bot.model import MarketDataUpdate, UpdateType
from bot.symbols import Symbol

NAME = "binance"
WS_URL = "wss://stream.binance.com:9443"
REST_URL = "https://api.binance.com"
PING: str | None = None
PONG: bytes | None = None
SENDS_PER_S = 3
# rest-api.md, "IP Limits", and GET /api/v3/exchangeInfo (2026-09-15): weight
REST_ALLOWS = Allowance(limit=6_000, window_s=60.0, ticker=2, header="X-MBX-USED-WEIGHT-1M")
TRADING = "TRADING"  # others: END_OF_DAY, HALT, BREAK, CANCEL_ONLY
NOT_ON_SPOT = "TRADING, but not on spot"  # isSpotTradingAllowed is false
ELSEWHERE = ("wss://data-stream.binance.vision and https://data-api.binance.vision bring market "
             "data only, and answer where the others refuse")

INVALID_SYMBOL = -1121

CHANNELS: dict[UpdateType, str] = {"ticker": "ticker", "trade": "trade", "orderbook": "bookTicker"}
STREAMS_PER_REQUEST = 200


class _Payload(msgspec.Struct, gc=False):
    event: str | None = msgspec.field(name="e", default=None)
    event_ms: Stamp | None = msgspec.field(name="E", default=None)
    symbol: str | None = msgspec.field(name="s", default=None)
    trade_id: EventId | None = msgspec.field(name="t", default=None)
    book_id: EventId | None = msgspec.field(name="u", default=None)
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


class _Day(msgspec.Struct, gc=False):
    """What GET /api/v3/ticker/24hr answers, or the error in its place."""

    symbol: str = ""
    lastPrice: float | None = None
    bidPrice: float | None = None
    askPrice: float | None = None
    volume: float | None = None
    closeTime: Stamp | None = None
    code: int | None = None
    msg: str = ""


class _Reply(msgspec.Struct, gc=False):
    """To a request that was taken."""

    result: msgspec.Raw = msgspec.Raw()


class _Listed(msgspec.Struct, gc=False):
    symbol: str = ""
    status: str = ""
    isSpotTradingAllowed: bool = True

    @property
    def state(self) -> str:
        """Its status, where that means what it says: TRADING may be for margin only."""
        return self.status if self.isSpotTradingAllowed or self.status != TRADING else NOT_ON_SPOT


class _About(msgspec.Struct, gc=False):
    """What /api/v3/time and /api/v3/exchangeInfo answer, or the error in its place."""

    serverTime: Stamp | None = None
    symbols: list[_Listed] = []
    code: int | None = None
    msg: str = ""


_decode = msgspec.json.Decoder(_Payload, strict=False).decode
_decode_day = msgspec.json.Decoder(_Day, strict=False).decode
_decode_reply = msgspec.json.Decoder(_Reply).decode
_decode_about = msgspec.json.Decoder(_About).decode


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
            if message.event == "serverShutdown":
                raise ClosingSoon(f"{NAME}: serverShutdown announced")
            return []
        return _updates(message, symbol, received_at, received_mono)
    except UNREADABLE as error:
        raise unreadable(NAME, frame, error) from error


def is_acknowledgement(frame: bytes) -> bool:
    """It comes for names that do not exist too, and then nothing ever follows."""
    try:
        return bytes(_decode_reply(frame).result) == b"null"
    except UNREADABLE:
        return False


def ticker_url(base: str, native_symbol: str) -> str:
    """Weight 2 of the 6,000 a minute that an address may use."""
    return f"{base.rstrip('/')}/api/v3/ticker/24hr?symbol={native_symbol}"


def parse_ticker(
    body: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
) -> MarketDataUpdate:
    try:
        day = _decode_day(body)
        if day.code is not None:
            raise ExchangeError(f"{NAME}: error {day.code}, {short(day.msg)}")
        bid, ask = spread(day.bidPrice, day.askPrice)
        return MarketDataUpdate(
            NAME, symbols[day.symbol], "ticker", price(day.lastPrice), amount(day.volume), bid, ask,
            day.closeTime, received_at, received_mono)
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def time_url(base: str) -> str:
    """Weight 1."""
    return f"{base.rstrip('/')}/api/v3/time"


def parse_time(body: bytes) -> int:
    try:
        about = _decode_about(body)
        if about.code is not None:
            raise ExchangeError(f"{NAME}: error {about.code}, {short(about.msg)}")
        if about.serverTime is None:
            raise ValueError("no serverTime")
        return about.serverTime
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def instrument_url(base: str, native_symbol: str) -> str:
    """Weight 20."""
    return f"{base.rstrip('/')}/api/v3/exchangeInfo?symbol={native_symbol}"


def parse_instrument(body: bytes, native_symbol: str) -> str | None:
    try:
        about = _decode_about(body)
        if about.code is not None and about.code != INVALID_SYMBOL:
            raise ExchangeError(f"{NAME}: error {about.code}, {short(about.msg)}")
        return next((one.state for one in about.symbols if one.symbol == native_symbol), None)
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def _updates(
    message: _Payload, symbol: str, received_at: int, received_mono: float
) -> list[MarketDataUpdate]:
    kind: UpdateType
    event, bid, ask, event_id = message.event, message.bid, message.ask, None
    if event == "trade":
        # in old trades `a` and `b` are order ids
        kind, value, volume, bid, ask = "trade", message.traded, message.size, None, None
        event_id = message.trade_id
    elif event == "aggTrade":
        event_id = _whole(ask)  # here `a` is the trade's own number
        kind, value, volume, bid, ask = "trade", message.traded, message.size, None, None
    elif event == "24hrTicker" or event == "24hrMiniTicker":
        kind, value, volume = "ticker", message.last, message.day_volume
    elif event is None and bid is not None and ask is not None:
        kind, value, volume, event_id = "orderbook", None, None, message.book_id
    else:
        return []
    bid, ask = spread(bid, ask)  # type: ignore[arg-type]  # a list is a TypeError: unreadable
    if kind == "orderbook":
        if bid is None or ask is None:
            return []
        value = (bid + ask) / 2
    return [MarketDataUpdate(
        NAME, symbol, kind, price(value),  # type: ignore[arg-type]  # likewise
        amount(volume), bid, ask, message.event_ms, received_at, received_mono, event_id,
    )]


def _whole(number: object) -> int | None:
    return int(number) if isinstance(number, float) and 0 <= number < 2**53 else None
