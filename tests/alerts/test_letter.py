"""A case in words."""

import msgspec
import pytest

from bot.alerts.case import Path
from bot.alerts.facts import Severity
from bot.alerts.letter import MOST_LINES, guidance, text, title
from bot.events import FailoverFailed, LinkChanged, SourceSwitched
from bot.incidents.incident import DOWN
from bot.incidents.story import advice
from tests.alerts.making import WALL, Desk, incident, item, tier, told


def outage(symbols: tuple[str, ...] = ("BTCUSDT",)) -> Desk:
    desk = Desk()
    desk.take(*(tier("websocket", None, symbol) for symbol in symbols))
    for symbol in symbols:
        for source in ("binance", "okx"):
            desk.open(f"{source}{symbol}", source, symbol, "connection", cause="reset")
        desk.take(SourceSwitched(symbol, "binance", "okx", WALL, "reset"))
        desk.open(f"p{symbol}", None, symbol, cause="all are gone")
        desk.take(tier("mock", symbol=symbol, reason="streams: gone"))
    desk.wait(3.5)
    return desk


def test_an_outage_word_by_word() -> None:
    desk = outage()
    assert text(desk.last) == """\
🔴 [primary] BTCUSDT has no trusted price
• BTCUSDT has no trusted price: all are gone (since 14:13:20 UTC)
• BTCUSDT is served from mock (made up): streams: gone (since 14:13:20 UTC)
• binance is not fit for BTCUSDT: reset (since 14:13:20 UTC)
• okx is not fit for BTCUSDT: reset (since 14:13:20 UTC)
What the bot did: source of BTCUSDT: binance -> okx; tier of BTCUSDT: websocket -> mock.
What to do: All sources are silent or gone: the network of this machine first, then their status \
pages. (docs/runbook.md#no-trusted-price)
Since 2026-09-21 14:13:20 UTC."""


def test_its_end_word_by_word() -> None:
    desk = outage()
    desk.wait(36.5)
    for name, source in (("binanceBTCUSDT", "binance"), ("okxBTCUSDT", "okx")):
        desk.close(name, source, rule="connection", lasted_s=39.5, cause="reset")
    desk.close("pBTCUSDT", lasted_s=40.0, cause="all are gone")
    desk.take(tier("websocket", "mock"))
    desk.wait(31.0)
    assert text(desk.last) == """\
✅ [primary] Over after 40.0 s: BTCUSDT had no trusted price
• BTCUSDT had no trusted price for 40.0 s: all are gone
• BTCUSDT was served from a lower tier, at worst mock (made up) for 40.0 s: streams: gone
• binance was not fit for BTCUSDT for 39.5 s: reset
• okx was not fit for BTCUSDT for 39.5 s: reset
What the bot did: source of BTCUSDT: binance -> okx; tier of BTCUSDT: websocket -> mock -> \
websocket.
Without a trusted price: BTCUSDT 40.0 s.
What to do: Nothing, it is over. (docs/runbook.md#no-trusted-price)"""


def test_many_symbols_are_one_line_each_thing() -> None:
    written = text(outage(tuple(f"C{number:02}USDT" for number in range(15))).last)
    assert written.count("•") == 4
    assert "• binance is not fit for C00USDT, C01USDT, C02USDT and 12 more: reset" in written
    assert "C00USDT, C01USDT, C02USDT and 12 more have no trusted price" in written
    assert "tier of C00USDT, C01USDT, C02USDT and 12 more: websocket -> mock." in written


def test_lines_are_left_out_until_it_fits() -> None:
    items = tuple(item(subject=("kafka", f"reading t{number}")) for number in range(30))
    whole = text(told(items=items))
    assert whole.count("Kafka is not reading") == MOST_LINES + 1  # and the title
    assert f"… and {30 - MOST_LINES} more" in whole
    short = text(told(items=items), lambda text: len(text) <= 500)
    assert len(short) <= 500 and "What to do" in short and " more" in short
    assert text(told(items=items), lambda text: len(text) <= 60) == title(told(items=items))


def test_a_long_cause_is_cut() -> None:
    assert "…" in text(told(items=(item(cause="x" * 5000),)))
    assert len(text(told(items=(item(cause="x" * 5000),)))) < 700


