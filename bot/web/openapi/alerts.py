"""Whom people are told through."""

from bot.web.openapi.answers import COMMON, INSTANCE, ok, operation
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, TEXT, Json, array, moment, or_null, ref, strict, with_words, words,
)

TAG = "alerts"
SEVERITIES = ("info", "warning", "critical")

SCHEMAS: dict[str, Json] = {
    "Alerts": strict({
        "enabled": with_words(BOOLEAN, "Whether there is a channel."),
        "minSeverity": words(*SEVERITIES, about="ALERT_MIN_SEVERITY; what is less is not told."),
        "channels": array(ref("Channel"), "Webhook first."),
        "open": array(ref("OpenAlert"), "What was told and is not over."),
        "brief": with_words(COUNT, "Incidents that were over before they were worth telling."),
        "dropped": with_words(COUNT, "Happenings that there was no room for."),
        "instance": INSTANCE, "timestamp": moment("of this answer")}),
    "Channel": strict({
        "channel": words("webhook", "slack", "discord", "telegram"),
        "to": with_words(TEXT, "Whom it reaches: a host or a chat, and nothing secret."),
        "up": or_null(BOOLEAN, "null: nothing was sent yet."),
        "reason": or_null(TEXT, "Why it is not up."),
        "sent": with_words(COUNT, "Messages that were taken."),
        "failed": with_words(COUNT, "Attempts that were not."),
        "dropped": with_words(COUNT, "Incidents that gave way to others while it was not up."),
        "waiting": with_words(COUNT, "Incidents to be told next."),
        "lastSentAt": or_null(moment("of the last message that was taken"))}),
    "OpenAlert": strict({
        "id": TEXT, "severity": words(*SEVERITIES, about="The worst so far."),
        "title": with_words(TEXT, "First line of the message."),
        "openedAt": moment("of the first happening in it")}),
}


def paths() -> Json:
    return {"/api/v1/alerts": {"get": operation(
        "alerts", "Whether people can be told, and what they were told of",
        {"200": ok(ref("Alerts")), **COMMON}, tag=TAG)}}
