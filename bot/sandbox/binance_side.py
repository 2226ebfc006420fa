"""The server's side of the Binance spot streams.

Source: binance/binance-spot-api-docs, web-socket-streams.md of 2026-07-21, and the error objects
listed there. A stream name that does not exist is acknowledged like any other and stays silent.
"""

import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from urllib.parse import unquote

import msgspec

from bot.sandbox import binance_rest
from bot.sandbox.market import Listing
from bot.sandbox.side import (
    Answer, Builder, Kind, Listings, Push, Reply, Session, split_path,
)

NAME = "binance"
PING_S: float | None = 20.0
IDLE_S: float | None = None
TICKER_PERIOD_S = 1.0
TICKS_UNCHANGED = True
MESSAGES_PER_S = 5
COUNTS_CONTROL_FRAMES = True
DROPS_FAST_CLIENTS = True
WEIGHT_HEADER: str | None = "X-MBX-USED-WEIGHT-1M"
COARSER = 0

DAY_MS = 86_400_000
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
IDENTITY = re.compile(r"[A-Za-z0-9]{1,36}")

_encode = msgspec.json.encode


class _Refused(Exception):
    """An error object to send: code and msg."""


def path() -> str:
    return ""


def native(listing: Listing) -> str:
    return listing.symbol.name


def session(path: str, identity: str) -> Session | None:
    place, query = split_path(path)
    if place == "/stream":
        return Session(identity, True, _streams(query.get("streams", "")))
    if place == "/ws" or place.startswith("/ws/"):
        return Session(identity, False, _streams(unquote(place[len("/ws/"):])))
    return None


def catalogue(listings: Listings) -> set[str]:
    kinds: tuple[Kind, ...] = ("trade", "ticker", "book")
    return {topic for listing in listings.values() for kind in kinds
            for topic, _ in frames(kind, listing)}


def reply(session: Session, text: str, catalogue: AbstractSet[str]) -> Reply:
    try:
        request = json.loads(text)
    except ValueError:
        return Reply([_error(3, "Invalid JSON: expected value at line 1 column 1")])
    try:
        method, identity = _envelope(request)
        if method.endswith("_PROPERTY"):
            return _property(session, method, request.get("params"), identity)
        if method == "LIST_SUBSCRIPTIONS":
            return Reply([_result(list(session.topics), identity)])
        streams = _stream_list(request.get("params"))
    except _Refused as refused:
        return Reply([_error(*refused.args)])
    acknowledged = [_result(None, identity)]
    if method == "SUBSCRIBE":
        return Reply(acknowledged, added=[name for name in streams if name not in session.topics])
    return Reply(acknowledged, removed=streams)


def frames(kind: Kind, listing: Listing) -> Sequence[tuple[str, Builder]]:
    stream = listing.symbol.name.lower()
    if kind == "trade":
        return [(stream + "@trade", _trade)]
    if kind == "book":
        return [(stream + "@bookTicker", _book)]
    return [(stream + "@ticker", _ticker), (stream + "@miniTicker", _mini_ticker)]


def wrapped(session: Session, push: Push) -> bytes:
    if not session.combined:
        return push.payload
    return b'{"stream":"%s","data":%s}' % (push.topic.encode(), push.payload)


def first(topic: str, listings: Listings, trade_ms: int) -> Push | None:
    return None  # the next event is the first


def notice(session: Session, now_ms: int) -> bytes:
    return wrapped(session, Push(
        "!serverShutdown", "", _encode({"e": "serverShutdown", "E": now_ms})))


def rest(path: str, query: Mapping[str, str], listings: Listings, now_ms: int) -> Answer:
    return binance_rest.answer(path, query, listings, now_ms)


def rest_fault(status: int, retry_after_s: int) -> Answer:
    if status == 429:
        return Answer(_encode({"code": -1003, "msg": "Too many requests queued."}), status,
                      retry_after_s)
    return Answer(_encode({"code": -1001, "msg": "Internal error; unable to process your request."
                           " Please try again."}), status)


def eight(value: float | None) -> str:
    """A number as this exchange writes it; an empty side is a zero."""
    return f"{value or 0.0:.8f}"


