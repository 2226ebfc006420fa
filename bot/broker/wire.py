"""What is written to Kafka and read from it: records <-> plain values. Pure.

Key: the canonical symbol. Value: one flat JSON object, the data of `websocket_update` with what a
reader on another machine needs beside it. Headers: schema and instance, so that a reader can route
a record and leave its own alone without opening it. Record time stamp: the event's.

Further fields may join within version 1; a reader skips those it does not know.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from bot.errors import ParseError, short, shown
from bot.exchanges.base import UNREADABLE, EventId, Stamp, amount, price, spread
from bot.model import MarketDataUpdate, UpdateType
from bot.symbols import parse_symbol

VERSION = 1
SCHEMA, INSTANCE = "schema", "instance"
UPDATE_SCHEMA, SERVED_SCHEMA = b"market-data/1", b"served-price/1"
# A broker refuses stamps an hour ahead (message.timestamp.after.max.ms), and the whole batch with
# them: what an exchange stamps that far ahead stays in the value only.
AHEAD_MS = 60_000
NAME_BYTES = 256  # what 64 characters, the longest INSTANCE_ID, take at most

Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Headers = list[tuple[str, bytes]]
HeadersRead = Sequence[tuple[str, bytes | None]]


class Record(msgspec.Struct, frozen=True):
    """A record to be written. timestamp_ms: epoch ms."""

    key: bytes
    value: bytes
    headers: Headers
    timestamp_ms: int


class Message(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A record's value as read.

    timestamp: of the exchange, epoch ms. received_at: when `instance` received it from the
    exchange, epoch ms by its clock. sequence: rises by one with every record of an instance, and
    never begins anew. All but the first three may be missing where others write to the topic.
    served_at: only in what is served, which is told by its header, unless somebody dropped those.
    """

    exchange: Word
    symbol: Word
    price: float
    update_type: UpdateType = "ticker"
    volume: float | None = None
    bid: float | None = None
    ask: float | None = None
    timestamp: Stamp | None = None
    event_id: EventId | None = None
    instance: Word | None = None
    sequence: EventId | None = None
    received_at: Stamp | None = None
    served_at: int | None = None
    v: int = VERSION


class Written(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The value of an update, in the order in which it is written."""

    type: Literal["websocket_update"]
    exchange: str
    symbol: str
    price: float
    volume: float | None
    bid: float | None
    ask: float | None
    timestamp: int | None
    update_type: str
    event_id: int | None
    instance: str
    sequence: int
    received_at: int
    v: int


class Envelope(msgspec.Struct):
    """The frame of a dashboard's `websocket_update`, in case somebody forwards that."""

    data: Message


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Message, strict=False).decode
_unwrap = msgspec.json.Decoder(Envelope, strict=False).decode


def update_record(update: MarketDataUpdate, instance: str, sequence: int) -> Record:
    stamp = update.timestamp
    if stamp is None or stamp > update.received_at + AHEAD_MS:
        stamp = update.received_at
    value = Written(
        "websocket_update", update.exchange, update.symbol, update.price, update.volume, update.bid,
        update.ask, update.timestamp, update.type, update.event_id, instance, sequence,
        update.received_at, VERSION)
    return Record(update.symbol.encode(), _encode(value), headers(UPDATE_SCHEMA, instance), stamp)


def served_record(
    symbol: str, told: Mapping[str, object], instance: str, sequence: int, at_ms: int
) -> Record:
    """told: the price as the API gives it, or why there is none."""
    value = _encode({**told, "sequence": sequence, "servedAt": at_ms, "v": VERSION})
    return Record(symbol.encode(), value, headers(SERVED_SCHEMA, instance), at_ms)


def headers(schema: bytes, instance: str) -> Headers:
    return [(SCHEMA, schema), (INSTANCE, instance.encode())]


def writer_of(headers: HeadersRead) -> str | None:
    """The instance that wrote a record, by its header; fit to be kept and printed."""
    for name, value in headers:
        if name == INSTANCE and isinstance(value, bytes):
            writer = value[:NAME_BYTES + 1].decode("utf-8", "replace")
            return writer if writer.isprintable() else shown(writer)
    return None


def read(value: bytes | None) -> Message:
    """Raises: ParseError for what is not version 1 of an update, or not a possible price."""
    if value is None:
        raise ParseError("record without a value")
    try:
        message = _unwrap(value).data if value.startswith(b'{"type":"websocket_update","data":') \
            else _decode(value)
        if message.v != VERSION:
            raise ValueError(f"version {message.v}, and {VERSION} is what is read here")
        if message.served_at is not None:
            raise ValueError("a price served, which is no evidence,")
        if not (message.exchange.isprintable() and (message.instance or "").isprintable()):
            raise ValueError("a name that cannot be printed")
        price(message.price)
        amount(message.volume)
        spread(message.bid, message.ask)
        return message
    except UNREADABLE as error:
        raise ParseError(f"{short(error)} in {shown(value)}") from error


def canonical(spelling: str) -> str | None:
    """The canonical symbol, or None for what is no symbol."""
    try:
        return parse_symbol(spelling).name
    except ValueError:
        return None


def as_update(
    message: Message, symbol: str, received_at: int, received_mono: float
) -> MarketDataUpdate:
    """symbol: canonical. The receipt is ours: epoch ms, monotonic s."""
    bid, ask = spread(message.bid, message.ask)
    return MarketDataUpdate(
        message.exchange.lower(), symbol, message.update_type, message.price, message.volume, bid,
        ask, message.timestamp, received_at, received_mono, message.event_id)
