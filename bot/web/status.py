"""Model values as the JSON of the API: names, order of keys and units are a contract."""

from collections.abc import Sequence

import msgspec

from bot.judging.explanation import Explanation
from bot.model import LinkStatus, MarketDataUpdate, Quote, RecordStatus, SourceStatus

Json = dict[str, object]


def source(status: SourceStatus) -> Json:
    return {
        "exchange": status.exchange,
        "connected": status.connected,
        "latency": status.latency,
        "lastUpdate": status.last_update,
        "messagesReceived": status.messages_received,
        "errors": status.errors,
    }


def health(
    healthy: bool, active: str | None, statuses: Sequence[SourceStatus], instance: str, now_ms: int
) -> Json:
    """`timestamp` is never before `lastUpdate`, even when the wall clock was set back."""
    last = max((s.last_update for s in statuses if s.last_update is not None), default=None)
    return {
        "healthy": healthy and active is not None,
        "activeSource": active,
        "connectedSources": sum(status.connected for status in statuses),
        "totalSources": len(statuses),
        "sources": [source(status) for status in statuses],
        "updateCount": sum(status.messages_received for status in statuses),
        "lastUpdate": last,
        "instance": instance,
        "timestamp": now_ms if last is None else max(now_ms, last),
    }


def price(quote: Quote, instance: str) -> Json:
    """`exchanges`, the legs of an average, follows `exchange` and only there."""
    body: Json = {
        "symbol": quote.symbol,
        "price": quote.price,
        "bid": quote.bid,
        "ask": quote.ask,
        "volume": quote.volume,
        "source": quote.source,
        "exchange": quote.exchange,
    }
    if quote.exchange is None and quote.exchanges:
        body["exchanges"] = quote.exchanges
    return body | {
        "timestamp": quote.timestamp,
        "receivedAt": quote.received_at,
        "ageMs": round(quote.age_s * 1000),
        "synthetic": quote.synthetic,
        "trusted": quote.trusted,
        "reason": quote.reason,
        "instance": instance,
        "status": quote.status,
        "confidence": quote.confidence and float(f"{quote.confidence:.6g}"),
        "sourcesUsed": quote.sources_used,
    }


def link(told: LinkStatus) -> Json:
    return {
        "topic": told.topic,
        "direction": told.direction,
        "up": told.up,
        "reason": told.reason or None,
        "forMs": round(told.for_s * 1000),
        "waiting": told.waiting,
        "counts": told.counts,
    }


def record(told: RecordStatus | None) -> Json:
    """How it is, how much waits, what became of rows, how fast, how big."""
    if told is None:
        return {"enabled": False}
    archive = told.archive
    return {
        "enabled": True,
        "active": told.active,
        "state": told.state,
        "diskLow": told.is_low,
        "waiting": told.waiting,
        "capacity": told.capacity,
        "written": told.written,
        "dropped": told.dropped,
        "rejected": told.rejected,
        "losses": told.losses,
        "lastCommitAt": told.last_commit_at,
        "commitLastMs": _thousandths(told.commit_last_ms),
        "commitP99Ms": _thousandths(told.commit_p99_ms),
        "commitMaxMs": _thousandths(told.commit_max_ms),
        "lostWindowMs": told.lost_window_ms,
        "fileBytes": told.file_bytes,
        "walBytes": told.wal_bytes,
        "freeBytes": told.free_bytes,
        "archive": archive and {"lastDay": archive.last_day, "state": archive.state or None},
    }


def explanation(told: Explanation) -> Json:
    """What stands in `explain`: the judgement, and each leg with the rule that decided on it."""
    return {
        "activeSource": told.active,
        "activeBecause": told.why,
        "agreeing": told.members,
        "outside": told.outside,
        "majority": told.majority,
        "legs": [{_camel(name): _rounded(value)
                  for name, value in msgspec.structs.asdict(leg).items()} for leg in told.legs],
    }


def no_price(symbol: str, reason: str, reasons: dict[str, str], instance: str) -> Json:
    """Stands where `price` would, for a symbol that has none at the moment."""
    return {"symbol": symbol, "price": None, "reason": reason, "reasons": reasons,
            "instance": instance}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _thousandths(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _rounded(value: object) -> object:
    """Milliseconds and prices to what one can read."""
    return float(f"{value:.10g}") if isinstance(value, float) else value


def websocket_update(update: MarketDataUpdate) -> Json:
    return {"type": "websocket_update", "data": {
        "exchange": update.exchange,
        "symbol": update.symbol,
        "price": update.price,
        "volume": update.volume,
        "bid": update.bid,
        "ask": update.ask,
        "timestamp": update.timestamp,
        "updateType": update.type,
    }}