def test_a_drill_says_so_in_the_title() -> None:
    desk = Desk(Severity.INFO)
    desk.open("d", "binance", cause="drill: cut for 5 s (reset)")
    desk.wait(4.0)
    assert title(desk.last).startswith("🔵 [primary] DRILL: binance is not fit")


def test_a_real_thing_beside_a_drill_is_no_drill() -> None:
    desk = Desk()
    desk.drilled = {"BTCUSDT"}
    desk.open("d", "binance", cause="drill: cut for 5 s (reset)")
    desk.take(tier("mock"))
    desk.take(LinkChanged("reading prices", False, "no answer", WALL, None))
    desk.wait(4.0)
    written = text(desk.last)
    assert "DRILL" not in title(desk.last)
    assert "• DRILL: BTCUSDT is served from mock" in written
    assert "• Kafka is not reading prices: no answer" in written


def test_what_comes_and_goes_says_that_it_is_quiet() -> None:
    desk = Desk()
    for number in range(3):
        desk.open(f"p{number}")
        desk.wait(2.0)
        desk.close(f"p{number}", lasted_s=2.0)
        desk.wait(2.0)
    desk.wait(100.0)
    assert title(desk.last) == "⚪ [primary] Quiet for now: BTCUSDT had no trusted price"
    assert "for 6.0 s, 3 times" in text(desk.last)
    assert "Without a trusted price: BTCUSDT 6.0 s." in text(desk.last)


def test_what_is_wrong_now_leads_and_not_what_was_worse_before() -> None:
    desk = Desk()
    desk.open("o", "okx", rule="disagreement")
    desk.open("p")
    desk.wait(4.0)
    assert title(desk.last) == "🔴 [primary] BTCUSDT has no trusted price"
    desk.close("p", lasted_s=4.0)
    desk.wait(60.0)
    assert title(desk.last) == (
        "🔴 [primary] okx is not fit for BTCUSDT; before: BTCUSDT had no trusted price")
    assert guidance(desk.last)[1].endswith("#source-put-away")
    desk.close("o", "okx", rule="disagreement", lasted_s=64.0)
    desk.wait(40.0)
    assert title(desk.last) == "✅ [primary] Over after 1 min 4 s: BTCUSDT had no trusted price"


def test_the_mark_is_that_of_the_case() -> None:
    desk = Desk(Severity.INFO)
    desk.open("o", "okx")
    desk.wait(4.0)
    assert title(desk.last) == "🔵 [primary] okx is not fit for BTCUSDT"
    for number in range(2):
        desk.open(f"p{number}")
        desk.wait(0.75)
        desk.close(f"p{number}", lasted_s=0.75)
        desk.wait(0.5)
    assert desk.last.severity == Severity.CRITICAL
    assert title(desk.last) == (
        "🔴 [primary] okx is not fit for BTCUSDT; before: BTCUSDT had no trusted price")


def test_a_flash_that_was_not_worth_telling_is_in_no_title() -> None:
    desk = Desk()
    desk.open("p")
    desk.wait(0.5)
    desk.close("p", lasted_s=0.5)
    desk.take(tier("okx"))
    desk.wait(4.0)
    assert title(desk.last) == "🟠 [primary] BTCUSDT is served from okx"
    assert "BTCUSDT had no trusted price for 500 ms" in text(desk.last)


def test_a_silent_telling_of_what_has_just_become_worse_has_its_mark() -> None:
    assert title(told(items=(item(Severity.CRITICAL),))).startswith("🔴")


def test_nobody_is_told_to_do_nothing_while_nothing_serves() -> None:
    """Whatever case it is that has the price."""
    desk = Desk(Severity.INFO)
    desk.open("o", "okx", rule="connection")
    desk.wait(4.0)
    assert guidance(desk.last) == (
        advice("connection")[0], "docs/runbook.md#source-down")
    desk.wait(100.0)
    desk.open("p")
    desk.wait(100.0)
    desk.open("b", "binance", rule="connection")
    desk.open("e", "binance", "ETHUSDT", "connection")
    desk.wait(4.0)
    assert {item.fact.source for item in desk.last.items} == {"binance"}
    assert guidance(desk.last) == (
        advice("connection", is_served=False)[0], "docs/runbook.md#no-trusted-price")


