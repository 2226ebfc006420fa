"""Who is told, by the settings."""

import pytest

from bot.alerting import Alerts, channels, home
from bot.config import Config
from tests.alerts.making import incident
from tests.alerts.receiver import CHAT, TOKEN

HOOK = "https://example.com/hooks/SecretHook"


def test_nobody_is_told_where_nobody_is_set() -> None:
    alerts = Alerts(Config())
    alerts.put(incident())
    alerts.start()
    alerts.stop()
    assert alerts.workers == [] and alerts.status.channels == ()


def test_both_are_told_where_both_are_set() -> None:
    config = Config(alert_webhook_url=HOOK, alert_telegram_token=TOKEN, alert_telegram_chat=CHAT)
    assert [one.name for one in channels(config)] == ["webhook", "telegram"]
    assert [one.name for one in channels(Config(alert_webhook_url=HOOK))] == ["webhook"]


def test_the_start_says_who_is_told_of_what_and_nothing_secret(
    caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    alerts = Alerts(Config(alert_webhook_url=HOOK, alert_telegram_token=TOKEN,
                           alert_telegram_chat=CHAT, alert_min_severity="critical"))
    alerts.start()
    alerts.stop()
    assert alerts.workers[0].join(2.0)
    [line] = caplog.messages
    assert line == ("📣 [ALERTS] Telling webhook (example.com) and telegram (-100987654 by "
                    "api.telegram.org) of what is critical")


@pytest.mark.parametrize("settings, tier", [
    ({"enable_websocket_feeds": True}, "websocket"),
    ({"enable_kafka": True}, "kafka"),
    ({}, "okx"),
    ({"enable_okx_live": False}, "mock"),
    ({"enable_okx_live": False, "mode": "paper_trading"}, "nowhere"),
])
def test_the_usual_tier_is_the_first_that_is_on(settings: dict[str, object], tier: str) -> None:
    assert home(Config(**settings)) == tier  # type: ignore[arg-type]
