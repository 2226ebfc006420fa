"""Records <-> plain values: what is written, what is read back, and what is refused."""

import json
from typing import Any

import pytest

from bot.broker.wire import (
    INSTANCE, SCHEMA, SERVED_SCHEMA, UPDATE_SCHEMA, as_update, canonical, read, served_record,
    update_record, writer_of,
)
from bot.errors import ParseError
from bot.model import MarketDataUpdate

UPDATE = MarketDataUpdate(
    "okx", "BTCUSDT", "ticker", 60_000.5, 123.25, 60_000.0, 60_001.0, 1_790_000_000_000,
    1_790_000_000_087, 55.5, 77)
LEAST = {"exchange": "okx", "symbol": "BTC-USDT", "price": 1.5}


def value(**fields: object) -> bytes:
    return json.dumps(LEAST | fields).encode()


def test_an_update_is_written_word_by_word() -> None:
    """The contract with every other reader of the topic."""
    record = update_record(UPDATE, "eins", 1234)
    assert record.key == b"BTCUSDT"
    assert record.value == (
        b'{"type":"websocket_update","exchange":"okx","symbol":"BTCUSDT","price":60000.5,'
        b'"volume":123.25,"bid":60000.0,"ask":60001.0,"timestamp":1790000000000,'
        b'"updateType":"ticker","eventId":77,"instance":"eins","sequence":1234,'
        b'"receivedAt":1790000000087,"v":1}')
    assert record.headers == [("schema", b"market-data/1"), ("instance", b"eins")]
    assert record.timestamp_ms == 1_790_000_000_000


def test_what_is_written_is_read_back_as_the_same_update() -> None:
    message = read(update_record(UPDATE, "zweite ü", 1234).value)
    assert (message.instance, message.sequence, message.received_at) == (
        "zweite ü", 1234, UPDATE.received_at)
    assert as_update(message, "BTCUSDT", UPDATE.received_at, UPDATE.received_mono) == UPDATE


@pytest.mark.parametrize("stamp, written", [
    (None, 1_790_000_000_087),
    (1_790_000_060_087, 1_790_000_060_087),
    (1_790_000_060_088, 1_790_000_000_087),  # else the broker refuses the whole batch with it
    (1, 1),
])
def test_a_record_is_stamped_with_the_event_unless_that_is_far_ahead(
    stamp: int | None, written: int
) -> None:
    update = MarketDataUpdate("okx", "BTCUSDT", "trade", 1.0, None, None, None, stamp,
                              1_790_000_000_087, 0.0)
    record = update_record(update, "eins", 1)
    assert record.timestamp_ms == written
    assert read(record.value).timestamp == stamp


def test_a_price_served_is_written_as_the_api_tells_it_with_its_number() -> None:
    record = served_record("BTCUSDT", {"symbol": "BTCUSDT", "price": None}, "eins", 9, 1234)
    assert (record.key, record.timestamp_ms) == (b"BTCUSDT", 1234)
    assert record.value == (
        b'{"symbol":"BTCUSDT","price":null,"sequence":9,"servedAt":1234,"v":1}')
    assert dict(record.headers) == {SCHEMA: SERVED_SCHEMA, INSTANCE: b"eins"}


def test_a_price_served_is_no_update_even_when_its_headers_are_lost() -> None:
    told = {"symbol": "BTCUSDT", "price": 1.0, "exchange": "okx", "source": "mock",
            "timestamp": 1_790_000_000_000, "instance": "eins"}
    with pytest.raises(ParseError, match="served"):
        read(served_record("BTCUSDT", told, "eins", 9, 1234).value)


def test_three_fields_are_enough_and_unknown_ones_are_passed_over() -> None:
    message = read(value(colour={"deep": [1, 2, 3]}, updateTypo="x"))
    assert (message.exchange, message.symbol, message.price) == ("okx", "BTC-USDT", 1.5)
    assert (message.update_type, message.v) == ("ticker", 1)
    assert (message.timestamp, message.received_at, message.sequence, message.instance) == (
        None, None, None, None)


def test_a_dashboards_envelope_is_opened() -> None:
    inner = value(updateType="trade")
    message = read(b'{"type":"websocket_update","data":' + inner + b"}")
    assert (message.price, message.update_type) == (1.5, "trade")


def test_numbers_may_be_strings() -> None:
    message = read(value(price="60000.5", timestamp="1790000000000", bid="1", ask="2"))
    assert (message.price, message.timestamp) == (60_000.5, 1_790_000_000_000)


