"""What only shows when there is an archive, or a broker that answers."""

from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family

from bot.alerting import Alerts
from bot.broker import Broker
from bot.metrics.buckets import Buckets
from bot.metrics.catalogue import CATALOGUE
from bot.metrics.parts import put_alerts, put_kafka, put_record
from bot.metrics.sheet import Sheet
from bot.model import AlertStatus, ArchiveStatus, ChannelStatus, LinkStatus, RecordStatus
from bot.recording import Recording
from tests.metrics.scraping import Scrape

STATUS = RecordStatus(
    active=True, state="recording", waiting=3, capacity=50_000, written=10, dropped=2, rejected=1,
    last_commit_at=1_790_000_000_500, commit_last_ms=1.0, commit_p99_ms=2.0, commit_max_ms=3.0,
    file_bytes=4, wal_bytes=5, free_bytes=6, is_low=False, lost_window_ms=1_250,
    archive=ArchiveStatus("2026-11-21", ""))


def read(sheet: Sheet) -> Scrape:
    class Once:
        def collect(self) -> list[Family]:
            return list(sheet.families(CATALOGUE))

    registry = CollectorRegistry()
    registry.register(Once())
    return Scrape(generate_latest(registry).decode())


def recorded(told: RecordStatus | None) -> Scrape:
    sheet, times = Sheet(), Buckets((0.01,))
    times.observe(0.002)
    put_record(sheet, cast(Recording, SimpleNamespace(
        status=told, recorder=SimpleNamespace(commit_times=times))))
    return read(sheet)


def test_the_recorder_is_told_in_base_units() -> None:
    now = recorded(STATUS)
    assert now.value("archive_last_day_timestamp_seconds") == 1_795_219_200  # 2026-11-21, UTC
    assert now.value("archive_failing") == 0
    assert now.value("recorder_last_commit_timestamp_seconds") == 1_790_000_000.5
    assert now.value("recorder_lost_window_seconds") == 1.25
    assert now.value("recorder_commit_seconds_sum") == 0.002
    assert {labels["result"]: value for labels, value in now.each("recorder_rows_total")} == {
        "written": 10, "dropped": 2, "rejected": 1}
    assert now.value("queue_waiting", queue="recorder") == 3


@pytest.mark.parametrize("archive, failing", [
    (None, []), (ArchiveStatus(None, ""), [0]), (ArchiveStatus(None, "no room"), [1])])
def test_an_archive_that_has_nothing_has_no_day(
    archive: ArchiveStatus | None, failing: list[float]
) -> None:
    now = recorded(msgspec.structs.replace(STATUS, archive=archive, last_commit_at=None))
    assert [value for _, value in now.each("archive_failing")] == failing
    assert not list(now.each("archive_last_day_timestamp_seconds"))
    assert not list(now.each("recorder_last_commit_timestamp_seconds"))


def test_without_a_recorder_nothing_is_said_of_it() -> None:
    assert not recorded(None).families


def test_each_channel_of_alerts_is_told_by_its_name() -> None:
    sheet = Sheet()
    put_alerts(sheet, cast(Alerts, SimpleNamespace(status=AlertStatus("warning", (
        ChannelStatus("slack", "hooks.slack.com", True, "", 5, 2, 1, 3, 1_790_000_000_000),
        ChannelStatus("telegram", "chat 42", None, "", 0, 0, 0, 0, None))))))
    now = read(sheet)
    assert [(labels["channel"], value) for labels, value in now.each("alert_channel_up")] == [
        ("slack", 1)]
    assert now.value("alert_messages_total", channel="slack", result="failed") == 2
    assert now.value("alert_waiting", channel="slack") == 3


def test_records_of_kafka_are_told_by_what_became_of_them() -> None:
    sheet = Sheet()
    put_kafka(sheet, cast(Broker, SimpleNamespace(links=[
        LinkStatus("prices", "read", None, "not connected yet", 1.0, 0, {"taken": 0}),
        LinkStatus("out", "write", True, "", 1.0, 7, {"acknowledged": 5, "rebuilt": 2})])))
    now = read(sheet)
    assert [(labels["topic"], value) for labels, value in now.each("kafka_up")] == [("out", 1)]
    assert now.value("kafka_waiting_records", topic="out", direction="write") == 7
    assert now.value("kafka_records_total", topic="out", result="acknowledged") == 5
    assert now.value("kafka_clients_replaced_total", topic="out") == 2
    assert not list(now.each("kafka_records_total", result="rebuilt")), "they are no records"
