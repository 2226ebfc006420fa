"""Every alert fires when it should, and in no other case."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.metrics.practice import practice
from tests.metrics.rules import (
    ALERTS, NAMES, Rule, Series, firing, rules, run, series, try_out, unit_test,
)
from tests.metrics.scraping import Scrape
from tests.metrics.test_daemon import SETTINGS, seen
from tests.processes import daemon

MINUTES = 8 * 60  # so long everything is as it was when it was scraped
BTC = {"symbol": "BTCUSDT"}
BOT = "autonomous_bot_"


def steady(value: float, minutes: int = MINUTES) -> str:
    return f"{value}+0x{minutes - 1}"


def after(minutes: int, before: float, then: float) -> str:
    """One value for some minutes, and another one from then on."""
    return f"{steady(before, minutes)} {steady(then)}"


def grows(each_minute: float) -> str:
    return f"0+{each_minute}x{MINUTES}"


def ours(name: str, **labels: str) -> str:
    return series(BOT + name, **labels)


# For each alert: what is otherwise than at a bot to which nothing happens, so that it fires after
# so many minutes; and something like it that is not as bad, so that it does not.
CASES: dict[str, tuple[Series, Series, int]] = {
    "NoTrustedPrice": (
        {ours("price_ready", **BTC): steady(0)},
        {ours("price_ready", **BTC): after(10, 0, 1)}, 30),
    "LowerTier": (
        {ours("served_tier", tier="websocket", **BTC): steady(0),
         ours("served_tier", tier="okx", **BTC): steady(1)},
        {ours("served_tier", tier="okx", **BTC): after(30, 0, 1)}, 30),
    "PriceOld": (
        {ours("price_age_seconds", **BTC): steady(0.8)},
        {ours("price_age_seconds", **BTC): steady(0.7)}, 30),
    "Flapping": (
        {ours("switches_total", rule="silence", source="okx", **BTC): grows(0.5)},
        {ours("switches_total", rule="silence", source="okx", **BTC): grows(0.3)}, 30),
    "SourceDown": (
        {ours("source_up", source="okx"): steady(0)},
        {ours("source_up", source="okx"): after(27, 1, 0)}, 30),
    "SourceSilent": (
        {ours("source_fault", rule="silence", source="okx", **BTC): steady(1)},
        {ours("source_fault", rule="silence", source="okx", **BTC): f"_x27 {steady(1)}",
         ours("source_fault", rule="connection", source="okx", **BTC): steady(1)}, 30),
    "SourceLate": (
        {ours("source_fault", rule="latency", source="okx", **BTC): steady(1)},
        {ours("source_fault", rule="latency", source="okx", **BTC): f"_x27 {steady(1)}"}, 30),
    "SourcePutAway": (
        {ours("source_put_away", source="okx", **BTC): steady(1)},
        {ours("source_put_away", source="okx", **BTC): after(20, 0, 1)}, 30),
    "OneSourceLeft": (
        {ours("source_fit", source="okx", **BTC): steady(0)},
        {ours("source_fit", source="okx", **BTC): after(29, 1, 0)}, 30),
    "Reconnecting": (
        {ours("reconnects_total", cause="closed", source="okx"): grows(0.5)},
        {ours("reconnects_total", cause="closed", source="okx"): grows(0.2),
         ours("reconnects_total", cause="drill", source="okx"): grows(1)}, 30),
    "SourceUnreadable": (
        {ours("source_errors_total", reason="parse", source="okx"): grows(3)},
        {ours("source_errors_total", reason="parse", source="okx"): grows(1),
         ours("source_errors_total", reason="timeout", source="okx"): grows(9)}, 30),
    "RestBudget": (
        {ours("rest_budget_used_ratio", source="okx"): steady(0.9)},
        {ours("rest_budget_used_ratio", source="okx"): steady(0.5)}, 30),
    "RestLimited": (
        {ours("rest_requests_total", result="limited", source="okx"): grows(1)},
        {ours("rest_requests_total", result="limited", source="okx"): grows(0.2),
         ours("rest_requests_total", result="ok", source="okx"): grows(60)}, 30),
    "ClockOff": (
        {ours("source_clock_offset_seconds", source="okx"): steady(-3)},
        {ours("source_clock_offset_seconds", source="okx"): after(25, 0, 30)}, 30),
    "NotRecording": (
        {ours("recorder_active"): steady(0)}, {ours("recorder_active"): after(29, 1, 0)}, 30),
    "RowsLost": (
        {ours("recorder_rows_total", result="rejected"): grows(1)},
        {ours("recorder_rows_total", result="dropped"): after(10, 0, 900),
         ours("recorder_rows_total", result="written"): grows(9_000)}, 30),
    "DiskLow": (
        {ours("recorder_disk_free_bytes"): steady(9e8)},
        {ours("recorder_disk_free_bytes"): steady(1.1e9)}, 30),
    "ArchiveFailing": (
        {ours("archive_failing"): steady(1)}, {ours("archive_failing"): after(10, 0, 1)}, 35),
    "LogDropped": (
        {ours("queue_dropped_total", queue="log"): grows(1)},
        {ours("queue_dropped_total", queue="dashboards"): grows(1)}, 30),
    "KafkaDown": (
        {ours("kafka_up", direction="read", topic="prices"): steady(0)},
        {ours("kafka_up", direction="read", topic="prices"): after(30, 1, 0)}, 30),
    "CannotTellPeople": (
        {ours("alert_channel_up", channel="slack"): steady(0)},
        {ours("alert_channel_up", channel="slack"): after(20, 1, 0)}, 30),
    "KafkaDropped": (
        {ours("queue_dropped_total", queue="kafka-updates"): grows(1)},
        {ours("queue_dropped_total", queue="kafka-updates"): after(10, 0, 9)}, 30),
    "Absent": ({series("up"): steady(0)}, {series("up"): after(10, 0, 1)}, 30),
    "Restarting": (
        {ours("start_time_seconds"): f"1+0x19 2 3 {steady(4)}"},
        {ours("start_time_seconds"): f"1+0x19 2 {steady(3)}"}, 30),
    "ThreadsGrow": (
        {ours("threads"): f"15+0.1x{MINUTES}"}, {ours("threads"): f"15+0.02x{MINUTES}"}, 450),
    "DescriptorsGrow": (
        {series("process_open_fds"): f"20+0.5x{MINUTES}"},
        {series("process_open_fds"): f"20+0.2x{MINUTES}"}, 450),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Series]:
    """What a bot exposes to which nothing happens, as far as the rules look at it."""
    with practice() as exchanges, daemon(
            tmp_path_factory.mktemp("bot"), exchanges.environment | SETTINGS) as bot:
        bot.wait_for("is served from websocket")
        now = seen(bot, lambda now: now.total("source_fit") == 4
                   and len([*now.each("source_clock_offset_seconds")]) == 2)
    yield as_series(now) | {
        series("up"): steady(1), ours("kafka_up", direction="read", topic="prices"): steady(1),
        ours("queue_dropped_total", queue="kafka-updates"): steady(0)}


def as_series(now: Scrape) -> dict[str, str]:
    wanted = {*NAMES.findall(ALERTS.read_text())}
    return {series(sample.name, **sample.labels): steady(sample.value)
            for family in now.families for sample in family.samples if sample.name in wanted}


def test_promtool_finds_no_fault() -> None:
    assert f"{len(rules())} rules found" in run("check", "rules", ALERTS)


def test_every_alert_has_its_case() -> None:
    assert {rule.name for rule in rules()} == {f"AutonomousBot{name}" for name in CASES}


def test_nothing_fires_while_nothing_happens(tmp_path: Path, healthy: Series) -> None:
    try_out(tmp_path, *(firing(healthy, minutes, []) for minutes in (5, 60, 450)))


@pytest.mark.parametrize("name", CASES)
def test_it_fires_when_it_should_and_not_when_it_is_less_bad(
    tmp_path: Path, healthy: Series, name: str
) -> None:
    bad, less_bad, minutes = CASES[name]
    try_out(tmp_path, firing({**healthy, **bad}, minutes, [f"AutonomousBot{name}"]),
            firing({**healthy, **less_bad}, minutes, []))


def test_a_bot_without_feeds_is_not_on_a_lower_tier(tmp_path: Path, healthy: Series) -> None:
    without = {name: values for name, values in healthy.items() if f"{BOT}source" not in name}
    try_out(tmp_path, firing({**without, **CASES["LowerTier"][0]}, 30, []))


def test_no_bot_at_all_is_an_alert(tmp_path: Path) -> None:
    try_out(tmp_path, firing({}, 5, ["AutonomousBotAbsent"]))


@pytest.mark.parametrize("alert, more, summary, start", [
    ("Flapping", {"symbol": "BTCUSDT"},
     "The active source of BTCUSDT changes again and again", "8 switches within 15 minutes at bot"),
    ("RestBudget", {"source": "okx"}, "90% of the REST budget of okx is used", "Beyond 100 % okx"),
    ("DiskLow", {}, "858.3MiB are left on the disk of the record", "Below 256 MB bot:3001 stores"),
    ("Absent", {}, "No bot answers at bot:3001", "Prometheus has had no answer"),
])
def test_it_is_told_in_plain_words_with_its_values(
    tmp_path: Path, healthy: Series, alert: str, more: dict[str, str], summary: str, start: str
) -> None:
    bad, _, minutes = CASES[alert]
    wrong = unit_test({**healthy, **bad}, minutes, alert_rule_test=[{
        "alertname": f"AutonomousBot{alert}", "exp_alerts": []}])
    with pytest.raises(AssertionError) as found:  # promtool shows what it got instead
        try_out(tmp_path, wrong)
    assert f'summary="{summary}"' in str(found.value)
    assert f'description="{start}' in str(found.value)
    assert all(f'{name}="{value}"' in str(found.value) for name, value in more.items())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.name))
def test_every_alert_is_complete(rule: Rule) -> None:
    assert rule.field("labels") in ("{severity: critical}", "{severity: warning}")
    assert re.fullmatch(r"docs/runbook\.md#[a-z-]+", rule.field("runbook_url"))
    assert "$labels" in rule.text and rule.field("summary") and rule.field("description")
