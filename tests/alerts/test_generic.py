"""JSON for anybody: every event with the same id."""

from bot.alerts.channel import Answer
from bot.alerts.generic import MOST_ITEMS, Generic
from tests.alerts.making import WALL, Desk, item, tier, told

URL = "https://example.com/hooks/SecretHook"


def test_a_case_is_told_field_by_field() -> None:
    desk = Desk()
    desk.open("p", cause="all are gone")
    desk.take(tier("websocket", None), tier("okx", reason="gone"))
    desk.wait(10.0)
    desk.close("p", lasted_s=10.0, cause="all are gone")
    desk.take(tier("websocket", "okx"))
    desk.wait(40.0)
    body = Generic(URL).request(desk.last).body
    assert list(body) == [
        "id", "revision", "event", "severity", "title", "text", "instance", "openedAt", "closedAt",
        "durationMs", "items", "itemCount", "advice", "runbook", "untold"]
    assert body["id"] == desk.told[0][1].id and body["event"] == "closed"
    assert body["revision"] == len(desk.told) == 2
    assert body["severity"] == "critical" and body["instance"] == "primary"
    assert (body["openedAt"], body["closedAt"]) == (WALL * 1000, WALL * 1000 + 10_000)
    assert body["durationMs"] == 10_000 and body["runbook"] == "docs/runbook.md#no-trusted-price"
    assert body["items"] == [
        {"kind": "price", "source": None, "symbol": "BTCUSDT", "severity": "critical",
         "open": False, "rule": "stale", "cause": "all are gone", "servedFrom": None,
         "drill": False, "openedAt": WALL * 1000, "durationMs": 10_000, "times": 1,
         "incident": "p"},
        {"kind": "tier", "source": None, "symbol": "BTCUSDT", "severity": "warning",
         "open": False, "rule": "tier", "cause": "gone", "servedFrom": "okx", "drill": False,
         "openedAt": WALL * 1000, "durationMs": 10_000, "times": 1, "incident": None}]


def test_what_is_open_has_no_end() -> None:
    assert Generic(URL).request(told()).body["closedAt"] is None


def test_very_many_items_are_counted_and_cut() -> None:
    body = Generic(URL).request(told(items=(item(),) * 1000)).body
    assert body["itemCount"] == 1000
    assert isinstance(body["items"], list) and len(body["items"]) == MOST_ITEMS


def test_a_test_has_no_items() -> None:
    body = Generic(URL).request(told(event="test", items=())).body
    assert body["event"] == "test" and body["items"] == [] and body["advice"] == ""


def test_every_2xx_is_well() -> None:
    assert all(Generic(URL).outcome(Answer(status, "", b"x")).ok for status in (200, 201, 204))
