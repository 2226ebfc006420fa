"""The daemon as its users run it, and those whom it tells."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bot.sandbox.server import Sandbox
from tests.alerts.receiver import TOKEN, Post, Receiver, receiver
from tests.helpers import eventually
from tests.processes import Daemon, daemon
from tests.servers import raw_server, say

# The bot as it is, but for its patience: a test need not wait half a minute for calm.
QUICK = ("-c", """
import functools, sys
import bot.__main__, bot.alerting
from bot.alerts.thing import Pace
bot.alerting.Courier = functools.partial(bot.alerting.Courier, pace=Pace(
    gather=0.6, settle=0.2, join=5.0, calm=1.5, calm_most=4.0, update=3.0))
sys.exit(bot.__main__.main(sys.argv[1:]))
""")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as made:
        yield made


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def settings(sandbox: Sandbox, told: dict[str, str], **more: str) -> dict[str, str]:
    return sandbox.environment() | told | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "800",
        "MAX_PRICE_AGE": "1500", "FAILBACK_AFTER": "500", "LOG_LEVEL": "DEBUG",
        "TRADING_SYMBOL": "BTCUSDT,ETHUSDT"} | more


def cut_all(sandbox: Sandbox) -> None:
    for exchange in ("binance", "okx"):
        sandbox.fault(exchange, "silence")
        sandbox.fault(exchange, "rest_hang")


def ended(posts: list[Post]) -> bool:
    return any("Over after" in post.text for post in posts)


def holds_nothing_secret(bot: Daemon) -> None:
    for text in (bot.log, (bot.folder / "logs/autonomous_bot.log").read_text(encoding="utf-8")):
        assert "Secret" not in text and TOKEN not in text


@pytest.mark.parametrize("form", ["webhook", "discord"])
def test_an_outage_is_one_message_from_its_beginning_to_its_end(
    tmp_path: Path, sandbox: Sandbox, server: Receiver, form: str
) -> None:
    told = server.settings("telegram", form)
    with daemon(tmp_path, settings(sandbox, told), program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        cut_all(sandbox)
        eventually(lambda: server.of("telegram") and server.of(form))
        first = server.of("telegram")[0].text
        for words in ("🔴 [primary] BTCUSDT and ETHUSDT have no trusted price",
                      "binance is not fit for BTCUSDT and ETHUSDT", "okx is not fit for",
                      "What to do: "):
            assert words in first
        eventually(lambda: "BTCUSDT and ETHUSDT are served from mock (made up)" in
                   server.of("telegram")[-1].text)
        assert len(bot.json("/api/v1/alerts")["open"]) == 1
        sandbox.heal()
        eventually(lambda: ended(server.of("telegram")) and ended(server.of(form)), within=30.0)
        last = server.of("telegram")[-1].text
        for words in ("✅ [primary] Over after ", "BTCUSDT", "ETHUSDT", " had no trusted price for ",
                      "were served from a lower tier, at worst mock (made up) for ",
                      "What the bot did: ",
                      "Without a trusted price: ", "Nothing, it is over."):
            assert words in last
        eventually(lambda: bot.json("/api/v1/alerts")["open"] == [])
        assert bot.terminate() == 0
        holds_nothing_secret(bot)
    new = [post for post in server.of("telegram") if post.path.endswith("sendMessage")]
    assert len(new) == 1 and not [post.fault for post in server.posts if post.fault]
    if form == "webhook":
        bodies = [post.body for post in server.of("webhook")]
        assert bodies[0]["event"] == "opened" and bodies[-1]["event"] == "closed"
        assert len({body["id"] for body in bodies}) == 1 and bodies[-1]["durationMs"] > 500
    else:
        assert [post.method for post in server.of("discord")].count("POST") == 1


def test_a_flapping_source_is_few_messages(
    tmp_path: Path, sandbox: Sandbox, server: Receiver
) -> None:
    alone = {"EXCHANGES": "binance", "MAX_SOURCE_LATENCY": "300", "ENABLE_OKX_LIVE": "false",
             "TRADING_SYMBOL": "BTCUSDT", "FAILBACK_AFTER": "0"}
    told = server.settings("telegram", "slack")
    with daemon(tmp_path, settings(sandbox, told, **alone), program=QUICK) as bot:
        bot.wait_for("is served from websocket")
        for number in range(15):
            sandbox.fault("binance", "silence")
            eventually(lambda: bot.price()["trusted"] is False)
            sandbox.heal()
            eventually(lambda: bot.price()["trusted"])
        eventually(lambda: ended(server.of("telegram")) and ended(server.of("slack")), within=30.0)
        assert " times: " in server.of("telegram")[-1].text
        assert bot.terminate() == 0
    assert len(server.messages) == 1 and len(server.of("telegram")) <= 12
    assert len(server.of("slack")) == 2


@pytest.mark.parametrize("trouble", ["hangs", "drips", "is limited", "is away"])
def test_a_receiver_in_trouble_costs_nothing_and_is_told_later(
    tmp_path: Path, sandbox: Sandbox, server: Receiver, trouble: str
) -> None:
    told = server.settings("telegram", "webhook")
    if trouble == "hangs":
        server.silent.set()
    elif trouble == "drips":
        server.drip_s = 0.05
        server.refusals = [(503, {}, b"x" * 5000)] * 2
    elif trouble == "is limited":
        server.refusals = [(429, {"Retry-After": "2"}, b"")] * 2
    else:
        server.refusals = [(503, {}, b"")] * 2
    with daemon(tmp_path, settings(sandbox, told), program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        cut_all(sandbox)
        eventually(lambda: bot.json("/api/v1/alerts")["open"])
        sandbox.heal()
        eventually(lambda: bot.price()["trusted"], within=30.0)
        assert bot.get("/healthz").status_code == 200
        server.silent.clear()
        server.drip_s = 0.0
        eventually(lambda: any(not post.fault for post in server.of("telegram"))
                   and any(not post.fault for post in server.of("webhook")), within=40.0)
        assert bot.terminate() == 0
        holds_nothing_secret(bot)


def test_a_stop_while_a_receiver_hangs_is_in_time(
    tmp_path: Path, sandbox: Sandbox, server: Receiver
) -> None:
    server.silent.set()
    with daemon(tmp_path, settings(sandbox, server.settings("telegram", "slack")),
                program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        cut_all(sandbox)
        eventually(lambda: bot.json("/api/v1/alerts")["open"])
        bot.signal(signal.SIGTERM)
        assert bot.ended(within=5.0) == 0
        assert "Not told before the stop: 2" in bot.log


def test_a_drill_is_labelled(tmp_path: Path, sandbox: Sandbox, server: Receiver) -> None:
    more = {"ENABLE_DRILL": "true", "API_TOKEN": "word", "ALERT_MIN_SEVERITY": "info"}
    told = server.settings("telegram")
    with daemon(tmp_path, settings(sandbox, told, **more), program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        with daemon(tmp_path, {"API_PORT": str(bot.port), **more}, "drill", "--seconds", "2",
                    "--source", "binance") as drill:
            drill.ended(within=40.0)
        eventually(lambda: ended(server.of("telegram")), within=30.0)
        assert bot.terminate() == 0
    for post in server.of("telegram"):
        assert "[primary] DRILL: " in post.text or "Over after" in post.text
        assert "DRILL: " in post.text.splitlines()[0] and "🔴" not in post.text


def test_an_outage_that_begins_during_a_drill_is_told(
    tmp_path: Path, sandbox: Sandbox, server: Receiver
) -> None:
    more = {"ENABLE_DRILL": "true", "API_TOKEN": "word"}
    with daemon(tmp_path, settings(sandbox, server.settings("telegram"), **more),
                program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        begun = requests.post(
            f"http://127.0.0.1:{bot.port}/api/v1/drill", timeout=5,
            headers={"Authorization": "Bearer word"},
            json={"source": "binance", "fault": "cut", "seconds": 60})
        assert begun.status_code == 202
        bot.wait_for("Source switch: binance -> okx")
        cut_all(sandbox)
        [first, *_] = eventually(lambda: server.of("telegram"))
        assert first.text.startswith("🔴 [primary] ") and "DRILL" not in first.text.splitlines()[0]
        assert "have no trusted price" in first.text or "has no trusted price" in first.text
        assert bot.terminate() == 0


def test_a_bot_that_was_away_tells_it(tmp_path: Path, sandbox: Sandbox, server: Receiver) -> None:
    more = {"ALERT_MIN_SEVERITY": "info"}  # a test cannot wait until it is worth a warning
    with daemon(tmp_path, settings(sandbox, {})) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.json("/api/v1/recorder")["written"])
        bot.signal(signal.SIGKILL)
        bot.ended()
    with daemon(tmp_path, settings(sandbox, server.settings("webhook"), **more),
                program=QUICK) as bot:
        [post] = eventually(lambda: server.of("webhook"))
        assert post.body["event"] == "closed" and "The bot did not run" in post.body["title"]
        assert post.body["items"][0]["kind"] == "down" and bot.terminate() == 0
        assert "s: it did not end in order: killed, crashed, or" in post.body["text"]


def test_what_was_open_when_it_was_killed_is_closed_after_the_start(
    tmp_path: Path, sandbox: Sandbox, server: Receiver
) -> None:
    told = settings(sandbox, server.settings("telegram", "webhook"))
    kept = tmp_path / "data/alerts.json"
    with daemon(tmp_path, told, program=QUICK) as bot:
        bot.wait_for("ETHUSDT is served from websocket")
        cut_all(sandbox)
        eventually(lambda: kept.exists() and kept.read_text().count("telegram") and
                   kept.read_text().count("webhook"))
        bot.signal(signal.SIGKILL)
        bot.ended()
    sandbox.heal()
    first = server.of("webhook")[-1].body
    with daemon(tmp_path, told, program=QUICK) as bot:
        eventually(lambda: [post for post in server.of("webhook")
                            if post.body["id"] == first["id"] and post.body["event"] == "closed"])
        eventually(lambda: "restarted meanwhile" in server.of("telegram")[-1].text)
        eventually(lambda: kept.read_bytes() == b"[]")
        assert bot.terminate() == 0
    last = server.of("webhook")[-1].body
    assert last["revision"] > first["revision"] and first["title"] in last["text"]
    assert not [post.fault for post in server.posts if post.fault]


def test_an_answer_that_is_junk_leaves_nothing_secret_in_the_log(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    junk = b"HTTP/1.1 200 OK\r\nBroken Header\r\n: x\r\n\r\n<html>"
    with raw_server(say(junk)) as server:
        base = f"http://127.0.0.1:{server.port}"
        told = {"ALERT_WEBHOOK_URL": f"{base}/services/T0SECRET0/B0SECRET0/SecretSecret",
                "ALERT_TELEGRAM_TOKEN": TOKEN, "ALERT_TELEGRAM_CHAT": "@operators",
                "ALERT_TELEGRAM_URL": base}
        with daemon(tmp_path, settings(sandbox, told), program=QUICK) as bot:
            bot.wait_for("ETHUSDT is served from websocket")
            cut_all(sandbox)
            bot.wait_for("Cannot tell telegram")
            assert bot.terminate() == 0
            holds_nothing_secret(bot)
