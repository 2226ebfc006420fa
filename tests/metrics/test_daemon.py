"""A running bot, the practice exchanges, and which series move when something goes wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.metrics.catalogue import ARCHIVE_DAY, CATALOGUE, SOURCE_FAULT
from tests.helpers import eventually
from tests.metrics.practice import Practice, practice
from tests.metrics.rules import ALERTS, DASHBOARD, NAMES
from tests.metrics.scraping import Scrape, scrape
from tests.processes import Daemon, daemon, free_port

SETTINGS = {
    "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800",
    "MAX_PRICE_AGE": "1500", "FAILBACK_AFTER": "500", "TRADING_SYMBOL": "BTCUSDT,ETHUSDT",
}
BTC = {"symbol": "BTCUSDT"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Practice]:
    with practice() as exchanges:
        yield exchanges


@pytest.fixture(scope="module")
def running(sandbox: Practice, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    broken = {"ENABLE_KAFKA": "true", "KAFKA_BROKERS": f"127.0.0.1:{free_port()}",
              "KAFKA_PUBLISH_TOPIC": "prices",
              "ALERT_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/"}
    folder = tmp_path_factory.mktemp("bot")
    with daemon(folder, sandbox.environment | SETTINGS | broken) as bot:
        bot.wait_for("is served from websocket")
        yield bot
        assert bot.terminate() == 0


@pytest.fixture
def bot(running: Daemon, sandbox: Practice) -> Iterator[Daemon]:
    """All well, with binance active; what a test breaks is mended afterwards."""
    sandbox.heal()
    seen(running, lambda now: now.total("source_fit") == 4 and now.value(
        "source_active", source="binance", **BTC) == 1 and now.total("price_ready") == 2)
    yield running
    sandbox.heal()


def seen(bot: Daemon, condition: Callable[[Scrape], bool], within: float = 20.0) -> Scrape:
    """The first scrape of which that is true."""
    def look() -> Scrape | None:
        now = scrape(bot)
        return now if condition(now) else None
    return eventually(look, within)


def test_all_well(bot: Daemon) -> None:
    now = seen(bot, lambda now: len([*now.each("source_clock_offset_seconds")]) == 2)
    price = bot.price()
    assert now.value("price", **BTC) == pytest.approx(price["price"], rel=0.01)
    assert 0 <= now.value("price_age_seconds", **BTC) < 0.8
    assert now.value("price_confidence", **BTC) > 0
    assert now.value("served_tier", tier="websocket", **BTC) == 1
    assert now.total("served_tier", **BTC) == now.total("price_status", **BTC) == 1
    assert now.value("source_ping_seconds", source="okx") < 1
    assert abs(now.value("source_clock_offset_seconds", source="okx")) < 1
    assert now.value("recorder_active") == 1 and now.value("recorder_rows_total", result="written")
    assert now.value("recorder_commit_seconds_count") > 0
    assert now.value("recorder_disk_free_bytes") > 1e6
    assert now.value("build_info", instance_id="primary", mode="simulation") == 1
    assert now.value("threads") > 5
    assert now.value("max_price_age_seconds") == 1.5
    assert now.value("queue_capacity", queue="log") == 10_000
    assert {labels["queue"] for labels, _ in now.each("queue_waiting")} == {
        "recorder", "log", "dashboards", "kafka-updates", "kafka-served"}


def test_counters_only_grow(bot: Daemon) -> None:
    before = scrape(bot)
    after = seen(bot, lambda now: now.total("updates_total") > before.total("updates_total") + 100)
    for family in before.families:
        if family.type in ("counter", "histogram"):
            was = {(one.name, *one.labels.items()): one.value for one in family.samples}
            now = {(one.name, *one.labels.items()): one.value for again in after.families
                   if again.name == family.name for one in again.samples}
            assert all(now[key] >= value for key, value in was.items()), family.name


def test_a_cut_is_a_reconnect_and_a_switch(bot: Daemon, sandbox: Practice) -> None:
    before = scrape(bot)
    sandbox.fault("binance", "cut")

    def moved(name: str, now: Scrape, **labels: str) -> float:
        return now.total(name, **labels) - before.total(name, **labels)

    now = seen(bot, lambda now: moved("switches_total", now, rule="return", **BTC) >= 1)
    assert moved("reconnects_total", now, source="binance", cause="network") == 1
    assert moved("reconnects_total", now) == 1
    assert moved("switches_total", now, source="binance", rule="connection", **BTC) == 1
    assert moved("blackout_seconds_count", now, **BTC) == 2
    assert moved("incidents_total", now, rule="connection") == 2  # of two symbols
    assert now.total("incidents_open") == before.total("incidents_open")


def test_a_silent_source_is_up_and_not_fit(bot: Daemon, sandbox: Practice) -> None:
    sandbox.fault("okx", "silence")
    now = seen(bot, lambda now: now.total("source_fault", source="okx", rule="silence") == 2)
    assert now.value("source_up", source="okx") == 1
    assert now.value("source_fit", source="okx", **BTC) == 0
    assert now.value("source_fit", source="binance", **BTC) == 1
    assert now.value("incidents_open", rule="silence") == 2
    assert now.value("source_price_age_seconds", source="okx", **BTC) > 0.8
    assert now.value("price_status", status="degraded", **BTC) == 1  # nobody can confirm it


def test_a_source_that_is_wrong_is_put_away(bot: Daemon, sandbox: Practice) -> None:
    asked = scrape(bot).total("rest_requests_total", result="ok")
    sandbox.fault("okx", "wrong", 1.0)
    now = seen(bot, lambda now: now.total("source_put_away", source="okx") == 2)
    assert now.total("source_fault", source="okx", rule="disagreement") == 2
    assert now.value("source_up", source="okx") == 1
    assert now.total("rest_requests_total", result="ok") > asked
    assert now.total("rest_budget_used_ratio") > 0
    sandbox.heal()
    seen(bot, lambda now: now.total("source_put_away") == 0, within=40.0)


@pytest.mark.parametrize("fault, value, name, labels", [
    ("junk", None, "source_errors_total", {"reason": "parse"}),
    ("unit", "s", "source_errors_total", {"reason": "stamp"}),
    ("repeat", None, "update_repeats_total", {}),
    ("spike", 20, "ticks_held_back_total", {}),
    ("notice", None, "handovers_total", {}),
])
def test_a_fault_moves_its_series(
    bot: Daemon, sandbox: Practice, fault: str, value: object, name: str,
    labels: dict[str, str],
) -> None:
    before = scrape(bot).total(name, source="okx", **labels)
    sandbox.fault("okx", fault, value)
    seen(bot, lambda now: now.total(name, source="okx", **labels) > before)


def test_a_limited_handshake_is_counted_as_such(bot: Daemon, sandbox: Practice) -> None:
    sandbox.fault("okx", "reject", 503)
    sandbox.fault("okx", "cut")
    now = seen(bot, lambda now: now.value(
        "source_errors_total", source="okx", reason="handshake") > 0)
    assert now.value("source_up", source="okx") == 0
    assert not list(now.each("source_connection_age_seconds", source="okx"))


def test_late_messages_are_seen_in_the_histogram(bot: Daemon, sandbox: Practice) -> None:
    before = scrape(bot)
    sandbox.fault("okx", "delay", 600)
    now = seen(bot, lambda now: now.value("source_lag_seconds_sum", source="okx")
               > before.value("source_lag_seconds_sum", source="okx") + 5)
    late = [scrape.value("source_lag_seconds_count", source="okx")
            - scrape.value("source_lag_seconds_bucket", source="okx", le="0.5")
            for scrape in (before, now)]
    assert late[1] > late[0]


def test_without_any_source_the_tiers_go_down(bot: Daemon, sandbox: Practice) -> None:
    failed = scrape(bot).value("switches_failed_total", **BTC)
    for exchange in ("binance", "okx"):
        sandbox.fault(exchange, "silence")
    now = seen(bot, lambda now: now.value("served_tier", tier="okx", **BTC) == 1)
    assert now.value("price_ready", **BTC) == 1
    assert now.value("switches_failed_total", **BTC) == failed + 1
    sandbox.fault("okx", "rest503")
    now = seen(bot, lambda now: now.value("served_tier", tier="mock", **BTC) == 1)
    assert now.value("price_trusted", **BTC) == now.value("price_ready", **BTC) == 0
    assert now.value("price_status", status="synthetic", **BTC) == 1
    assert now.total("rest_requests_total", source="okx", result="limited") > 0
    assert not list(now.each("price_confidence", **BTC))
    now = seen(bot, lambda now: now.total("incidents_open") >= 6)
    assert now.value("price_availability_ratio", **BTC) < 1


def test_a_broker_that_is_gone_is_told(bot: Daemon) -> None:
    now = seen(bot, lambda now: len(list(now.each("kafka_up"))) == 3)
    assert now.total("kafka_up") == 0
    assert now.value("kafka_waiting_records", topic="prices", direction="write") > 0
    assert now.value("kafka_records_total", topic="prices", result="acknowledged") == 0


def test_everything_in_the_catalogue_is_exposed_and_nothing_else(
    bot: Daemon, sandbox: Practice
) -> None:
    sandbox.fault("okx", "silence")
    seen(bot, lambda now: now.total("source_fault") > 0)
    # the broker that is gone is worth telling, and nobody takes it
    now = seen(bot, lambda now: len(list(now.each("kafka_up"))) == 3
               and len(list(now.each("alert_channel_up"))) == 1)
    wanted = {(metric.shown.removesuffix("_total"), metric.kind): metric.about
              for metric in CATALOGUE if metric is not ARCHIVE_DAY}
    found = {(family.name, family.type): family.documentation for family in now.families
             if not family.name.startswith(("process_", "python_"))}
    assert found == wanted
    for metric in CATALOGUE:
        for family in now.families:
            if (family.name, family.type) == (metric.shown.removesuffix("_total"), metric.kind):
                assert {*family.samples[0].labels} - {"le"} == {*metric.labels}
    named = {*NAMES.findall(ALERTS.read_text() + DASHBOARD.read_text())}
    assert "process_open_fds" in named and named - now.names == {ARCHIVE_DAY.shown}


def test_a_bot_without_feeds_and_record_tells_what_it_has(tmp_path: Path) -> None:
    with daemon(tmp_path, {"ENABLE_DUCKDB": "false", "ENABLE_OKX_LIVE": "false",
                           "API_TOKEN": "t0k3n"}) as bot:
        bot.wait_for("is served from mock")
        assert bot.get("/metrics").status_code == 401
        answer = bot.get("/metrics", headers={"Authorization": "Bearer t0k3n"})
        now = Scrape(answer.text)
        assert now.value("served_tier", tier="mock", **BTC) == 1
        names = {family.name for family in now.families}
        assert not {SOURCE_FAULT.shown, "autonomous_bot_source_up", "autonomous_bot_kafka_up",
                    "autonomous_bot_recorder_active"} & names
        assert bot.terminate() == 0
