"""What a line of the log tells beside its text: for journald, for JSON, for whoever filters."""

import logging
from dataclasses import dataclass, fields
from typing import Literal

# Every line of INFO and above has one, and keeps it: people's filters rest on them. Those that are
# recorded as well have the name that they have there. docs/logs.md tells each.
Event = Literal[
    # the daemon
    "starting", "started", "setting", "setting_unknown", "setting_doubled", "layer_missing",
    "ending", "not_started", "stopping", "stopped", "thread_failed", "thread_stuck",
    "main_loop_failed", "listener_failed", "process_paused", "clock_set", "clock_wrong", "health",
    "updates",
    # sources, prices, tiers
    "feeds_starting", "feeds_started", "feeds_closing", "source_connected", "source_disconnected",
    "source_error", "source_replacing", "source_handed_over", "source_judged", "source_activated",
    "source_switch", "failover_failed", "verdict", "served_from", "tier_change", "tier_failed",
    "incident_closed", "drill_started", "drill_ended",
    # Kafka, dashboards, alerts
    "kafka_up", "kafka_down", "kafka_unsent", "client_dropped", "login_refused", "alerts_on",
    "alert_failed", "alert_mended", "alerts_unsent", "alerts_unkept", "alerts_kept",
    # the record
    "recording", "not_recording", "rows_refused", "row_rejected", "rows_unwritten", "disk_low",
    "record_damaged", "record_lost", "record_unreadable", "record_close_failed", "archived",
    "not_archived", "archive_paused", "archive_found", "archive_odd",
    # the log itself
    "log_failed", "log_mended", "log_dropped", "log_folded",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """event: what happened. source: an exchange, `<exchange> rest`, kafka, or a tier. reason: why,
    in words. duration_ms: how long it took or lasted. previous, current: of a change; None: there
    was or is none. count: how many of them the line stands for.
    """

    event: Event
    source: str | None = None
    symbol: str | None = None
    reason: str | None = None
    duration_ms: int | None = None
    previous: str | None = None
    current: str | None = None
    count: int | None = None


# as they are called outside
NAMES = {"previous": "from", "current": "to"}


def facts(
    event: Event, *, source: str | None = None, symbol: str | None = None,
    reason: str | None = None, duration_ms: float | None = None, previous: str | None = None,
    current: str | None = None, count: int | None = None,
) -> dict[str, object]:
    """For `extra=` of a line of the log."""
    whole_ms = None if duration_ms is None else round(duration_ms)
    return {"facts": Facts(event, source, symbol, reason, whole_ms, previous, current, count)}


def facts_of(record: logging.LogRecord) -> dict[str, str | int]:
    """By name, in the order above; empty for a line of a library. What is not known is left out."""
    found = getattr(record, "facts", None)
    if not isinstance(found, Facts):
        return {}
    pairs = ((NAMES.get(field.name, field.name), getattr(found, field.name))
             for field in fields(found))
    return {name: clean(value) if isinstance(value, str) else value
            for name, value in pairs if value is not None}


def clean(text: str) -> str:
    """Lone surrogates, which no file takes, as their escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