@pytest.mark.parametrize("fields", [
    {"price": 0}, {"price": -1.0}, {"price": None}, {"price": True}, {"price": "nan"},
    {"price": "inf"}, {"price": "much"}, {"price": [1]}, {"price": "1e400"},
    {"volume": -1}, {"volume": "nan"}, {"volume": "inf"},
    {"bid": 2.0, "ask": 1.0}, {"bid": -1.0}, {"ask": "nan"}, {"bid": "inf"},
    {"v": 2}, {"v": 0}, {"v": None}, {"v": "two"},
    {"exchange": ""}, {"exchange": None}, {"exchange": "x" * 65},
    {"exchange": "okx\nINFO all well"}, {"exchange": "\x1b[2Jokx"},
    {"symbol": ""}, {"symbol": "x" * 65}, {"symbol": 1},
    {"updateType": "candle"}, {"updateType": None},
    {"timestamp": 0}, {"timestamp": -5}, {"timestamp": 10**15}, {"timestamp": 1.5},
    {"receivedAt": 0}, {"receivedAt": "soon"}, {"eventId": -1}, {"eventId": 10**18},
    {"sequence": -1}, {"sequence": 10**400}, {"sequence": "x"},
    {"instance": ""}, {"instance": "x" * 65}, {"instance": "a\r\nb"},
    {"servedAt": 1},
], ids=str)
def test_what_cannot_be_is_refused_in_one_short_line(fields: dict[str, Any]) -> None:
    with pytest.raises(ParseError) as caught:
        read(value(**fields))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("poison", [
    None, b"", b" ", b"null", b"[]", b"1", b'"x"', b"{}", b"{", b"\x00" * 100, b"\xff\xfe\x00",
    b"\x01\x00\x00\x00\x07avro", b'{"exchange":"okx","symbol":"BTCUSDT","price":NaN}',
    b'{"exchange":"okx","symbol":"BTCUSDT","price":Infinity}',
    b'{"exchange":"okx","symbol":"BTCUSDT","price":-1e999}',
    b'{"exchange":"\xff","symbol":"BTCUSDT","price":1}',
    b'{"exchange":"o\\ud800","symbol":"BTCUSDT","price":1}',
    b"[" * 1_000_000, b'{"x":' * 200_000, b'{"x":' + b"[" * 1_000_000 + b"}",
    b"x" * 10_000_000, b'{"exchange":"' + b"o" * 10_000_000 + b'"}',
    value(exchange="x" * 10_000_000), value() + b"{}", b"\xef\xbb\xbf" + value(),
    b'{"type":"websocket_update","data":null}', b'{"type":"websocket_update","data":',
    b'{"type":"websocket_update","data":' + b'{"data":' * 200_000,
], ids=lambda poison: repr(poison)[:30])
def test_poison_is_refused_in_one_short_line(poison: bytes | None) -> None:
    with pytest.raises(ParseError) as caught:
        read(poison)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_price_is_read_out_of_ten_megabytes_of_what_nobody_knows() -> None:
    assert read(value(padding="x" * 10_000_000)).price == 1.5


@pytest.mark.parametrize("bid, ask, sides", [
    (0, 2.0, (None, 2.0)), (None, 0, (None, None)), (1.0, 1.0, (1.0, 1.0)),
])
def test_an_empty_side_is_none(bid: float | None, ask: float | None, sides: object) -> None:
    update = as_update(read(value(bid=bid, ask=ask)), "BTCUSDT", 1, 2.0)
    assert (update.bid, update.ask) == sides


def test_the_receipt_of_an_update_read_is_ours_and_never_the_writers() -> None:
    message = read(value(exchange="OKX", receivedAt=5, timestamp=6))
    update = as_update(message, "BTCUSDT", 1234, 5.5)
    assert (update.exchange, update.symbol) == ("okx", "BTCUSDT")
    assert (update.received_at, update.received_mono, update.timestamp) == (1234, 5.5, 6)


@pytest.mark.parametrize("headers, writer", [
    ([], None), ([("schema", b"x")], None), ([("instance", b"eins")], "eins"),
    ([("a", None), ("instance", "ü".encode())], "ü"),
    ([("instance", None)], None), ([("instance", 7)], None), ([("instance", "eins")], None),
    ([("instance", None), ("instance", b"eins")], "eins"),
    ([("instance", b"\xff\xfe")], "\ufffd\ufffd"),
    ([("instance", b"a\nb")], r"'a\nb'"), ([("instance", b"\x1b[2J")], r"'\x1b[2J'"),
])
def test_the_writer_is_read_from_headers_of_any_sort(headers: Any, writer: str | None) -> None:
    assert writer_of(headers) == writer


@pytest.mark.parametrize("name", ["x" * 64, "ü" * 64, "\U0001f4e8" * 64])
def test_every_possible_instance_knows_its_own_header(name: str) -> None:
    assert writer_of(update_record(UPDATE, name, 1).headers) == name
    assert writer_of([("instance", (name + "y").encode())]) != name


def test_a_writers_name_is_bounded_since_it_is_kept() -> None:
    name = writer_of([("instance", b"x" * 1_000_000)])
    assert name is not None and len(name) < 300


@pytest.mark.parametrize("spelling, name", [
    ("BTC-USDT", "BTCUSDT"), ("btc/usdt", "BTCUSDT"), ("ETHUSD", "ETHUSD"), ("?", None),
    ("", None), ("BTC", None), ("\u0000", None),
])
def test_symbols_are_spelled_in_one_way(spelling: str, name: str | None) -> None:
    assert canonical(spelling) == name


def test_the_schema_of_updates_names_the_version() -> None:
    assert UPDATE_SCHEMA == b"market-data/1" and read(value(v=1)).v == 1
