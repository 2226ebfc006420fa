"""Slack: one text, escaped."""

import pytest

from bot.alerts.channel import Answer
from bot.alerts.slack import Slack
from tests.alerts.making import item, told

URL = "https://hooks.slack.com/services/T0SECRET/B0SECRET/SecretSecret"


def test_the_three_signs_are_escaped_and_nothing_is_form() -> None:
    request = Slack(URL).request(told(items=(item(cause="<!everyone> & <http://x|y>"),)))
    assert (request.method, request.url) == ("POST", URL)
    assert request.body["mrkdwn"] is False
    assert "&lt;!everyone&gt; &amp; &lt;http://x|y&gt;" in str(request.body["text"])


def test_a_plain_ok_is_one() -> None:
    outcome = Slack(URL).outcome(Answer(200, "", b"ok"))
    assert outcome.ok and outcome.message is None


@pytest.mark.parametrize("status, body, remedy", [
    (404, b"no_service", "make a new one"), (403, b"invalid_token", "copy the whole address"),
    (410, b"channel_is_archived", "archived"), (404, b"channel_not_found", "another one"),
    (403, b"action_prohibited", "administrator"), (400, b"invalid_payload", "ALERT_WEBHOOK_URL")])
def test_what_is_refused_comes_with_its_remedy(status: int, body: bytes, remedy: str) -> None:
    outcome = Slack(URL).outcome(Answer(status, "", body))
    assert outcome.is_final and body.decode() in outcome.why and remedy in outcome.why
