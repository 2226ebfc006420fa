"""What a running bot answers, for those who only print it."""

from typing import Any

from bot.verbs.looking import Look

Json = dict[str, Any]


def price(symbol: str = "BTCUSDT", **changes: Any) -> Json:
    return {"symbol": symbol, "price": 60000.5, "confidence": 12.5, "source": "websocket",
            "exchange": "binance", "ageMs": 120, "status": "trusted", "trusted": True,
            "reason": "active source is fresh"} | changes


def no_price(symbol: str = "BTCUSDT") -> Json:
    return {"symbol": symbol, "price": None, "reason": "websocket: no data", "reasons": {}}


def source(exchange: str, connected: bool = True) -> Json:
    return {"exchange": exchange, "connected": connected, "latency": 12 if connected else None,
            "messagesReceived": 10, "errors": 1}


def leg(exchange: str, rule: str = "agrees", words: str = "agrees with the others",
        kind: str = "stream") -> Json:
    return {"source": exchange, "kind": kind, "rule": rule, "words": words,
            "accepted": rule == "agrees"}


def incident(**changes: Any) -> Json:
    return {"id": "demo-1", "source": "binance", "symbol": "BTCUSDT", "rule": "silence",
            "cause": "no data for 5001 ms", "openedAt": 1795368361179, "closedAt": 1795368371616,
            "durationMs": 10436.9, "detectedAfterMs": 5000.2, "switchedAfterMs": 0.0,
            "blackoutMs": 1.2, "priceStepBps": 9.462, "instance": "demo"} | changes


def link(**changes: Any) -> Json:
    return {"direction": "read", "topic": "prices", "up": True, "reason": None, "forMs": 4000.0,
            "waiting": 2, "counts": {"used": 7, "skipped": 0}} | changes


def health(*sources: Json, active: str | None = "binance") -> Json:
    return {"healthy": active is not None, "activeSource": active, "updateCount": 20,
            "instance": "demo", "sources": list(sources) or [source("binance"), source("okx")]}


RECORD: Json = {
    "enabled": True, "active": True, "state": "recording", "waiting": 5, "capacity": 10,
    "written": 1, "dropped": 0, "rejected": 0, "commitLastMs": 3.25, "fileBytes": 2_000_000,
    "walBytes": 0, "freeBytes": 5_000_000, "archive": None}


def seen(**changes: Any) -> Look:
    parts: Json = {
        "health": health(), "prices": [price(), price("ETHUSDT")], "kafka": [link()],
        "record": RECORD, "incidents": [incident()],
        "explained": {"BTCUSDT": {"legs": [leg("binance"), leg("okx")]}}}
    return Look(**(parts | changes))
