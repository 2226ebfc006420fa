import msgspec

from bot.model import SourceStatus
from bot.web import status
from tests.web.fakes import quote, update


def test_a_source_that_never_spoke_has_nulls() -> None:
    body = status.source(SourceStatus("okx", False, None, None, 0, 3))
    assert msgspec.json.encode(body) == (
        b'{"exchange":"okx","connected":false,"latency":null,"lastUpdate":null,'
        b'"messagesReceived":0,"errors":3}')


def test_health_without_any_update_has_no_last_update() -> None:
    sources = [SourceStatus("okx", False, None, None, 0, 0)]
    body = status.health(False, None, sources, "primary", 1704067200456)
    assert (body["lastUpdate"], body["updateCount"], body["timestamp"]) == (None, 0, 1704067200456)


def test_timestamp_is_never_before_the_last_update() -> None:
    sources = [SourceStatus("okx", True, 1, 2000, 1, 0), SourceStatus("b", True, 1, 3000, 1, 0)]
    body = status.health(True, "okx", sources, "primary", 1000)
    assert body["lastUpdate"] == body["timestamp"] == 3000


def test_no_active_source_is_never_healthy() -> None:
    assert status.health(True, None, [], "primary", 1)["healthy"] is False


def test_an_average_names_its_legs_right_after_the_exchange() -> None:
    body = status.price(quote(exchange=None, exchanges=("binance", "okx")), "primary")
    assert list(body)[6:9] == ["exchange", "exchanges", "timestamp"]
    assert (body["exchange"], body["exchanges"]) == (None, ("binance", "okx"))


def test_the_price_of_one_exchange_has_no_legs() -> None:
    assert "exchanges" not in status.price(quote(exchanges=("binance",)), "primary")


def test_the_age_is_a_whole_number_of_ms() -> None:
    assert status.price(quote(age_s=1.001), "primary")["ageMs"] == 1001


def test_an_update_for_dashboards_has_its_keys_in_order() -> None:
    assert msgspec.json.encode(status.websocket_update(update(50000.5))) == (
        b'{"type":"websocket_update","data":{"exchange":"binance","symbol":"BTCUSDT",'
        b'"price":50000.5,"volume":2.0,"bid":0.5,"ask":1.5,"timestamp":1704067200000,'
        b'"updateType":"ticker"}}')
