"""What is switched on of Kafka by which settings, and what is handed to it."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import bot
from bot.broker import Broker
from bot.broker.wire import read
from bot.broker.writer import Served, Update
from bot.config import Config, load
from bot.events import LinkChanged
from bot.model import MarketDataUpdate, Quote

READ = {"ENABLE_KAFKA": "true", "KAFKA_TOPIC": "in"}
WRITE = {"KAFKA_PUBLISH_TOPIC": "out"}
NOW = 1_790_000_000.5
UPDATE = MarketDataUpdate("okx", "BTCUSDT", "trade", 1.5, 2.0, None, None, 5, 6, 7.0, 8)
QUOTE = Quote(symbol="BTCUSDT", price=1.5, source="websocket", exchange="okx", received_at=6,
              age_s=0.25, trusted=True, reason="active source is fresh", status="trusted")


class Parts:
    """A Broker that is never started; kept: what it hands to each of its writers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
        self.told: list[LinkChanged] = []
        self.broker = Broker(config(**names), self.told.append, lambda reason, count: None,
                             wall=lambda: NOW)
        self.kept: list[list[object]] = [[] for _ in self.broker.writers]
        for writer, kept in zip(self.broker.writers, self.kept):
            monkeypatch.setattr(writer, "put", kept.append)


def config(**names: str) -> Config:
    return load({"INSTANCE_ID": "eins", **names}, Path("/nowhere/.env"))


def test_nothing_is_switched_on_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, KAFKA_BROKERS="kafka:9092", KAFKA_TOPIC="in")
    assert (parts.broker.reader, parts.broker.writers) == (None, [])
    assert (parts.broker.links, parts.broker.workers) == ([], [])
    parts.broker.update(UPDATE)
    parts.broker.served("BTCUSDT", QUOTE, {}, 1.0)
    parts.broker.served("BTCUSDT", None, {"okx": "down"}, 2.0)


@pytest.mark.parametrize("names, links, workers", [
    (READ, [("in", "read")], ["kafka-reader"]),
    (WRITE, [("out", "write"), ("out.served", "write")], ["kafka-updates", "kafka-served"]),
    (READ | WRITE, [("in", "read"), ("out", "write"), ("out.served", "write")],
     ["kafka-reader", "kafka-updates", "kafka-served"]),
    (READ | {"KAFKA_PUBLISH_TOPIC": "in"},
     [("in", "read"), ("in", "write"), ("in.served", "write")],
     ["kafka-reader", "kafka-updates", "kafka-served"]),
])
def test_each_setting_switches_on_its_own_part(
    monkeypatch: pytest.MonkeyPatch, names: dict[str, str], links: list[tuple[str, str]],
    workers: list[str],
) -> None:
    broker = Parts(monkeypatch, **names).broker
    assert [(link.topic, link.direction) for link in broker.links] == links
    assert [worker.name for worker in broker.workers] == workers
    assert [(link.up, link.waiting) for link in broker.links] == [(None, 0)] * len(links)
    assert (broker.reader is not None) is ("ENABLE_KAFKA" in names)


def test_links_are_named_by_what_goes_over_them(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, **READ, **WRITE)
    assert parts.broker.reader is not None
    parts.broker.reader.link.up()
    for writer in parts.broker.writers:
        writer.link.up()
    assert [event.link for event in parts.told] == [
        "reading in", "publishing to out", "publishing to out.served"]
    assert [link.up for link in parts.broker.links] == [True] * 3


def test_an_update_goes_to_the_topic_of_updates_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = Parts(monkeypatch, **WRITE)
    parts.broker.update(UPDATE)
    assert parts.kept == [[Update(UPDATE)], []]
    message = read(Update(UPDATE).record("eins", 7).value)
    assert (message.instance, message.sequence, message.price) == ("eins", 7, 1.5)