def _trade(listing: Listing) -> bytes:
    return _encode({
        "e": "trade", "E": listing.event_ms + 1, "s": listing.symbol.name, "t": listing.trade_id,
        "p": eight(listing.price), "q": eight(listing.size), "T": listing.event_ms,
        "m": listing.seller, "M": True,
    })


def _book(listing: Listing) -> bytes:
    return _encode({
        "u": listing.book_id, "s": listing.symbol.name,
        "b": eight(listing.bid), "B": eight(listing.bid_size),
        "a": eight(listing.ask), "A": eight(listing.ask_size),
    })


def _mini_ticker(listing: Listing) -> bytes:
    return _encode({
        "e": "24hrMiniTicker", "E": listing.event_ms, "s": listing.symbol.name,
        "c": eight(listing.price), "o": eight(listing.open), "h": eight(listing.high),
        "l": eight(listing.low), **_volume(listing),
    })


def _ticker(listing: Listing) -> bytes:
    change = listing.price - listing.open
    return _encode({
        "e": "24hrTicker", "E": listing.event_ms, "s": listing.symbol.name,
        "p": eight(change), "P": f"{100 * change / listing.open:.3f}",
        "w": eight(listing.quote_volume / listing.volume), "x": eight(listing.open),
        "c": eight(listing.price), "Q": eight(listing.size),
        "b": eight(listing.bid), "B": eight(listing.bid_size),
        "a": eight(listing.ask), "A": eight(listing.ask_size),
        "o": eight(listing.open), "h": eight(listing.high), "l": eight(listing.low),
        **_volume(listing),
        "O": listing.event_ms - 10 - DAY_MS, "C": listing.event_ms - 10,
        "F": listing.trade_id - listing.trades + 1, "L": listing.trade_id, "n": listing.trades,
    })


def _volume(listing: Listing) -> dict[str, str]:
    if not listing.counted:
        return {}
    return {"v": eight(listing.volume), "q": eight(listing.quote_volume)}


def _streams(text: str) -> dict[str, None]:
    return dict.fromkeys(name for name in text.split("/") if name)


def _envelope(request: Any) -> tuple[str, int | str | None]:
    if not isinstance(request, dict):
        raise _Refused(2, "Invalid request: expected a map")
    if "method" not in request:
        raise _Refused(2, "Invalid request: missing field `method`")
    method, identity = request["method"], request.get("id")
    if method not in METHODS:
        expected = ", ".join(f"`{name}`" for name in METHODS)
        raise _Refused(2, f"Invalid request: unknown variant `{method}`,"
                          f" expected one of {expected}")
    is_number = type(identity) is int and -2 ** 63 <= identity < 2 ** 63
    is_name = isinstance(identity, str) and IDENTITY.fullmatch(identity)
    if not (identity is None or is_number or is_name):
        raise _Refused(2, "Invalid request: request ID must be a signed 64-bit integer, an"
                          " alphanumeric string of at most 36 characters, or null")
    return method, identity


def _stream_list(params: Any) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _Refused(2, "Invalid request: `params` must be a list of stream names")
    return params


def _property(session: Session, method: str, params: Any, identity: int | str | None) -> Reply:
    wanted = 1 if method == "GET_PROPERTY" else 2
    if not isinstance(params, list) or len(params) < wanted or not isinstance(params[0], str):
        raise _Refused(2, "Invalid request: property name must be a string")
    if len(params) > wanted:
        raise _Refused(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise _Refused(0, "Unknown property", identity)
    if method == "GET_PROPERTY":
        return Reply([_result(session.combined, identity)])
    if not isinstance(params[1], bool):
        raise _Refused(1, "Invalid value type: expected Boolean")
    session.combined = params[1]
    return Reply([_result(None, identity)])


def _result(result: object, identity: int | str | None) -> bytes:
    return _encode({"result": result, "id": identity})


def _error(code: int, message: str, identity: int | str | None = None) -> bytes:
    error = {"code": code, "msg": message}
    return _encode(error if identity is None else {**error, "id": identity})
