import json
from typing import Any

import pytest

from bot.errors import DrillRunning
from tests.web.fakes import FakeView
from tests.web.test_app import ask, problem

PATH = "/api/v1/drill"
WISH = {"source": "binance", "fault": "cut", "seconds": 10}


def post(view: FakeView, **options: Any) -> Any:
    options = options or {"json": WISH}
    headers = {"Authorization": "Bearer geheim"} | options.pop("headers", {})
    return ask(view, token="geheim").post(PATH, headers=headers, **options)


def test_a_drill_is_accepted_and_can_be_followed(view: FakeView) -> None:
    answer = post(view)
    assert (answer.status_code, answer.headers["Location"]) == (202, PATH)
    assert answer.data == (
        b'{"state":"running","source":"binance","fault":"cut","seconds":10.0,"symbol":"BTCUSDT",'
        b'"startedAt":1704067200500,"report":null,"instance":"primary"}')
    assert ask(view).get(PATH).data == answer.data


def test_a_report_word_by_word(view: FakeView) -> None:
    assert ask(view).get(PATH).data == (
        b'{"state":"done","source":"binance","fault":"cut","seconds":10.0,"symbol":"BTCUSDT",'
        b'"startedAt":1704067200500,"report":{"activeBefore":"binance","activeDuring":"okx",'
        b'"activeAfter":"binance","unfitAfterMs":3,"switchedAfterMs":12,"priceStepBps":-0.512,'
        b'"blackoutAnyMs":0,"blackoutTrustedMs":5,"worstAgeMs":313,'
        b'"statuses":{"trusted":20300,"none":5},"cameBack":true,"backAfterMs":10310,'
        b'"interrupted":false},"instance":"primary"}')


def test_before_the_first_drill_there_is_none_to_see(view: FakeView) -> None:
    view.drills.told = None
    problem(ask(view).get(PATH), 404)


def test_where_drills_are_switched_off_it_is_told_what_to_set(view: FakeView) -> None:
    view.drills.refused = "set ENABLE_DRILL=true"
    assert problem(post(view), 403)["detail"] == "set ENABLE_DRILL=true"
    assert ask(view).get(PATH).status_code == 200


def test_without_the_token_nothing_is_begun(view: FakeView) -> None:
    view.drills.told = None
    problem(ask(view, token="geheim").post(PATH, json=WISH), 401)
    assert view.drills.told is None


def test_another_drill_is_a_conflict(view: FakeView) -> None:
    view.drills.fault = DrillRunning("a drill is under way")
    assert problem(post(view), 409)["detail"] == "a drill is under way"


def test_what_cannot_be_is_refused_with_what_can(view: FakeView) -> None:
    view.drills.fault = ValueError("source: must be one of binance, okx, got 'x'")
    assert problem(post(view), 400)["detail"] == "source: must be one of binance, okx, got 'x'"


def test_seconds_may_be_left_out(view: FakeView) -> None:
    assert post(view, json={"source": "okx", "fault": "silence"}).json["seconds"] == 10


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"\xff\xfe", b'{"source":"okx"}', b'{"source":1,"fault":"cut"}',
    b'{"source":"okx","fault":"cut","seconds":"10"}', b'{"source":"okx","fault":"cut","second":1}',
    b'{"source":"okx","fault":"cut","seconds":true}', b"[" * 500,
    b'{"source":"okx","fault":"cut","seconds":NaN}',
])
def test_a_body_that_is_no_wish_is_refused_with_an_example(view: FakeView, body: bytes) -> None:
    detail = problem(post(view, data=body, content_type="application/json"), 400)["detail"]
    assert '{"source": "binance", "fault": "cut", "seconds": 10}' in detail


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(view: FakeView, kind: str) -> None:
    problem(post(view, data=json.dumps(WISH), content_type=kind), 415)


def test_a_long_body_is_refused(view: FakeView) -> None:
    problem(post(view, json=WISH | {"source": "x" * 1_000}), 413)


def test_a_foreign_page_may_not_begin_one(view: FakeView) -> None:
    answer = post(view, json=WISH, headers={"Origin": "http://evil.example"})
    assert "'http://evil.example'" in problem(answer, 403)["detail"]
    assert post(view, json=WISH, headers={"Origin": "http://localhost"}).status_code == 202


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(view: FakeView, method: str) -> None:
    answer = ask(view).open(PATH, method=method)
    problem(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
