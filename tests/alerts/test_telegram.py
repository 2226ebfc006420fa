"""Telegram: new messages, edits, replies, and what its errors mean."""

import json

import pytest

from bot.alerts.channel import Answer, Outcome
from bot.alerts.telegram import Telegram
from tests.alerts.making import told
from tests.alerts.receiver import CHAT, TOKEN

BASE = "https://api.telegram.org"


@pytest.fixture
def telegram() -> Telegram:
    return Telegram(BASE + "/", TOKEN, CHAT)


def answered(telegram: Telegram, status: int, words: str, **more: object) -> Outcome:
    return telegram.outcome(Answer(status, "", json.dumps(
        {"ok": False, "error_code": status, "description": words} | more).encode()))


def test_a_new_message_is_plain_text_without_previews(telegram: Telegram) -> None:
    request = telegram.request(told())
    assert (request.method, request.url) == ("POST", f"{BASE}/bot{TOKEN}/sendMessage")
    assert list(request.body) == ["chat_id", "link_preview_options", "text"]
    assert request.body["chat_id"] == int(CHAT)


def test_a_channel_is_named(telegram: Telegram) -> None:
    assert Telegram(BASE, TOKEN, "@ops").request(told()).body["chat_id"] == "@ops"


def test_an_edit_names_its_message(telegram: Telegram) -> None:
    request = telegram.request(told(), edit="17")
    assert request.url.endswith("/editMessageText") and request.body["message_id"] == 17


def test_a_reply_goes_out_also_when_the_message_it_answers_is_gone(telegram: Telegram) -> None:
    body = telegram.request(told(), reply_to="17").body
    assert body["reply_parameters"] == {"message_id": 17, "allow_sending_without_reply": True}


def test_the_name_of_a_message_is_kept(telegram: Telegram) -> None:
    outcome = telegram.outcome(Answer(200, "", b'{"ok":true,"result":{"message_id":42}}'))
    assert outcome == Outcome(ok=True, message="42")


def test_an_edit_that_changes_nothing_went_well(telegram: Telegram) -> None:
    assert answered(telegram, 400, "Bad Request: message is not modified: specified new").ok


@pytest.mark.parametrize("words", [
    "Bad Request: message to edit not found", "Bad Request: message can't be edited",
    "Bad Request: MESSAGE_ID_INVALID"])
def test_a_message_that_is_gone_is_known(telegram: Telegram, words: str) -> None:
    assert answered(telegram, 400, words).is_gone


def test_too_many_requests_say_for_how_long(telegram: Telegram) -> None:
    outcome = answered(telegram, 429, "Too Many Requests: retry after 35",
                       parameters={"retry_after": 35})
    assert outcome.wait_s == 35.0


@pytest.mark.parametrize("status, words, remedy", [
    (401, "Unauthorized", "ALERT_TELEGRAM_TOKEN"),
    (404, "Not Found", "ALERT_TELEGRAM_URL"),
    (400, "Bad Request: chat not found", "write /start to the bot"),
    (403, "Forbidden: bot was blocked by the user", "unblock"),
    (403, "Forbidden: bot was kicked from the supergroup chat", "add the bot to the group"),
    (403, "Forbidden: bot can't initiate conversation with a user", "/start"),
    (400, "Bad Request: not enough rights to send text messages to the chat", "let the bot"),
])
def test_what_is_refused_comes_with_its_remedy(
    telegram: Telegram, status: int, words: str, remedy: str
) -> None:
    outcome = answered(telegram, status, words)
    assert outcome.is_final and words in outcome.why and remedy in outcome.why


def test_a_group_with_a_new_number_says_which(telegram: Telegram) -> None:
    outcome = answered(telegram, 400, "Bad Request: group chat was upgraded to a supergroup chat",
                       parameters={"migrate_to_chat_id": -100123})
    assert "ALERT_TELEGRAM_CHAT=-100123" in outcome.why


def test_who_answers_200_and_is_not_telegram_is_found_out(telegram: Telegram) -> None:
    outcome = telegram.outcome(Answer(200, "", b"<html>hello</html>"))
    assert outcome.is_final and "not Telegram" in outcome.why