def test_while_no_stream_is_fit_and_no_tier_took_over_nothing_serves() -> None:
    """The old price of a stream is served on for a while; it is no incident where a lower tier
    has a better one for whoever asks."""
    desk = Desk(Severity.INFO)
    for source in ("binance", "okx"):
        desk.open(source, source, rule="silence")
    desk.take(FailoverFailed("BTCUSDT", "binance", WALL, "silent"))
    desk.wait(4.0)
    assert guidance(desk.last)[0] == advice("silence", is_served=False)[0]
    desk.take(tier("okx"))
    desk.wait(3.0)
    assert guidance(desk.last)[0] == advice("tier")[0]
    desk.take(tier("websocket", "okx"), SourceSwitched("BTCUSDT", None, "okx", WALL, "fit again"))
    desk.wait(60.0)
    assert guidance(desk.last)[0] == advice("silence")[0]


def test_what_is_served_from_nowhere_is_no_price_either() -> None:
    desk = Desk(Severity.INFO)
    desk.take(tier("mock"))
    desk.wait(100.0)
    desk.open("o", "okx", rule="silence")
    desk.wait(4.0)
    assert guidance(desk.last)[0] == advice("silence", is_served=False)[0]


def test_since_is_of_this_time_and_not_of_the_first() -> None:
    desk = Desk()
    desk.open("p1")
    desk.take(tier("okx"))
    desk.wait(10.0)
    desk.close("p1", lasted_s=10.0)
    desk.wait(20.0)
    desk.open("p2")
    desk.take(msgspec.structs.replace(tier("mock", "okx"), at=desk.wall))
    desk.wait(5.0)
    assert "BTCUSDT has no trusted price: because of stale (since 14:13:50 UTC, 2 times)" in text(
        desk.last)
    assert "served from mock (made up): the streams are silent (since 14:13:50 UTC)" in text(
        desk.last)
    assert "\nSince 2026-09-21 14:13:20 UTC." in text(desk.last)
    assert [item.at for item in desk.last.items] == [WALL + 30.0] * 2


def test_a_link_that_fails_for_another_reason_is_down_since_it_failed_first() -> None:
    desk = Desk()
    for reason in ("no answer", "refused"):
        desk.take(LinkChanged("reading prices", False, reason, desk.wall, None))
        desk.wait(2.0)
    assert "refused (since 14:13:20 UTC)" in text(desk.last)


def drilled_after_it_was_real(least: Severity = Severity.INFO) -> Desk:
    """okx fails twice in earnest; then a drill begins, while a price that was lost is back."""
    desk = Desk(least)
    desk.open("b", "binance", rule="disagreement")
    for number in range(2):
        desk.open(f"o{number}", "okx", rule="silence")
        desk.wait(5.0)
        desk.close(f"o{number}", "okx", rule="silence", lasted_s=5.0)
        desk.wait(5.0)
    desk.open("d", "okx", rule="silence", cause="drill: cut for 30 s")
    desk.wait(60.0)
    return desk


def test_a_drill_of_what_was_wrong_in_earnest_is_told_apart() -> None:
    desk = drilled_after_it_was_real()
    assert "• DRILL: okx is not fit for BTCUSDT: cut for 30 s (since 14:13:40 UTC, 3 times" \
        ", once in a drill)" in text(desk.last)
    desk.close("d", "okx", rule="silence", lasted_s=60.0, cause="drill: cut for 30 s")
    desk.wait(60.0)
    assert "• okx was not fit for BTCUSDT for 1 min 10 s, 3 times, once in a drill: because of " \
        "silence" in text(desk.last)


def test_a_title_of_nothing_but_a_drill_says_so_whatever_was_before() -> None:
    desk = drilled_after_it_was_real()
    desk.close("b", "binance", rule="disagreement", lasted_s=60.0)
    desk.wait(60.0)
    assert title(desk.last) == ("🟠 [primary] DRILL: okx is not fit for BTCUSDT; before: binance "
                                "was not fit for BTCUSDT")


