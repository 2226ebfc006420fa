"""One channel at work: what leaves, and what a receiver can do about it."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bot.alerts.case import Told
from bot.alerts.channel import Answer, Request
from bot.alerts.delivery import REFUSED_S, REQUEST_S, STRAYS, Delivery
from bot.alerts.facts import Severity
from bot.alerts.outbox import BURST
from bot.alerts.posting import NotSent
from bot.alerts.telegram import Telegram
from tests.alerts.making import told
from tests.alerts.receiver import CHAT, TOKEN
from tests.helpers import Clock, eventually

OK = Answer(200, "", b'{"ok": true, "result": {"message_id": 7}}')


class Desk:
    """A delivery to a Telegram that answers as a test says, on a clock that it turns."""

    def __init__(self) -> None:
        self.mono = Clock()
        self.answers: list[Answer | Exception] = []
        self.requests: list[Request] = []
        self.hold = threading.Event()
        self.hold.set()
        self.delivery = Delivery(
            Telegram("https://api.telegram.org", TOKEN, CHAT), self._post, self.mono,
            lambda: 1_790_000_000.0)

    def _post(self, request: Request, secrets: tuple[str, ...]) -> Answer:
        self.requests.append(request)
        self.hold.wait(10.0)
        answer = self.answers.pop(0) if self.answers else OK
        if isinstance(answer, Exception):
            raise answer
        return answer

    def turn(self, seconds: float = 0.0) -> None:
        """Let time pass, and everything that leaves be answered."""
        self.mono.now += seconds
        self.delivery.turn()
        eventually(self._is_settled)

    def _is_settled(self) -> bool:
        self.delivery.turn()
        return not self.delivery.is_sending


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.hold.set()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "[ALERTS]" in message]


def test_what_is_put_in_leaves_and_is_counted(desk: Desk) -> None:
    assert desk.delivery.status.up is None
    desk.delivery.put(told())
    desk.turn()
    status = desk.delivery.status
    assert (status.channel, status.up, status.sent, status.failed, status.waiting) == (
        "telegram", True, 1, 0, 0)
    assert status.last_sent_at == 1_790_000_000_000 and desk.delivery.is_idle


def test_a_name_that_was_given_is_what_is_edited(desk: Desk) -> None:
    desk.delivery.put(told())
    desk.turn()
    desk.delivery.put(told(event="closed"))
    desk.turn()
    assert [request.url.rsplit("/", 1)[1] for request in desk.requests] == [
        "sendMessage", "editMessageText"]
    assert desk.requests[1].body["message_id"] == 7


def test_an_outage_is_told_twice_and_tried_with_growing_pauses(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.delivery.put(told())
    desk.answers = [NotSent("Connection refused")] * 8
    for _ in range(3600):
        desk.turn(1.0)
        if not desk.answers:
            break
    assert len(desk.requests) == 8
    status = desk.delivery.status
    assert (status.up, status.reason, status.failed) == (False, "Connection refused", 8)
    desk.delivery.put(told(event="closed"))
    for _ in range(301):
        desk.turn(1.0)
    assert desk.delivery.status.up and desk.delivery.status.sent == 1
    first, last = lines(caplog)
    assert first == ("📣 [ALERTS] Cannot tell telegram (-100987654 by api.telegram.org): "
                     "Connection refused")
    assert "again after" in last and "8 attempts had failed" in last
    assert TOKEN not in caplog.text


def test_a_wish_for_fewer_messages_is_kept_and_no_fault(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.answers = [Answer(429, "", b'{"ok": false, "parameters": {"retry_after": 40}}')]
    desk.delivery.put(told())
    desk.turn()
    assert desk.delivery.status.waiting == 1
    desk.turn(39.0)
    assert len(desk.requests) == 1 and "40 s" in desk.delivery.status.reason
    desk.turn(1.5)
    assert len(desk.requests) == 2 and desk.delivery.status.sent == 1
    assert desk.delivery.status.reason == "" and not lines(caplog)


def test_who_asks_for_fewer_messages_without_end_is_down_and_it_is_said_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    desk.delivery.put(told("c0"))
    desk.turn()
    assert desk.delivery.status.up
    desk.answers = [Answer(429, str(30 + number % 2), b"") for number in range(20)]
    desk.delivery.put(told("c1"))
    for _ in range(30):
        desk.turn(1.0)
    assert desk.delivery.status.up and not lines(caplog)
    while desk.answers:
        desk.turn(1.0)
    status = desk.delivery.status
    assert (status.up, status.failed) == (False, 20) and "asks for fewer" in status.reason
    [line] = lines(caplog)
    assert "Cannot tell telegram" in line and "asks for fewer messages" in line
    desk.turn(40.0)
    assert desk.delivery.status.up and desk.delivery.status.reason == ""
    assert "20 attempts had failed" in lines(caplog)[1]


def test_who_asks_for_a_long_rest_is_down_at_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.answers = [Answer(429, "3600", b"")]
    desk.delivery.put(told())
    desk.turn()
    assert desk.delivery.status.up is False and len(lines(caplog)) == 1


def test_a_refusal_now_and_then_is_not_taken_for_many(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10):
        desk.answers = [Answer(429, "40", b"")]
        desk.delivery.put(told(f"c{number}"))
        desk.turn(60.0)
        desk.turn(60.0)
    assert desk.delivery.status.up and desk.delivery.status.sent == 10 and not lines(caplog)


def test_a_fault_in_the_wording_costs_one_message(
    desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Telegram.request

    def request(self: Telegram, told: Told, *more: Any) -> Request:
        if told.id == "odd":
            raise ValueError("no words")
        return real(self, told, *more)

    monkeypatch.setattr(Telegram, "request", request)
    desk.delivery.put(told("odd", severity=Severity.CRITICAL))
    desk.delivery.put(told("plain"))
    desk.turn()
    assert "internal fault" in desk.delivery.status.reason and "no words" in lines(caplog)[0]
    desk.turn(REFUSED_S)
    status = desk.delivery.status
    assert (status.up, status.sent, status.dropped, status.waiting) == (True, 1, 1, 0)


def test_what_will_not_get_better_is_said_once_with_its_remedy_and_tried_slowly(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = Answer(401, "", b'{"ok": false, "description": "Unauthorized"}')
    desk.answers = [refusal] * 3
    desk.delivery.put(told())
    desk.turn()
    desk.turn(REFUSED_S - 1.0)
    assert len(desk.requests) == 1
    desk.turn(1.5)
    desk.turn(REFUSED_S)
    assert len(desk.requests) == 3
    [line] = lines(caplog)
    assert "Unauthorized" in line and "ALERT_TELEGRAM_TOKEN" in line


def test_another_refusal_than_before_is_said(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.answers = [Answer(401, "", b'{"description": "Unauthorized"}'),
                    Answer(400, "", b'{"description": "Bad Request: chat not found"}')]
    desk.delivery.put(told())
    desk.turn()
    desk.turn(REFUSED_S)
    assert len(lines(caplog)) == 2 and "/start" in lines(caplog)[1]


def test_a_message_that_was_deleted_is_written_anew_at_once(desk: Desk) -> None:
    desk.delivery.put(told())
    desk.turn()
    desk.answers = [Answer(400, "", b'{"description": "Bad Request: message to edit not found"}')]
    desk.delivery.put(told(event="closed"))
    desk.turn()
    desk.turn()
    assert [request.url.rsplit("/", 1)[1] for request in desk.requests] == [
        "sendMessage", "editMessageText", "sendMessage"]
    assert desk.delivery.is_idle and desk.delivery.status.failed == 0


def test_what_hangs_is_left_behind_and_few_may_hang(desk: Desk) -> None:
    desk.hold.clear()
    for number in range(9):
        desk.delivery.put(told(f"c{number}"))
    for _ in range(20):
        desk.mono.now += REQUEST_S + 300.0
        desk.delivery.turn()
    assert len(desk.requests) == STRAYS and desk.delivery.status.up is False
    assert "no answer within" in desk.delivery.status.reason
    desk.hold.set()

    def all_told() -> bool:
        desk.turn(300.0)
        return desk.delivery.status.waiting == 0

    eventually(all_told)
    assert desk.delivery.status.up


def test_a_turn_waits_for_nobody(desk: Desk) -> None:
    desk.hold.clear()
    desk.delivery.put(told())
    for _ in range(1000):
        desk.delivery.turn()
    assert desk.delivery.is_sending and len(desk.requests) <= 1


def test_no_more_leaves_than_the_pace_allows_whatever_is_answered(desk: Desk) -> None:
    mixed: list[Callable[[], Answer | Exception]] = [
        lambda: OK, lambda: NotSent("reset"), lambda: Answer(500, "", b""),
        lambda: Answer(429, "1", b"")]
    for number in range(600):
        desk.delivery.put(told(f"c{number}", "closed" if number % 3 else "opened"))
        desk.answers = [mixed[number % 4]()]
        desk.turn(1.0)
    assert len(desk.requests) <= BURST + 600 / 30
    assert desk.delivery.status.dropped > 0


def test_nothing_secret_is_in_a_reason() -> None:
    desk = Desk()
    desk.answers = [Answer(400, "", f'{{"description": "no {TOKEN}"}}'.encode())]
    desk.delivery.put(told())
    desk.turn()
    assert TOKEN not in desk.delivery.status.reason and "****" in desk.delivery.status.reason
