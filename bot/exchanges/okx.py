"""OKX v5 public channels and REST ticker.

Source: OKX v5 documentation, "Tickers channel" (2026-07-09), "Trades channel" (2026-07-22), "Order
book channel" (2026-07-07), "Notification" (2026-07-22), "GET ticker" (2026-07-17): everything but
seqId is a string, an empty value is "", the text `ping` is answered by the text `pong`, a silent
connection is closed after 30 s. The first push after a subscription is the last known state, which
can be hours old by its own `ts`. Notice 64008 comes about 60 s before a connection is closed.
"Get instruments" and "Get system time": the copy of 2026-02-23.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import convert

from bot.errors import ClosingSoon, ExchangeError, short, shown
from bot.exchanges.base import (
    UNREADABLE, Allowance, EventId, Stamp, amount, price, spread, unreadable,
)
from bot.model import MarketDataUpdate, UpdateType
from bot.symbols import Symbol

NAME = "okx"
WS_URL = "wss://ws.okx.com:8443/ws/v5/public"
REST_URL = "https://www.okx.com"
PING: str | None = "ping"
PONG: bytes | None = b"pong"
SENDS_PER_S = 2
REST_ALLOWS = Allowance(limit=20, window_s=2.0, ticker=1, header=None)  # "GET ticker": requests
TRADING = "live"  # others: suspend, preopen, test
ELSEWHERE = ("OKX has wss://wsus.okx.com:8443/ws/v5/public and https://us.okx.com for the US and "
             "Australia, wseea and eea in their place for Europe; each is a market of its own")

CHANNELS: dict[UpdateType, str] = {"ticker": "tickers", "trade": "trades", "orderbook": "bbo-tbt"}
CLOSING_NOTICE = "64008"
NO_INSTRUMENT = "51001"
ARGUMENTS_PER_REQUEST = 200  # of about 50 bytes each; a request may hold 64 KB of them


class _Arg(msgspec.Struct, gc=False):
    channel: str = ""
    instId: str = ""


class _Row(msgspec.Struct, gc=False):
    instId: str = ""
    last: str = ""
    px: str = ""
    sz: str = ""
    vol24h: str = ""
    bidPx: str = ""
    askPx: str = ""
    bids: list[list[str]] = []
    asks: list[list[str]] = []
    ts: Stamp | None = None
    tradeId: str = ""
    state: str = ""
    seqId: EventId | None = None


class _Frame(msgspec.Struct, gc=False):
    arg: _Arg | None = None
    data: msgspec.Raw = msgspec.Raw()
    event: str = ""
    code: str = ""
    msg: str = ""


_decode = msgspec.json.Decoder(_Frame, strict=False).decode
_decode_rows = msgspec.json.Decoder(list[_Row], strict=False).decode
_KINDS: dict[str, UpdateType] = {channel: kind for kind, channel in CHANNELS.items()}


def stream_url(base: str) -> str:
    return base


def native(symbol: Symbol) -> str:
    return f"{symbol.base}-{symbol.quote}"


def subscribe(natives: Sequence[str], kinds: Sequence[UpdateType]) -> list[str]:
    args = [{"channel": CHANNELS[kind], "instId": name} for name in natives for kind in kinds]
    parts = [args[i:i + ARGUMENTS_PER_REQUEST] for i in range(0, len(args), ARGUMENTS_PER_REQUEST)]
    return [msgspec.json.encode({"op": "subscribe", "args": part}).decode() for part in parts]


def parse(
    frame: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
) -> list[MarketDataUpdate]:
    if frame == PONG:
        return []
    try:
        message = _decode(frame)
        if message.event == "error":
            raise _reported(message, frame)
        if not message.data or message.arg is None:
            if message.code == CLOSING_NOTICE and message.event == "notice":
                words = short(message.msg).rstrip(".")
                raise ClosingSoon(f"{NAME}: notice {CLOSING_NOTICE}, {words}")
            return []
        kind = _KINDS.get(message.arg.channel)
        symbol = symbols.get(message.arg.instId)
        if kind is None or symbol is None:
            return []
        rows = _decode_rows(message.data)
        updates = [_update(row, kind, symbol, received_at, received_mono) for row in rows]
        return [update for update in updates if update is not None]
    except UNREADABLE as error:
        raise unreadable(NAME, frame, error) from error


def is_acknowledgement(frame: bytes) -> bool:
    """One comes for each argument; a name that does not exist gets an error instead."""
    try:
        return _decode(frame).event == "subscribe"
    except UNREADABLE:
        return False


def ticker_url(base: str, native_symbol: str) -> str:
    """REST request for one ticker; 20 requests per 2 s and address are allowed."""
    return f"{base.rstrip('/')}/api/v5/market/ticker?instId={native_symbol}"


def parse_ticker(
    body: bytes, symbols: Mapping[str, str], received_at: int, received_mono: float
) -> MarketDataUpdate:
    """The ticker in a REST answer. HTTP 200 may carry an error, so `code` is looked at first.

    Raises: ParseError, ExchangeError, as `parse` does.
    """
    try:
        row = _row_of(body)
        update = _update(row, "ticker", symbols[row.instId], received_at, received_mono)
        assert update is not None  # only a book can have an empty side and so no price
        return update
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def time_url(base: str) -> str:
    return f"{base.rstrip('/')}/api/v5/public/time"


def parse_time(body: bytes) -> int:
    try:
        stamp = _row_of(body).ts
        if stamp is None:
            raise ValueError("no ts")
        return stamp
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def instrument_url(base: str, native_symbol: str) -> str:
    """20 requests per 2 s and address are allowed."""
    return f"{base.rstrip('/')}/api/v5/public/instruments?instType=SPOT&instId={native_symbol}"


def parse_instrument(body: bytes, native_symbol: str) -> str | None:
    try:
        message = _decode(body)
        if message.code not in ("0", NO_INSTRUMENT):
            raise _reported(message, body)
        rows = _decode_rows(message.data)
        return next((row.state for row in rows if row.instId == native_symbol), None)
    except UNREADABLE as error:
        raise unreadable(NAME, body, error) from error


def _update(
    row: _Row, kind: UpdateType, symbol: str, received_at: int, received_mono: float
) -> MarketDataUpdate | None:
    event_id = None
    if kind == "trade":
        value, volume, bid, ask = _number(row.px), _number(row.sz), None, None
        event_id = int(row.tradeId) if row.tradeId.isdecimal() and len(row.tradeId) < 19 else None
    elif kind == "ticker":
        value, volume = _number(row.last), _number(row.vol24h)
        bid, ask = spread(_number(row.bidPx), _number(row.askPx))
    else:
        if not row.bids or not row.asks:
            return None
        bid, ask = spread(_number(row.bids[0][0]), _number(row.asks[0][0]))
        if bid is None or ask is None:
            return None
        value, volume, event_id = (bid + ask) / 2, None, row.seqId
    return MarketDataUpdate(NAME, symbol, kind, price(value), amount(volume), bid, ask,
                            row.ts, received_at, received_mono, event_id)


def _row_of(body: bytes) -> _Row:
    """The one row of a REST answer. Raises: ExchangeError, one of UNREADABLE."""
    message = _decode(body)
    if message.code != "0":
        raise _reported(message, body)
    return _decode_rows(message.data)[0]


def _number(text: str) -> float | None:
    # not float(), which also reads "1_000" and other scripts' digits
    return convert(text, float, strict=False) if text else None


def _reported(message: _Frame, frame: bytes) -> ExchangeError:
    words = short(message.msg) if message.msg else shown(frame)
    return ExchangeError(f"{NAME}: error {short(message.code)}, {words}")
