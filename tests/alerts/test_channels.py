"""What holds for every channel: what it sends fits, hides nothing and breaks nothing."""

from collections.abc import Callable

import msgspec
import pytest

from bot.alerts import receivers
from bot.alerts.channel import Answer, Channel
from bot.alerts.discord import Discord
from bot.alerts.facts import Severity
from bot.alerts.generic import Generic
from bot.alerts.slack import Slack
from bot.alerts.telegram import Telegram
from tests.alerts.making import item, told
from tests.alerts.receiver import CHAT, DISCORD_PATH, MOST, SLACK_PATH, TOKEN

HOST = "https://example.com"
LOGGED_IN = "https://user:SecretWord@example.com:8443/hooks/SecretHook?key=SecretKey"
ALL: dict[str, Callable[[], Channel]] = {
    "telegram": lambda: Telegram("https://api.telegram.org", TOKEN, CHAT),
    "slack": lambda: Slack(HOST + SLACK_PATH),
    "discord": lambda: Discord(HOST + DISCORD_PATH),
    "webhook": lambda: Generic(LOGGED_IN),
}
HUGE = tuple(item(subject=("kafka", f"reading <&*_{number}>"), cause="🔥<&_*`>" * 200)
             for number in range(40))


@pytest.fixture(params=ALL)
def channel(request: pytest.FixtureRequest) -> Channel:
    return ALL[request.param]()


def written(channel: Channel, **fields: object) -> str:
    body = channel.request(told(**fields)).body  # type: ignore[arg-type]
    return str(body.get("text") or body.get("content"))


def test_the_longest_message_fits(channel: Channel) -> None:
    text = written(channel, items=HUGE)
    assert len(text.encode("utf-16-le")) // 2 <= MOST.get(channel.name, 16_383)
    assert "more" in text and "What to do" in text


def test_a_name_as_long_as_the_settings_allow_fits(channel: Channel) -> None:
    items = tuple(item(subject=("source", "okx", f"{number}"), source="okx", rule="silence",
                       symbol="<" * 60 + f"{number}") for number in range(3))
    text = written(channel, items=items, instance="<" * 64)
    assert len(text.encode("utf-16-le")) // 2 <= MOST.get(channel.name, 16_383)


def test_who_it_reaches_holds_nothing_secret(channel: Channel) -> None:
    for secret in channel.secrets:
        assert secret not in channel.to
    assert "Secret" not in channel.to and TOKEN not in channel.to


def test_a_request_that_is_shown_holds_nothing_secret(channel: Channel) -> None:
    request = channel.request(told())
    assert "Secret" not in repr(request) and TOKEN not in repr(request)


def test_what_is_sent_is_json(channel: Channel) -> None:
    body = channel.request(told(items=HUGE), None, None, 3).body
    assert msgspec.json.decode(msgspec.json.encode(body)) == body


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b"{}", b"\xff\xfe", b"{", b'{"ok": true}', b'{"ok": true, "result": 5}',
    b'{"ok": true, "result": {"message_id": "x"}}', b'{"parameters": 7, "retry_after": []}',
    b'{"parameters": {"retry_after": "soon"}, "description": null, "code": {}, "id": {"a": 1}}',
    b'{"id": "1/../../x", "message": ["x"]}', b'{"retry_after": 1e999}', b"[" * 5000])
def test_no_answer_breaks_it(channel: Channel, body: bytes) -> None:
    for status in (200, 204, 301, 400, 401, 403, 404, 408, 410, 429, 500, 503):
        outcome = channel.outcome(Answer(status, "nonsense", body))
        assert outcome.ok or outcome.why
        assert outcome.message is None or outcome.message.isdecimal()
        assert outcome.wait_s is None or 1.0 <= outcome.wait_s <= 3600.0


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_will_not_get_better_comes_with_a_setting_to_look_at(
    channel: Channel, status: int
) -> None:
    outcome = channel.outcome(Answer(status, "", b"go away"))
    assert outcome.is_final and str(status) in outcome.why
    assert "ALERT_" in outcome.why or "Integrations" in outcome.why


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_what_may_get_better_is_tried_again(channel: Channel, status: int) -> None:
    outcome = channel.outcome(Answer(status, "", b""))
    assert not outcome.ok and not outcome.is_final and outcome.wait_s is None


def test_who_is_sent_elsewhere_is_told_to_set_that(channel: Channel) -> None:
    outcome = channel.outcome(Answer(302, "", b""))
    assert outcome.is_final and "another address" in outcome.why


def test_a_wish_for_fewer_messages_is_honoured(channel: Channel) -> None:
    assert channel.outcome(Answer(429, "17", b"")).wait_s == 17.0


@pytest.mark.parametrize("url, name", [
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX", "slack"),
    ("https://hooks.slack-gov.com/services/T0/B0/X0", "slack"),
    ("http://127.0.0.1:8080/services/T0ABC/B0ABC/xyz", "slack"),
    ("https://relay.example.com/to/services/T0ABC/B0ABC/xyz/", "slack"),
    ("https://discord.com/api/webhooks/123/abc-DEF_1", "discord"),
    ("https://discord.com/api/v10/webhooks/123/abc?thread_id=7", "discord"),
    ("https://discordapp.com/api/webhooks/123/abc/slack", "slack"),
    ("http://relay:9/api/webhooks/123/abc/", "discord"),
    ("https://example.com/hooks/abc", "webhook"),
    ("https://example.com/services/other", "webhook"),
    ("https://example.com", "webhook"),
])
def test_a_webhook_is_known_by_its_host_or_its_form(url: str, name: str) -> None:
    assert receivers.webhook(url).name == name


def test_what_is_secret_of_an_address_is_all_but_its_host() -> None:
    channel = Generic(LOGGED_IN)
    assert channel.to == "example.com:8443"
    assert {LOGGED_IN, "SecretWord", "SecretHook", "SecretKey", "hooks/SecretHook"} <= set(
        channel.secrets)


def test_severity_shows_in_every_channel(channel: Channel) -> None:
    assert "🔴" in written(channel, severity=Severity.CRITICAL)
    assert "✅" in written(channel, event="closed")
