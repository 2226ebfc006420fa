"""What a running bot tells, as rows for people."""

import pytest

from bot.verbs.tables import (
    Table, health_line, link_table, price_table, record_table, source_state, source_table,
    tier_table, told_story)
from bot.verbs.terminal import GREEN, RED, YELLOW
from tests.verbs.told import RECORD, Json, health, incident, leg, link, no_price, price, source

AWAY = "disagrees with okx by +48.6 bps; put away for 10 s"


def test_a_price_that_is_not_there_has_its_reason_and_its_colour() -> None:
    table = price_table([price(), no_price("ETHUSDT"), price("X", status="degraded"),
                         price("Y", status="stale", exchange=None, exchanges=["a", "b"])])
    assert table.lines()[2].split() == ["ETHUSDT", *"-----", "none", "websocket:", "no", "data"]
    assert table.colours[1:] == [GREEN, RED, YELLOW, RED]
    assert "a+b" in table.lines()[4]


@pytest.mark.parametrize("connected, legs, state, why", [
    (True, [leg("binance")], "up", ""),
    (True, [leg("binance", "alone")], "up", ""),
    (True, [leg("binance", "disagreement", AWAY)], "put away", AWAY),
    (True, [leg("binance", "silence", "no data for 5001 ms")], "not used", "no data for 5001 ms"),
    (True, [leg("binance"), leg("binance", "disagreement", "x", kind="rest")], "up", ""),
    (True, [leg("okx", "silence", "no data")], "up", ""),
    (False, [leg("binance", "connection", "not connected: refused")], "down",
     "not connected: refused"),
])
def test_a_source_that_is_connected_and_not_used_is_not_plain_up(
    connected: bool, legs: list[dict[str, object]], state: str, why: str
) -> None:
    assert source_state(source("binance", connected), {"BTCUSDT": {"legs": legs}}) == (state, why)


def test_a_source_may_be_unfit_for_one_of_several_symbols() -> None:
    explained = {"BTCUSDT": {"legs": [leg("binance")]},
                 "ETHUSDT": {"legs": [leg("binance", "silence", "no data")]}}
    assert source_state(source("binance"), explained) == ("partly not used", "ETHUSDT: no data")


def test_the_active_source_is_marked_and_states_have_colours() -> None:
    table = source_table(health(source("binance"), source("okx", False)),
                         {"B": {"legs": [leg("okx", "connection", "not connected: refused")]}})
    assert table.lines()[1].split()[:3] == ["binance", "up,", "active"]
    assert table.lines()[2].endswith("not connected: refused")
    assert table.colours[1:] == [GREEN, RED]


def test_the_tiers_say_who_serves_what() -> None:
    prices = [price(), price("ETHUSDT", source="okx"), no_price("SOLUSDT")]
    rows = {row[0]: row[1:] for row in tier_table(prices, health(), []).rows}
    assert rows["websocket"] == ["BTCUSDT", "2 of 2 sources connected"]
    assert rows["kafka"] == ["-", "off"] and rows["okx"][0] == "ETHUSDT"
    off = tier_table(prices, {"error": "WebSocket not enabled"}, [link(up=False, reason="gone")])
    assert ["websocket", "BTCUSDT", "off"] in off.rows and ["kafka", "-", "down: gone"] in off.rows


def test_a_tier_that_is_asked_in_vain_says_why() -> None:
    tiers = [
        {"tier": "websocket", "state": "passed over", "why": "no fit source"},
        {"tier": "kafka", "state": "off", "why": "switched off (ENABLE_KAFKA)"},
        {"tier": "okx", "state": "passed over", "why": "timed out"},
        {"tier": "mock", "state": "serving", "why": "made up"}]

    def states(prices: list[Json]) -> list[str]:
        return [row[2] for row in tier_table(prices, health(), [], tiers).rows[1:]]

    assert states([no_price()]) == [
        "2 of 2 sources connected; passed over, no fit source", "switched off (ENABLE_KAFKA)",
        "passed over, timed out", "made up, in simulation only"]
    assert states([no_price(), price("ETHUSDT")])[2] == "BTCUSDT: passed over, timed out"
    waits = [tier | {"state": "standing by"} for tier in tiers]
    assert tier_table([price()], health(), [], waits).rows[3][2] == (
        "REST, asked while those above have no price")


def test_what_is_not_used_has_no_table() -> None:
    assert link_table([]) is None and record_table({"enabled": False}) is None
    assert health_line({"error": "WebSocket not enabled"}) == "feeds: WebSocket not enabled"


def test_links_and_record_are_put_in_words() -> None:
    links = link_table([link(), link(direction="write", up=None)])
    assert links is not None and links.lines()[1].split() == [
        "read", "prices", "2", "4", "7", "used", "up"]
    assert "connecting" in links.lines()[2] and links.colours[2] == YELLOW
    record = record_table(RECORD)
    assert record is not None and record.lines()[1].split()[0] == "up"


def test_an_incident_is_told_as_everywhere_with_advice_while_it_lasts() -> None:
    over = told_story(incident())
    assert over.head == "11-22 17:26:01  " and over.advice == ""
    assert over.text.startswith("binance was not fit for BTCUSDT for 10.4 s: no data for 5001 ms.")
    lasting = told_story(incident(closedAt=None))
    assert "10.4 s so far" in lasting.text and "status page" in lasting.advice
    assert told_story(incident(closedAt=None, advice="Do\x1b this.")).advice == "Do  this."


def test_a_narrow_window_costs_the_columns_that_matter_least() -> None:
    table = price_table([price(reason="r" * 50)])
    assert "TIER" in table.lines()[0] and "TIER" in table.lines(200)[0]
    narrow = table.lines(60)[0].split()
    assert "+-" not in narrow and "TIER" not in narrow
    assert {"SYMBOL", "PRICE", "STATUS", "REASON"} <= set(narrow)
    assert table.lines(10)[0].split() == ["SYMBOL", "PRICE", "STATUS", "REASON"]


def test_what_others_say_moves_no_cursor() -> None:
    assert "\x1b" not in Table([["A"], ["x\x1b[2J\n"]]).lines()[1]
