"""The server's side of the OKX v5 public channels.

Source: OKX v5 documentation of July 2026: "Tickers channel", "Trades channel", "Order book
channel", "Error code / Public". One acknowledgement per argument, then the last known state.
"""

import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from bot.sandbox import okx_rest
from bot.sandbox.market import Listing
from bot.sandbox.side import Answer, Builder, Kind, Listings, Push, Reply, Session, trimmed

NAME = "okx"
PING_S: float | None = None
IDLE_S: float | None = 30.0
TICKER_PERIOD_S = 0.1
TICKS_UNCHANGED = False
MESSAGES_PER_S = 3
COUNTS_CONTROL_FRAMES = False
DROPS_FAST_CLIENTS = False
WEIGHT_HEADER: str | None = None
COARSER = 1

PATH = "/ws/v5/public"
CHANNELS: dict[str, Kind] = {"tickers": "ticker", "trades": "trade", "bbo-tbt": "book"}
IDENTITY = re.compile(r"[A-Za-z0-9]{1,32}")

_encode = msgspec.json.encode


def path() -> str:
    return PATH


def native(listing: Listing) -> str:
    return okx_rest.native(listing)


def session(path: str, identity: str) -> Session | None:
    return Session(identity, True) if path.partition("?")[0] == PATH else None


def catalogue(listings: Listings) -> set[str]:
    return {f"{channel}:{native(listing)}" for listing in listings.values() for channel in CHANNELS}


def reply(session: Session, text: str, catalogue: AbstractSet[str]) -> Reply:
    if text == "ping":
        return Reply([b"pong"])
    try:
        request = json.loads(text)
    except ValueError:
        request = None
    if not _well_formed(request):
        return Reply([_error(session, "60012", f"Invalid request: {text}")])
    operation: str = request["op"]
    extra = {"id": request["id"]} if "id" in request else {}
    answers, topics = [], []
    for arg in request["args"]:
        topic = f"{arg['channel']}:{arg.get('instId', '')}"
        if topic in catalogue:
            answers.append(_encode({**extra, "event": operation, "arg": arg, "connId": session.id}))
            topics.append(topic)
        else:
            answers.append(_unknown(session, arg, extra))
    if operation == "unsubscribe":
        return Reply(answers, removed=topics)
    news = dict.fromkeys(topic for topic in topics if topic not in session.topics)
    return Reply(answers, added=list(news))


def frames(kind: Kind, listing: Listing) -> Sequence[tuple[str, Builder]]:
    channel, build = BUILDERS[kind]
    return [(f"{channel}:{native(listing)}", build)]


def wrapped(session: Session, push: Push) -> bytes:
    """Pushes hold `data`, or for a recorded frame the whole message, which names its channel."""
    if push.payload.startswith(b"{"):
        return push.payload
    channel, _, instrument = push.topic.partition(":")
    arg = _encode({"channel": channel, "instId": instrument})
    return b'{"arg":%s,"data":%s}' % (arg, push.payload)


def first(topic: str, listings: Listings, trade_ms: int) -> Push | None:
    channel, _, instrument = topic.partition(":")
    listing = next((one for one in listings.values() if native(one) == instrument), None)
    if listing is None or channel not in CHANNELS:
        return None
    kind = CHANNELS[channel]
    if kind == "trade":
        listing = listing.aged(trade_ms)
    price = None if kind == "book" else listing.price
    return Push(topic, listing.symbol.name, BUILDERS[kind][1](listing), price)


def notice(session: Session, now_ms: int) -> bytes:
    return _encode({
        "event": "notice", "code": "64008", "connId": session.id,
        "msg": "The connection will soon be closed for a service upgrade. Please reconnect."})


def rest(path: str, query: Mapping[str, str], listings: Listings, now_ms: int) -> Answer:
    return okx_rest.answer(path, query, listings, now_ms)


def rest_fault(status: int, retry_after_s: int) -> Answer:
    if status == 429:
        body = {"code": "50011", "msg": "Too Many Requests", "data": []}
        return Answer(_encode(body), status, retry_after_s)
    body = {"code": "50001", "msg": "Service temporarily unavailable. Try again later", "data": []}
    return Answer(_encode(body), status)


def _trade(listing: Listing) -> bytes:
    return _encode([{
        "instId": native(listing), "tradeId": str(listing.trade_id),
        "px": trimmed(listing.price), "sz": trimmed(listing.size),
        "side": "sell" if listing.seller else "buy", "ts": str(listing.event_ms),
        "count": "1", "source": "0", "seqId": listing.book_id,
    }])


def _ticker(listing: Listing) -> bytes:
    return _encode([okx_rest.ticker(listing)])


def _book(listing: Listing) -> bytes:
    sides = {"asks": (listing.ask, listing.ask_size), "bids": (listing.bid, listing.bid_size)}
    levels = {side: [[trimmed(price), trimmed(size), "0", "1"]] if price else []
              for side, (price, size) in sides.items()}
    return _encode([{**levels, "ts": str(listing.event_ms), "seqId": listing.book_id}])


BUILDERS: dict[Kind, tuple[str, Builder]] = {
    "trade": ("trades", _trade), "ticker": ("tickers", _ticker), "book": ("bbo-tbt", _book),
}


def _well_formed(request: Any) -> bool:
    if not isinstance(request, dict) or request.get("op") not in ("subscribe", "unsubscribe"):
        return False
    identity, args = request.get("id", "0"), request.get("args")
    if not isinstance(identity, str) or not IDENTITY.fullmatch(identity):
        return False
    return isinstance(args, list) and bool(args) and all(map(_is_argument, args))


def _is_argument(arg: Any) -> bool:
    return isinstance(arg, dict) and isinstance(arg.get("channel"), str)


def _unknown(session: Session, arg: dict[str, Any], extra: dict[str, str]) -> bytes:
    given = ",".join(f"{key}:{value}" for key, value in arg.items())
    return _error(session, "60018", f"Wrong URL or {given} doesn't exist. Please use the correct"
                  " URL, channel and parameters referring to API document.", extra)


def _error(
    session: Session, code: str, message: str, extra: Mapping[str, str] | None = None
) -> bytes:
    return _encode({**(extra or {}), "event": "error", "code": code, "msg": message,
                    "connId": session.id})
