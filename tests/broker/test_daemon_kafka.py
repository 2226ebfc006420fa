"""Whole daemons with a real broker: tier 2 takes over, and what is published can be relied on."""

import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import websocket

from bot.sandbox.server import Sandbox
from tests.broker.cluster import Cluster
from tests.broker.conftest import CLIENTS, ClusterMaker
from tests.broker.fleet import (
    Watch, all_links, consumer, crew, feeds, lying_in, market, silence,
)
from tests.helpers import eventually
from tests.processes import free_port

pytestmark = CLIENTS

SECRET = "the-brokers-own-word"
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "500", "min.cleanable.dirty.ratio": "0.01",
             "max.compaction.lag.ms": "500"}


@pytest.fixture(scope="module")
def broker(module_cluster: ClusterMaker) -> Cluster:
    """It wants a password, and compacts at once."""
    return module_cluster(sasl="PLAIN", users={"bot": SECRET},
                          properties={"log.cleaner.backoff.ms": "200"})


@pytest.fixture
def prices(broker: Cluster) -> str:
    """A topic of the test's own, and the one for what is served."""
    name = f"prices-{uuid4().hex[:12]}"
    broker.create_topic(name)
    broker.create_topic(f"{name}.served")
    return name


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with market("BTCUSDT", "ETHUSDT") as sandbox:
        yield sandbox


def alerts(client: websocket.WebSocket, *wanted: tuple[str | None, str | None]) -> None:
    """Read until each of these changes was told."""
    left = list(wanted)
    while left:
        message = json.loads(client.recv())
        change = message["data"].get("from"), message["data"].get("to")
        if message["type"] == "alert" and change in left:
            left.remove(change)


def test_the_price_goes_on_from_kafka_while_the_feeds_are_silent(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox
) -> None:
    """D125: within MAX_PRICE_AGE + 1 s, and back when they return."""
    with crew(tmp_path, broker, "bot") as start:
        collector = start("collector", feeds(sandbox) | {"KAFKA_PUBLISH_TOPIC": prices})
        bot = start("second", feeds(sandbox, "_b") | {"ENABLE_KAFKA": "true",
                                                      "KAFKA_TOPIC": prices})
        for each in (collector, bot):
            each.wait_for("is served from websocket")
            all_links(each, up=True)
        client = websocket.create_connection(f"ws://127.0.0.1:{bot.port}/ws", timeout=10)
        with Watch(bot) as watch:
            silence(sandbox, "_b")
            line = bot.wait_for("Tier change for BTCUSDT: websocket -> kafka")
            assert "newest price is" in line
            price = bot.price()
            assert (price["source"], price["trusted"]) == ("kafka", True)
            assert price["reason"].endswith("; told by collector") and price["ageMs"] < 1000
            true = sandbox.true_price(price["exchange"], "BTCUSDT")
            assert price["price"] == pytest.approx(true, rel=0.001)
            assert bot.get("/readyz").status_code == 200
            sandbox.heal()
            bot.wait_for("Tier change for BTCUSDT: kafka -> websocket")
        alerts(client, ("binance", None), ("websocket", "kafka"), ("kafka", "websocket"))
        client.close()
        assert watch.untrusted_s() < 2.5  # MAX_PRICE_AGE + 1 s
        assert collector.terminate() == bot.terminate() == 0


def test_a_reader_that_wants_fresh_prices_only_gets_them_from_kafka_before_that(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox
) -> None:
    """What is too old for the asker is passed over, however long the chain itself would hold it."""
    with crew(tmp_path, broker, "bot") as start:
        start("collector", feeds(sandbox) | {"KAFKA_PUBLISH_TOPIC": prices})
        bot = start("second", feeds(sandbox, "_b") | {
            "ENABLE_KAFKA": "true", "KAFKA_TOPIC": prices, "MAX_PRICE_AGE": "60000"})
        bot.wait_for("is served from websocket")
        all_links(bot, up=True)
        silence(sandbox, "_b")
        bot.wait_for("No source is fit")
        asked = bot.get("/api/v1/prices/BTCUSDT?max_age_ms=1000")
        assert (asked.status_code, asked.json()["source"]) == (200, "kafka")
        assert bot.price()["source"] == "websocket" and not bot.price()["trusted"]


