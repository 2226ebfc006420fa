"""What stands around the prices: REST, incidents, queues, recorder, Kafka, alerts."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bot.alerting import Alerts
from bot.broker import Broker
from bot.causes import NONE, RULES
from bot.incidents.incident import DOWN, LOST, PAUSED, UNRECORDED
from bot.incidents.ledger import Ledger
from bot.logs.writer import QUEUED, log_queue
from bot.metrics import catalogue as known
from bot.metrics.sheet import Sheet
from bot.recording import Recording
from bot.sources.poller import Poller
from bot.web.hub import Hub

# those of prices are the statuses that are not good
INCIDENT_RULES = (*RULES, "disputed", "stale", "synthetic", NONE, DOWN, PAUSED, UNRECORDED,
                  LOST)


def put_rest(sheet: Sheet, pollers: Mapping[str, Poller]) -> None:
    for name, poller in pollers.items():
        sheet.put_each(known.REST_REQUESTS, poller.results.items(), name)
        sheet.put(known.REST_BUDGET, poller.budget.used, name)


def put_incidents(sheet: Sheet, ledger: Ledger) -> None:
    going_on, begun = ledger.counts()
    sheet.put_each(known.INCIDENTS_OPEN, ((rule, going_on[rule]) for rule in INCIDENT_RULES))
    sheet.put_each(known.INCIDENTS, ((rule, begun[rule]) for rule in INCIDENT_RULES))
    found = ledger.availability()
    for row in found.served:
        sheet.put(known.PRICE_AVAILABILITY, row.share, row.symbol)
    for row in found.sources:
        sheet.put(known.SOURCE_AVAILABILITY, row.share, row.source or "", row.symbol)


def put_queues(sheet: Sheet, hub: Hub, broker: Broker) -> None:
    """That of the recorder is told with the rest of it."""
    _put_queue(sheet, "dashboards", hub.waiting, None, hub.lost_events)
    for writer in broker.writers:
        _put_queue(sheet, writer.name, writer.waiting, writer.capacity, writer.dropped)
    handler = log_queue()
    if handler is not None:
        _put_queue(sheet, "log", handler.waiting, QUEUED, handler.dropped)
    sheet.put(known.DASHBOARDS, hub.clients)
    sheet.put(known.DASHBOARDS_DROPPED, hub.dropped)


def put_record(sheet: Sheet, recording: Recording) -> None:
    told, recorder = recording.status, recording.recorder
    if told is None or recorder is None:
        return
    _put_queue(sheet, "recorder", told.waiting, told.capacity, told.dropped)
    sheet.put(known.RECORDER_ACTIVE, told.active)
    sheet.put_each(known.RECORDER_ROWS, (
        ("written", told.written), ("dropped", told.dropped), ("rejected", told.rejected)))
    sheet.put_buckets(known.RECORDER_COMMIT, recorder.commit_times)
    last = told.last_commit_at
    sheet.put(known.RECORDER_LAST, None if last is None else last / 1000)
    sheet.put(known.RECORDER_WINDOW, told.lost_window_ms / 1000)
    sheet.put(known.RECORDER_FILE, told.file_bytes)
    sheet.put(known.RECORDER_LOG, told.wal_bytes)
    sheet.put(known.RECORDER_FREE, told.free_bytes)
    if told.archive is not None:
        sheet.put(known.ARCHIVE_FAILING, bool(told.archive.state))
        sheet.put(known.ARCHIVE_DAY, _begin(told.archive.last_day))


def put_kafka(sheet: Sheet, broker: Broker) -> None:
    for link in broker.links:
        where = link.topic, link.direction
        sheet.put(known.KAFKA_UP, link.up, *where)
        sheet.put(known.KAFKA_WAITING, link.waiting, *where)
        for result, count in link.counts.items():
            if result == "rebuilt":  # which are no records
                sheet.put(known.KAFKA_CLIENTS, count, *where)
            else:
                sheet.put(known.KAFKA_RECORDS, count, *where, result)


def put_alerts(sheet: Sheet, alerts: Alerts) -> None:
    for one in alerts.status.channels:
        sheet.put(known.ALERT_UP, one.up, one.channel)
        sheet.put_each(known.ALERT_MESSAGES, (
            ("sent", one.sent), ("failed", one.failed), ("dropped", one.dropped)), one.channel)
        sheet.put(known.ALERT_WAITING, one.waiting, one.channel)


def _put_queue(
    sheet: Sheet, name: str, waiting: int, capacity: int | None, dropped: int
) -> None:
    sheet.put(known.QUEUE_WAITING, waiting, name)
    sheet.put(known.QUEUE_CAPACITY, capacity, name)
    sheet.put(known.QUEUE_DROPPED, dropped, name)


def _begin(day: str | None) -> float | None:
    return None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