def test_a_price_served_is_told_as_the_api_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts(monkeypatch, **WRITE)
    parts.broker.served("BTCUSDT", QUOTE, {"websocket": "passed over"}, 1.0)
    updates, (served,) = parts.kept
    assert updates == [] and isinstance(served, Served)
    record = served.record("eins", 7)
    assert (record.key, record.timestamp_ms) == (b"BTCUSDT", 1_790_000_000_500)
    value = msgspec.json.decode(record.value)
    assert (value["price"], value["source"], value["exchange"], value["ageMs"]) == (
        1.5, "websocket", "okx", 250)
    assert (value["status"], value["trusted"], value["instance"]) == ("trusted", True, "eins")
    assert (value["sequence"], value["servedAt"], value["v"]) == (7, 1_790_000_000_500, 1)
    assert dict(record.headers)["schema"] == b"served-price/1"


def test_no_price_is_told_too_with_the_reason_of_each_tier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader of the compacted topic must not take the last price for the present one."""
    parts = Parts(monkeypatch, **WRITE)
    passed = {"websocket": "no data", "kafka": "switched off (ENABLE_KAFKA)", "okx": "down"}
    parts.broker.served("BTCUSDT", None, passed, 1.0)
    (served,) = parts.kept[1]
    assert isinstance(served, Served)
    value = msgspec.json.decode(served.record("eins", 7).value)
    assert value == {
        "symbol": "BTCUSDT", "price": None, "reason": "websocket: no data; okx: down",
        "reasons": passed, "instance": "eins", "sequence": 7, "servedAt": 1_790_000_000_500,
        "v": 1}


def test_a_newer_price_served_takes_the_place_of_an_older_one_of_the_same_symbol() -> None:
    btc, later, eth = Served("BTCUSDT", {}, 1), Served("BTCUSDT", {}, 2), Served("ETHUSDT", {}, 1)
    assert btc.key == later.key != eth.key
    ticker = msgspec.structs.replace(UPDATE, type="ticker")
    assert Update(UPDATE).key != Update(ticker).key
    assert Update(UPDATE).key == Update(msgspec.structs.replace(UPDATE, price=2.0)).key


def test_tier_two_judges_as_tier_one_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = READ | {"TRADING_SYMBOL": "ETH-USDT,btcusdt", "EXCHANGES": "okx,binance",
                    "PRIMARY_EXCHANGE": "okx", "ENABLE_FAILOVER": "false",
                    "FAILBACK_AFTER": "2500", "MAX_SOURCE_LATENCY": "4000"}
    reader = Parts(monkeypatch, **names).broker.reader
    assert reader is not None and (reader.tier, reader.synthetic) == ("kafka", False)
    policy = reader.hearsay.desk.policy
    assert reader.hearsay.symbols == ("ETHUSDT", "BTCUSDT")
    assert (policy.primary, policy.failover, policy.failback_after_s, policy.max_latency_s) == (
        "okx", False, 2.5, 4.0)


def test_but_for_an_age_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Parts(monkeypatch, **READ, MAX_SOURCE_LATENCY="60000").broker.reader
    assert reader is not None and reader.hearsay.desk.policy.max_latency_s == 10.0


@pytest.mark.parametrize("names", [{}, READ, WRITE])
def test_a_daemon_that_does_not_use_kafka_does_not_load_it(names: dict[str, str]) -> None:
    """Not even made: only a started thread needs the library."""
    made = (f"import sys; from pathlib import Path; from bot.broker import Broker; "
            f"from bot.config import load; "
            f"Broker(load({names!r}, Path('/nowhere/.env')), print, print); "
            f"sys.exit('kafka' in sys.modules)")
    root = Path(bot.__file__).parent.parent
    assert subprocess.run([sys.executable, "-c", made], cwd=root).returncode == 0


def test_an_older_verdict_is_never_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog and the main loop ask at the same time, and either may come first."""
    parts = Parts(monkeypatch, **WRITE)
    parts.broker.served("BTCUSDT", QUOTE, {}, 2.0)
    parts.broker.served("BTCUSDT", None, {"okx": "down"}, 1.0)
    parts.broker.served("ETHUSDT", None, {"okx": "down"}, 1.0)
    assert [one.symbol for one in parts.kept[1] if isinstance(one, Served)] == [
        "BTCUSDT", "ETHUSDT"]