@pytest.mark.parametrize("state, said", [
    ("empty", "nothing of BTCUSDT was read yet"),
    ("dead", "no broker answers at 127.0.0.1:")])
def test_without_kafka_the_price_goes_on_from_okx(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox, state: str, said: str
) -> None:
    """D126."""
    kafka = {"ENABLE_KAFKA": "true", "KAFKA_TOPIC": prices, "MODE": "paper_trading"}
    if state == "dead":
        kafka["KAFKA_BROKERS"] = f"127.0.0.1:{free_port()}"
    with crew(tmp_path, broker, "bot") as start:
        sandbox.fault("okx", "rest503")
        nothing_left = start("nothing", feeds(sandbox) | kafka | {
            "ENABLE_WEBSOCKET_FEEDS": "false"})
        bot = start("second", feeds(sandbox, "_b") | kafka)
        bot.wait_for("is served from websocket")
        all_links(bot, up=state == "empty")
        silence(sandbox, "_b")
        line = bot.wait_for("Tier change for BTCUSDT: websocket -> okx")
        assert said in line
        assert (bot.price()["source"], bot.price()["trusted"]) == ("okx", True)
        all_links(nothing_left, up=state == "empty")
        eventually(lambda: "503" in nothing_left.price()["reasons"]["okx"])
        assert nothing_left.get("/api/v1/prices/BTCUSDT").status_code == 503
        reasons = nothing_left.price()["reasons"]
        assert list(reasons) == ["websocket", "kafka", "okx", "mock"]
        assert said in reasons["kafka"]
        assert reasons["mock"] == "only in simulation, not in paper_trading"


def test_what_is_served_can_be_read_by_others(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox
) -> None:
    """At each poll, at each change of source, and when there is no price."""
    slow = {"POLL_INTERVAL": "2000", "MODE": "paper_trading", "ENABLE_OKX_LIVE": "false",
            "TRADING_SYMBOL": "BTCUSDT,ETHUSDT", "KAFKA_PUBLISH_TOPIC": prices}
    with crew(tmp_path, broker, "bot") as start:
        bot = start("collector", feeds(sandbox) | slow)
        bot.wait_for("is served from websocket")
        all_links(bot, up=True)
        sandbox.fault("binance", "refuse")
        bot.wait_for("Source switch: binance -> okx")
        sandbox.fault("okx", "refuse")
        bot.wait_for("Tier change for ETHUSDT: websocket -> none")
        assert bot.terminate() == 0
    records = lying_in(broker, f"{prices}.served")
    assert {record.headers["schema"] for record in records} == {b"served-price/1"}
    assert {record.headers["instance"] for record in records} == {b"collector"}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        mine = [record for record in records if record.key == symbol]
        told = [record.value for record in mine]
        assert len({record.partition for record in mine}) == 1
        assert all(value["symbol"] == symbol and value["v"] == 1 for value in told)
        assert [value["servedAt"] for value in told] == [record.timestamp for record in mine]
        numbers = [value["sequence"] for value in told]
        assert numbers == sorted(set(numbers))
        assert {value.get("exchange") for value in told} >= {"binance", "okx"}
        switched = next(value for value in told if value.get("exchange") == "okx")
        before = told[told.index(switched) - 1]
        assert switched["servedAt"] - before["servedAt"] < 1900  # not only at the next poll
        assert switched["trusted"] and switched["status"] and switched["reason"]
        assert told[-1]["price"] is None and "websocket" in told[-1]["reasons"]


