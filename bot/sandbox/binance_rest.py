"""Binance REST market data, as the practice server answers it: /api/v3 without a key."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bot.sandbox.market import Listing
from bot.sandbox.side import Answer, Listings

DAY_MS = 86_400_000
_encode = msgspec.json.encode


class _Refused(Exception):
    """Code and msg of the error object."""


def answer(path: str, query: Mapping[str, str], listings: Listings, now_ms: int) -> Answer:
    build = TICKERS.get(path)
    try:
        if build is not None:
            return Answer(_encode(_for_symbols(build, query, listings, now_ms)))
        if path == "/api/v3/exchangeInfo":
            return Answer(_encode(_exchange_info(query, listings, now_ms)))
    except _Refused as refused:
        code, message = refused.args
        return Answer(_encode({"code": code, "msg": message}), 400)
    if path == "/api/v3/time":
        return Answer(_encode({"serverTime": now_ms}))
    if path == "/api/v3/ping":
        return Answer(b"{}")
    return Answer(b'{"code":-1000,"msg":"Not found."}', 404)


def _for_symbols(
    build: Callable[[Listing, int], dict[str, Any]],
    query: Mapping[str, str], listings: Listings, now_ms: int,
) -> object:
    """One object for `symbol`, an array for `symbols` and for neither."""
    chosen = [build(listing, now_ms) for listing in _chosen(query, listings)]
    return chosen[0] if "symbol" in query else chosen


def _chosen(query: Mapping[str, str], listings: Listings) -> list[Listing]:
    if "symbol" in query and "symbols" in query:
        raise _Refused(-1101, "Too many parameters; expected '1' and received '2'.")
    if "symbol" in query:
        names: Any = [query["symbol"]]
    elif "symbols" in query:
        try:
            names = json.loads(query["symbols"])
        except ValueError:
            names = None
    else:
        names = list(listings)
    if not isinstance(names, list):
        raise _Refused(-1100, "Illegal characters found in parameter 'symbols'.")
    if not all(isinstance(name, str) and name in listings for name in names):
        raise _Refused(-1121, "Invalid symbol.")
    return [listings[name] for name in names]


def _price(listing: Listing, now_ms: int) -> dict[str, Any]:
    return {"symbol": listing.symbol.name, "price": f"{listing.price:.8f}"}


def _book(listing: Listing, now_ms: int) -> dict[str, Any]:
    return {
        "symbol": listing.symbol.name,
        "bidPrice": f"{listing.bid or 0:.8f}", "bidQty": f"{listing.bid_size:.8f}",
        "askPrice": f"{listing.ask or 0:.8f}", "askQty": f"{listing.ask_size:.8f}",
    }


def _day(listing: Listing, now_ms: int) -> dict[str, Any]:
    change = listing.price - listing.open
    return {
        "symbol": listing.symbol.name, "priceChange": f"{change:.8f}",
        "priceChangePercent": f"{100 * change / listing.open:.3f}",
        "weightedAvgPrice": f"{listing.quote_volume / listing.volume:.8f}",
        "prevClosePrice": f"{listing.open:.8f}", "lastPrice": f"{listing.price:.8f}",
        "lastQty": f"{listing.size:.8f}", **_book(listing, now_ms),
        "openPrice": f"{listing.open:.8f}", "highPrice": f"{listing.high:.8f}",
        "lowPrice": f"{listing.low:.8f}", "volume": f"{listing.volume:.8f}",
        "quoteVolume": f"{listing.quote_volume:.8f}",
        "openTime": now_ms - DAY_MS, "closeTime": now_ms,
        "firstId": listing.trade_id - listing.trades + 1, "lastId": listing.trade_id,
        "count": listing.trades,
    }


def _exchange_info(query: Mapping[str, str], listings: Listings, now_ms: int) -> dict[str, Any]:
    return {
        "timezone": "UTC", "serverTime": now_ms,
        "rateLimits": [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE",
                        "intervalNum": 1, "limit": 6000}],
        "exchangeFilters": [],
        "symbols": [_symbol(listing) for listing in _chosen(query, listings)],
    }


def _symbol(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": listing.symbol.name, "status": "HALT" if listing.halted else "TRADING",
        "baseAsset": listing.symbol.base, "quoteAsset": listing.symbol.quote,
        "isSpotTradingAllowed": not listing.halted,
        "filters": [{"filterType": "PRICE_FILTER", "minPrice": "0.01000000",
                     "maxPrice": "1000000.00000000", "tickSize": "0.01000000"}],
    }


TICKERS: Mapping[str, Callable[[Listing, int], dict[str, Any]]] = {
    "/api/v3/ticker/price": _price,
    "/api/v3/ticker/bookTicker": _book,
    "/api/v3/ticker/24hr": _day,
}
