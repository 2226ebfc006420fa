"""OKX v5 REST market data, as the practice server answers it: an error can come with HTTP 200."""

from collections.abc import Mapping
from typing import Any

import msgspec

from bot.sandbox.market import Listing
from bot.sandbox.side import Answer, Listings, trimmed

NO_INSTRUMENT = "Instrument ID, Instrument ID code, or Spread ID doesn't exist."
_encode = msgspec.json.encode


def native(listing: Listing) -> str:
    return f"{listing.symbol.base}-{listing.symbol.quote}"


def answer(path: str, query: Mapping[str, str], listings: Listings, now_ms: int) -> Answer:
    if path == "/api/v5/public/time":
        return _data([{"ts": str(now_ms)}])
    if path == "/api/v5/market/ticker":
        return _one_ticker(query.get("instId", ""), listings)
    if path in ("/api/v5/market/tickers", "/api/v5/public/instruments"):
        if not query.get("instType"):
            return _error("50014", "Parameter instType can not be empty.", 400)
        chosen = list(listings.values()) if query["instType"] == "SPOT" else []
        if path.endswith("/instruments") and "instId" in query:
            chosen = [listing for listing in chosen if native(listing) == query["instId"]]
            if not chosen:
                return _error("51001", NO_INSTRUMENT)
        build = ticker if path.endswith("/tickers") else _instrument
        return _data([build(listing) for listing in chosen])
    return _error("404", "Not Found", 404)


def ticker(listing: Listing) -> dict[str, str]:
    """One row of the ticker, the same over REST and WebSocket; an empty side is ""."""
    return {
        "instType": "SPOT", "instId": native(listing),
        "last": trimmed(listing.price), "lastSz": trimmed(listing.size),
        "askPx": trimmed(listing.ask) if listing.ask else "",
        "askSz": trimmed(listing.ask_size) if listing.ask else "",
        "bidPx": trimmed(listing.bid) if listing.bid else "",
        "bidSz": trimmed(listing.bid_size) if listing.bid else "",
        "open24h": trimmed(listing.open), "high24h": trimmed(listing.high),
        "low24h": trimmed(listing.low), "sodUtc0": trimmed(listing.open),
        "sodUtc8": trimmed(listing.open),
        "volCcy24h": trimmed(listing.quote_volume) if listing.counted else "",
        "vol24h": trimmed(listing.volume) if listing.counted else "", "ts": str(listing.event_ms),
    }


def _one_ticker(instrument: str, listings: Listings) -> Answer:
    if not instrument:
        return _error("50014", "Parameter instId can not be empty.", 400)
    rows = [ticker(listing) for listing in listings.values() if native(listing) == instrument]
    if not rows:
        return _error("51001", NO_INSTRUMENT)
    return _data(rows)


def _instrument(listing: Listing) -> dict[str, Any]:
    return {
        "instType": "SPOT", "instId": native(listing), "baseCcy": listing.symbol.base,
        "quoteCcy": listing.symbol.quote, "state": "suspend" if listing.halted else "live",
        "tickSz": "0.1", "lotSz": "0.00000001", "minSz": "0.00001", "listTime": "1611907686000",
        "instIdCode": None,
    }


def _data(rows: list[Any]) -> Answer:
    return Answer(_encode({"code": "0", "msg": "", "data": rows}))


def _error(code: str, message: str, status: int = 200) -> Answer:
    return Answer(_encode({"code": code, "msg": message, "data": []}), status)