def test_a_compacted_topic_keeps_the_newest_of_each_symbol(
    tmp_path: Path, broker: Cluster, sandbox: Sandbox
) -> None:
    broker.create_topic("kept")
    broker.create_topic("kept.served", config=COMPACTED)
    publish = {"KAFKA_PUBLISH_TOPIC": "kept", "TRADING_SYMBOL": "BTCUSDT,ETHUSDT"}
    with crew(tmp_path, broker, "bot") as start:
        first = start("first", feeds(sandbox) | publish)
        all_links(first, up=True)
        eventually(lambda: first.json("/api/v1/kafka")["links"][1]["counts"]["acknowledged"] > 20)
        assert first.terminate() == 0
        start("later", feeds(sandbox) | publish)

        def compacted() -> bool:
            told = lying_in(broker, "kept.served")
            return {(record.key, record.headers["instance"]) for record in told} == {
                ("BTCUSDT", b"later"), ("ETHUSDT", b"later")}
        eventually(compacted, 20.0, "what newer ones took the place of is gone")


def test_a_daemon_never_serves_its_own_messages(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox
) -> None:
    both = {"KAFKA_PUBLISH_TOPIC": prices, "ENABLE_KAFKA": "true", "KAFKA_TOPIC": prices}
    with crew(tmp_path, broker, "bot") as start:
        bot = start("alone", feeds(sandbox) | both | {"ENABLE_OKX_LIVE": "false"})
        twin = start("twin", consumer(prices) | {"INSTANCE_ID": "alone"})
        bot.wait_for("is served from websocket")
        all_links(bot, up=True)
        eventually(lambda: bot.json("/api/v1/kafka")["links"][0]["counts"]["own"] > 5)
        silence(sandbox)
        bot.wait_for("Tier change for BTCUSDT: websocket -> mock")
        with Watch(bot) as watch:
            why = twin.get("/api/v1/prices/BTCUSDT").json()["reasons"]["kafka"]
            eventually(lambda: len(watch.seen.get("BTCUSDT", [])) > 20)
        assert {seen.price["source"] for seen in watch.seen["BTCUSDT"]} == {"mock"}
        counts = bot.json("/api/v1/kafka")["links"][0]["counts"]
        assert (counts["taken"], counts["conflated"]) == (0, 0)
    assert why.startswith("nothing of BTCUSDT was read yet") and "give each daemon its own " \
        "INSTANCE_ID, this one is 'alone'" in why


def test_a_reader_without_feeds_tells_what_it_hears(
    tmp_path: Path, broker: Cluster, prices: str, sandbox: Sandbox
) -> None:
    with crew(tmp_path, broker, "bot") as start:
        collector = start("collector", feeds(sandbox) | {"KAFKA_PUBLISH_TOPIC": prices})
        reader = start("reader", consumer(prices))
        all_links(collector, up=True)
        reader.wait_for("[KAFKA] Active source for BTCUSDT: binance")
        sandbox.fault("binance", "silence")
        reader.wait_for("[KAFKA] Source switch: binance -> okx (no data for")
        assert collector.price()["exchange"] == reader.price()["exchange"] == "okx"


def test_check_shows_no_secret_and_bad_settings_end_it(tmp_path: Path, broker: Cluster) -> None:
    with crew(tmp_path, broker, "bot") as start:
        checked = start("checked", {}, "check")
        assert checked.ended() == 0 and checked.process.stdout is not None
        shown = checked.process.stdout.read()
        assert "KAFKA_SASL_PASSWORD=****\n" in shown and SECRET not in shown + checked.log
        bad = {"KAFKA_BROKERS": "nowhere", "KAFKA_TOPIC": "a topic", "ENABLE_KAFKA": "yes",
               "KAFKA_SASL_MECHANISM": "", "KAFKA_SSL_CAFILE": "/nowhere/ca.pem"}
        for verb in (["check"], []):
            bot = start("bad" + "".join(verb), bad, *verb)
            assert bot.ended() == 78
            assert {line.partition(":")[0] for line in bot.lines} == set(bad), bot.log
            assert SECRET not in bot.log
    assert not list(tmp_path.rglob("logs"))