def test_a_drill_that_turns_out_to_be_in_earnest_is_none() -> None:
    desk = drilled_after_it_was_real()
    desk.open("d", "okx", rule="silence", revision=2)
    desk.wait(61.0)
    assert "• okx is not fit for BTCUSDT: because of silence" in text(desk.last)
    assert "DRILL" not in text(desk.last) and "in a drill" not in text(desk.last)


@pytest.mark.parametrize("fields, words", [
    ({"subject": ("record",), "rule": "record"}, "Nothing is recorded"),
    ({"subject": ("record",), "rule": "record", "over": True}, "Nothing was recorded"),
    ({"subject": ("record",), "rule": "disk"}, "The disk of the record runs low"),
    ({"subject": ("unrecorded",), "rule": "unrecorded"}, "Rows are not recorded"),
    ({"subject": ("kafka", "publishing to x"), "rule": "kafka", "over": True},
     "Kafka was not publishing to x"),
    ({"subject": ("tier", "BTCUSDT"), "rule": "none", "symbol": "BTCUSDT", "to": "nowhere"},
     "BTCUSDT is served from nowhere"),
    ({"subject": ("source", "okx", "BTCUSDT"), "rule": "disagreement", "source": "okx",
      "symbol": "BTCUSDT"}, "okx is not fit for BTCUSDT"),
])
def test_every_kind_has_its_words(fields: dict[str, object], words: str) -> None:
    assert title(told(items=(item(**fields),))) == f"🟠 [primary] {words}"  # type: ignore[arg-type]


def test_a_bot_that_did_not_run_is_told_without_an_over() -> None:
    desk = Desk()
    desk.now = 700.0
    desk.take(incident("d", None, None, DOWN, cause=DOWN, opened_at=WALL + 100.0,
                       closed_at=desk.wall, duration_ms=600_000.0))
    desk.wait(4.0)
    written = text(desk.last)
    assert written.startswith(
        "✅ [primary] The bot did not run\n• The bot did not run for 10 min 0 s")
    assert "journalctl" in written and "#bot-down" in written


def test_what_leaves_work_behind_says_so_when_it_is_over() -> None:
    todo, where = guidance(told(event="closed", items=(
        item(Severity.CRITICAL, subject=("price", "BTCUSDT"), rule="stale", symbol="BTCUSDT",
             over=True),
        item(subject=("source", "okx", "BTCUSDT"), rule="disagreement", source="okx",
             symbol="BTCUSDT", over=True))))
    assert "Compare with another venue" in todo and where.endswith("#source-put-away")


def test_a_trusted_price_all_the_time_is_said() -> None:
    desk = Desk()
    desk.open("b", "binance", rule="disagreement")
    desk.wait(5.0)
    desk.close("b", "binance", rule="disagreement", lasted_s=5.0)
    desk.wait(31.0)
    assert "There was a trusted price all the time." in text(desk.last)


def test_without_one_until_the_switch_is_said() -> None:
    desk = Desk()
    desk.open("b", "binance", rule="disagreement")
    desk.wait(5.0)
    desk.close("b", "binance", rule="disagreement", lasted_s=5.0, blackout_ms=120.0)
    desk.wait(31.0)
    assert "Without a trusted price until another source took over: 120 ms." in text(desk.last)


def test_a_way_that_was_cut_says_how_many_changes_there_were() -> None:
    stops = ("a", "b", "a", "b", "a", "b", "a", "b")
    assert "a -> b ... a -> b (40 changes)" in text(
        told(paths=(Path("source", "BTCUSDT", stops, 40),)))


def test_since_another_day_has_its_date() -> None:
    written = text(told(opened_at=WALL + 3 * 86_400))
    assert "(since 2026-09-21 14:13:20 UTC)" in written


def test_a_test_says_that_it_is_one() -> None:
    written = text(told(event="test", severity=Severity.CRITICAL, items=()))
    assert written.startswith("🔴 [primary] TEST (critical)\nThis is a test: nothing is wrong.")


def test_incidents_that_were_never_told_are_a_number() -> None:
    assert "And 12 more incidents that could not be told here" in text(told(), more=12)
    assert "And 1 more incident that" in text(told(), more=1)
