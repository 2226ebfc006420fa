"""Several exchanges in one market: what each shows of it, and what is true."""

import json

import pytest
import requests

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect, subscribe_okx

FOUR = {"binance": "binance", "okx": "okx", "third": "binance", "fourth": "okx"}


def rest_price(sandbox: Sandbox, exchange: str) -> float:
    base = sandbox.rest_url(exchange)
    if FOUR[exchange] == "okx":
        answer = requests.get(base + "/api/v5/market/ticker?instId=BTC-USDT", timeout=5)
        return float(answer.json()["data"][0]["last"])
    answer = requests.get(base + "/api/v3/ticker/price?symbol=BTCUSDT", timeout=5)
    return float(answer.json()["price"])


def test_every_exchange_speaks_as_its_shape(connect: Connect) -> None:
    with Sandbox(exchanges=FOUR, rate=0) as sandbox:
        third = connect(sandbox.ws_url("third") + "/stream?streams=btcusdt@trade")
        fourth = connect(sandbox.ws_url("fourth"))
        subscribe_okx(fourth, "trades:BTC-USDT")
        assert sandbox.push_trade("third", "BTCUSDT", 1.0) == 1
        assert sandbox.push_trade("fourth", "BTCUSDT", 2.0) == 1
        assert json.loads(third.recv())["data"]["p"] == "1.00000000"
        assert json.loads(fourth.recv())["data"][0]["px"] == "2"
        assert sandbox.connections("binance") == sandbox.connections("okx") == 0
        assert sandbox.exchanges == tuple(FOUR) == tuple(sandbox.faults())
        ports = {value.split(":")[2] for value in sandbox.environment().values()}
        assert len(ports) == 8
        assert sandbox.environment()["FOURTH_WS_URL"] == sandbox.ws_url("fourth")


def test_a_fault_is_one_exchange_s_own(connect: Connect) -> None:
    with Sandbox(exchanges=FOUR, rate=0) as sandbox:
        client = connect(sandbox.ws_url("third") + "/ws/btcusdt@trade")
        eventually(lambda: sandbox.connections("third"))
        sandbox.fault("binance", "silence")
        assert sandbox.push_trade("third", "BTCUSDT", 1.0) == 1
        sandbox.fault("third", "silence")
        assert sandbox.push_trade("third", "BTCUSDT", 2.0) == 0
        assert '"1.00000000"' in client.recv()


@pytest.mark.parametrize(("exchanges", "message"), [
    ({"third": "kraken"}, "third: unknown shape 'kraken'; there are binance, okx"),
    ({"Third-1": "okx"}, "'Third-1': must be a lower-case word"),
    ({}, "no exchanges"),
])
def test_exchanges_that_cannot_be_are_refused(exchanges: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sandbox(exchanges=exchanges)


@pytest.mark.parametrize("what", ["rate", "volatility"])
def test_figures_below_zero_are_refused(what: str) -> None:
    with pytest.raises(ValueError, match=f"{what}: must not be negative, got -1"):
        Sandbox(**{what: -1.0})  # type: ignore[arg-type]  # each of them is a float


def test_the_truth_is_what_rest_tells_and_no_fault_changes_it() -> None:
    with Sandbox(["BTCUSDT"], exchanges=FOUR, rate=100) as sandbox:
        eventually(lambda: sandbox.fair("BTCUSDT") != 60_000)
        for name in FOUR:
            sandbox.fault(name, "wrong", 50)
        sandbox.rate(0)
        for name in FOUR:
            true = sandbox.true_price(name, "btc-usdt")
            assert rest_price(sandbox, name) == true
            assert true == pytest.approx(sandbox.fair("BTCUSDT"), rel=0.0006)
        assert len({sandbox.true_price(name, "BTCUSDT") for name in FOUR}) > 1


def test_a_jump_moves_every_exchange_at_once(connect: Connect) -> None:
    with Sandbox(["BTCUSDT"], exchanges=FOUR, volatility=0, rate=50) as sandbox:
        client = connect(sandbox.ws_url("fourth"))
        subscribe_okx(client, "trades:BTC-USDT")
        sandbox.jump("BTCUSDT", -10)
        for name in FOUR:
            assert sandbox.true_price(name, "BTCUSDT") == pytest.approx(54_000, rel=0.0006)
        told = 60_000.0
        while told > 55_000:
            told = float(json.loads(client.recv())["data"][0]["px"])
        assert sandbox.fair("BTCUSDT") == pytest.approx(54_000)
        with pytest.raises(ValueError, match="above -100 %"):
            sandbox.jump("BTCUSDT", -100)


def test_in_a_quiet_market_only_binance_s_ticker_goes_on(connect: Connect) -> None:
    with Sandbox(["BTCUSDT"], rate=50) as sandbox:
        streams = "btcusdt@ticker/btcusdt@trade/btcusdt@bookTicker"
        binance = connect(sandbox.ws_url("binance") + "/stream?streams=" + streams)
        okx = connect(sandbox.ws_url("okx"))
        subscribe_okx(okx, "trades:BTC-USDT")
        while json.loads(binance.recv())["stream"] != "btcusdt@ticker":
            pass
        sandbox.rate(0)
        frames: list[dict[str, str]] = []
        while len(frames) < 2:
            frame = json.loads(binance.recv())
            frames = [*frames, frame["data"]] if frame["stream"] == "btcusdt@ticker" else []
        first, second = frames
        assert int(second["E"]) - int(first["E"]) >= 1000
        stamps = ("E", "O", "C")
        assert all(first[key] == second[key] for key in first if key not in stamps)
        okx.send("ping")
        while okx.recv() != "pong":  # what was traded before
            pass
        okx.send("ping")
        assert okx.recv() == "pong"


def test_the_rate_may_change_and_a_market_may_begin(connect: Connect) -> None:
    with Sandbox(["BTCUSDT"], rate=0) as sandbox:
        client = connect(sandbox.ws_url("okx"))
        subscribe_okx(client, "trades:BTC-USDT")
        for rate in (500, 20):
            sandbox.rate(rate)
            client.recv()
        sandbox.rate(0)
        settled = sandbox.fair("BTCUSDT")
        client.send("ping")
        while client.recv() != "pong":
            pass
        assert sandbox.fair("BTCUSDT") == settled != 60_000


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_honest_streams_have_rising_stamps_and_their_own_trade_ids(
    connect: Connect, exchange: str
) -> None:
    with Sandbox(["BTCUSDT"], rate=1000) as sandbox:
        url = sandbox.ws_url(exchange)
        client = connect(url + "/ws/btcusdt@trade" if exchange == "binance" else url)
        if exchange == "okx":
            subscribe_okx(client, "trades:BTC-USDT")
        rows: list[tuple[int, int]] = []
        while len(rows) < 500:
            frame = json.loads(client.recv())
            row = frame["data"][0] if exchange == "okx" else frame
            rows.append((int(row.get("E", row.get("ts"))), int(row.get("t", row.get("tradeId")))))
            if len(rows) % 100 == 0:
                sandbox.jump("BTCUSDT", 1)
        stamps, ids = zip(*rows)
        assert list(stamps) == sorted(stamps)
        assert len(set(ids)) == len(ids)
