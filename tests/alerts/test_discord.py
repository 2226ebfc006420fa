"""Discord: new messages, edits, and what its errors mean."""

import json

import pytest

from bot.alerts.channel import Answer, Outcome
from bot.alerts.discord import Discord
from tests.alerts.making import item, told

URL = "https://discord.com/api/webhooks/123/SecretToken"


def test_a_new_message_asks_for_its_name_and_rings_for_nobody_by_name() -> None:
    request = Discord(URL).request(told(items=(item(cause="@everyone"),)), reply_to="7")
    assert (request.method, request.url) == ("POST", f"{URL}?wait=true")
    assert request.body["allowed_mentions"] == {"parse": []} and request.body["flags"] == 4


def test_an_edit_is_a_patch_of_its_message() -> None:
    request = Discord(URL).request(told(), edit="77")
    assert (request.method, request.url) == ("PATCH", f"{URL}/messages/77")


def test_a_thread_is_kept() -> None:
    discord = Discord(f"{URL}/?thread_id=9&wait=false")
    assert discord.request(told()).url == f"{URL}?thread_id=9&wait=true"
    assert discord.request(told(), edit="77").url == f"{URL}/messages/77?thread_id=9"


def test_signs_of_form_are_escaped() -> None:
    text = Discord(URL).request(told(instance="my_bot", items=(item(cause="*a* `b` [c](d)"),))).body
    assert r"\[my\_bot\]" in str(text["content"])
    assert r"\*a\* \`b\` \[c\](d)" in str(text["content"])


def test_the_name_of_a_message_is_kept() -> None:
    assert Discord(URL).outcome(Answer(200, "", b'{"id": "1122"}')) == Outcome(
        ok=True, message="1122")


def test_a_message_that_is_gone_is_known() -> None:
    body = b'{"message": "Unknown Message", "code": 10008}'
    assert Discord(URL).outcome(Answer(404, "", body)).is_gone


def test_too_many_requests_say_for_how_long() -> None:
    body = b'{"message": "You are being rate limited.", "retry_after": 12.5, "global": false}'
    assert Discord(URL).outcome(Answer(429, "60", body)).wait_s == 12.5


@pytest.mark.parametrize("status, code, words", [
    (404, 10015, "Unknown Webhook"), (401, 50027, "Invalid Webhook Token")])
def test_a_webhook_that_is_lost_says_so(status: int, code: int, words: str) -> None:
    outcome = Discord(URL).outcome(Answer(
        status, "", json.dumps({"message": words, "code": code}).encode()))
    assert outcome.is_final and words in outcome.why and "ALERT_WEBHOOK_URL" in outcome.why
