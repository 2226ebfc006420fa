"""What the recorder is given, and the rows of `bot/record/schema.py` that it becomes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.incidents.incident import Incident
from bot.judging.journal import Input, State
from bot.model import FeedHealth, MarketDataUpdate, Quote

TEXT_LIMIT = 2_000
EPOCH = datetime(1970, 1, 1)

Row = tuple[object, ...]


class Served(NamedTuple):
    quote: Quote
    at_ms: int


class Happened(NamedTuple):
    kind: str
    source: str | None
    symbol: str | None
    reason: str
    at_ms: int
    detail: dict[str, object] | None


class Sample(NamedTuple):
    health: FeedHealth
    active: bool
    at_ms: int


Item = MarketDataUpdate | Input | State | Served | Sample | Happened | Incident


def as_row(item: Item) -> tuple[str, Row]:
    """The table an item belongs to, and its values in the order of the columns there, all but
    the last, which is its `seq`.
    """
    if isinstance(item, MarketDataUpdate):
        return "updates", (
            _moment(item.received_at), _moment(item.timestamp), item.exchange, item.symbol,
            item.type, item.price, item.volume, item.bid, item.ask, item.event_id,
            item.received_mono,
        )
    if isinstance(item, Input):
        return "inputs", (_moment(item.at_ms), item.mono, item.kind, item.source, item.symbol,
                          _as_json(item.detail))
    if isinstance(item, Served):
        quote = item.quote
        return "served", (
            _moment(item.at_ms), quote.symbol, quote.price, quote.bid, quote.ask, quote.volume,
            quote.source, quote.exchange, ",".join(quote.exchanges) or None,
            _moment(quote.timestamp), _moment(quote.received_at), quote.age_s * 1000,
            quote.synthetic, quote.trusted, _clean(quote.reason), quote.status,
            quote.confidence, ",".join(quote.sources_used) or None,
        )
    if isinstance(item, Sample):
        return "samples", _sample(item)
    if isinstance(item, Incident):
        return "incidents", _incident(item)
    if isinstance(item, State):
        return "states", (_moment(item.at_ms), item.mono, item.instance, item.settings, item.memory)
    return "events", (
        _moment(item.at_ms), _clean(item.kind), item.source and _clean(item.source),
        item.symbol and _clean(item.symbol), _clean(item.reason),
        _as_json(item.detail),
    )


def _as_json(detail: Mapping[str, object] | None) -> str | None:
    """What JSON has no form for becomes text; numbers come back as they were."""
    return None if detail is None else json.dumps(detail, default=str)


def _incident(item: Incident) -> Row:
    return (
        _exactly(item.opened_at), item.id, item.revision, item.source, item.symbol,
        _clean(item.cause), item.rule, _exactly(item.closed_at), item.duration_ms,
        item.detected_after_ms, item.switched_after_ms, item.blackout_ms, item.price_step_bps,
        item.instance,
    )


def _sample(item: Sample) -> Row:
    health = item.health
    return (
        _moment(item.at_ms), health.source, health.connected_since is not None, item.active,
        _in_ms(health.latency_s), _in_ms(health.event_lag_s), _in_ms(health.clock_offset_s),
        health.messages_received, health.errors,
    )


def _in_ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _exactly(at: float | None) -> datetime | None:
    """Epoch s as naive UTC, to the microsecond, so that durations add up."""
    return None if at is None else EPOCH + timedelta(seconds=at)


def _moment(ms: int | None) -> datetime | None:
    """Naive UTC, which the appender takes at half the cost of an aware one; None if not a date."""
    if ms is None:
        return None
    try:
        return EPOCH + timedelta(0, 0, ms * 1000)
    except OverflowError:
        return None


def _clean(text: str) -> str:
    """Storable as UTF-8, and no longer than somebody may want to read."""
    text = text[:TEXT_LIMIT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
