"""Whom people are told through, and what they have been told of."""

from collections.abc import Callable

from flask import Flask, Response

from bot.model import AlertStatus, ChannelStatus
from bot.web.problems import answer
from bot.web.status import Json
from bot.web.view import View


def add_alerts(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get("/api/v1/alerts")
    def alerts() -> Response:
        return answer(state(view.alerts) | {"instance": view.instance,
                                            "timestamp": int(clock() * 1000)})


def state(told: AlertStatus) -> Json:
    return {
        "enabled": bool(told.channels),
        "minSeverity": told.min_severity,
        "channels": [_channel(one) for one in told.channels],
        "open": [{"id": one.id, "severity": one.severity, "title": one.title,
                  "openedAt": round(one.since * 1000)} for one in told.open],
        "brief": told.brief,
        "dropped": told.dropped,
    }


def _channel(told: ChannelStatus) -> Json:
    return {
        "channel": told.channel,
        "to": told.to,
        "up": told.up,
        "reason": told.reason or None,
        "sent": told.sent,
        "failed": told.failed,
        "dropped": told.dropped,
        "waiting": told.waiting,
        "lastSentAt": told.last_sent_at,
    }
