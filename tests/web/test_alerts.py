"""GET /api/v1/alerts."""

from bot.model import AlertStatus, ChannelStatus, OpenAlert
from bot.web.alerts import state
from bot.web.app import create_app
from tests.web.fakes import FakeView

TOLD = AlertStatus("warning", (
    ChannelStatus("slack", "hooks.slack.com", True, "", 3, 1, 0, 0, 1704067200000),
    ChannelStatus("telegram", "@ops by api.telegram.org", None, "", 0, 0, 0, 1, None)),
    (OpenAlert("primary-1", "critical", "🔴 [primary] BTCUSDT has no trusted price", 1704067200.5),),
    brief=2, dropped=0)


def test_it_tells_the_channels_and_what_is_open() -> None:
    view = FakeView()
    view.alerts = TOLD
    body = create_app(view, token=None, trusted_hosts=None, clock=lambda: 1704067201.0
                      ).test_client().get("/api/v1/alerts").json
    assert body == {
        "enabled": True, "minSeverity": "warning",
        "channels": [
            {"channel": "slack", "to": "hooks.slack.com", "up": True, "reason": None, "sent": 3,
             "failed": 1, "dropped": 0, "waiting": 0, "lastSentAt": 1704067200000},
            {"channel": "telegram", "to": "@ops by api.telegram.org", "up": None, "reason": None,
             "sent": 0, "failed": 0, "dropped": 0, "waiting": 1, "lastSentAt": None}],
        "open": [{"id": "primary-1", "severity": "critical",
                  "title": "🔴 [primary] BTCUSDT has no trusted price",
                  "openedAt": 1704067200500}],
        "brief": 2, "dropped": 0, "instance": "primary", "timestamp": 1704067201000}


def test_nobody_set_is_said() -> None:
    assert state(AlertStatus("critical")) == {
        "enabled": False, "minSeverity": "critical", "channels": [], "open": [], "brief": 0,
        "dropped": 0}
