import json
import threading
import time

import pytest
import requests
import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect, ask, both, subscribe_binance, subscribe_okx


def test_a_trade_reaches_both_kinds_of_binance_clients(sandbox: Sandbox, connect: Connect) -> None:
    base = sandbox.ws_url("binance")
    raw = connect(base + "/ws/btcusdt@trade")
    combined = connect(base + "/stream?streams=btcusdt@trade")
    eventually(lambda: sandbox.connections("binance") == 2)
    assert sandbox.push_trade("binance", "BTC/USDT", 61_000.5, size=0.2, event_ms=1234) == 2
    payload = json.loads(raw.recv())
    assert (payload["p"], payload["q"], payload["T"]) == ("61000.50000000", "0.20000000", 1234)
    assert json.loads(combined.recv()) == {"stream": "btcusdt@trade", "data": payload}
    assert sandbox.last_price("binance", "BTCUSDT") == 61_000.5


def test_a_wrong_stream_name_is_acknowledged_and_silent(
    sandbox: Sandbox, connect: Connect
) -> None:
    client = connect(sandbox.ws_url("binance") + "/ws")
    subscribe_binance(client, "BTCUSDT@trade")
    assert sandbox.push_trade("binance", "BTCUSDT", 1.0) == 0


def test_the_first_okx_push_is_old_and_follows_the_acknowledgement(connect: Connect) -> None:
    with Sandbox(rate=0, snapshot_age_s=3600) as sandbox:
        [first] = subscribe_okx(connect(sandbox.ws_url("okx")), "trades:BTC-USDT")
    age_ms = time.time() * 1000 - int(first["data"][0]["ts"])
    assert 3_599_000 < age_ms < 3_660_000


def test_unsubscribing_ends_the_data(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    assert sandbox.subscriptions("okx") == ["trades:BTC-USDT"]
    ask(okx, {"op": "unsubscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]})
    assert sandbox.push_trade("okx", "BTCUSDT", 1.0) == 0
    assert sandbox.subscriptions("okx") == []


def test_scripted_tickers_and_books_show_the_quote_given(
    sandbox: Sandbox, connect: Connect
) -> None:
    client = connect(sandbox.ws_url("okx"))
    subscribe_okx(client, "tickers:BTC-USDT", "bbo-tbt:BTC-USDT")
    sandbox.push_ticker("okx", "BTCUSDT", 60_000, bid=0, ask=60_001, volume=7.5, event_ms=5)
    [row] = json.loads(client.recv())["data"]
    assert (row["last"], row["bidPx"], row["askPx"], row["vol24h"], row["ts"]) == (
        "60000", "", "60001", "7.5", "5")
    sandbox.push_book("okx", "BTCUSDT", 59_999, 60_002)
    [row] = json.loads(client.recv())["data"]
    assert (row["bids"][0][0], row["asks"][0][0]) == ("59999", "60002")


def test_the_walk_feeds_every_stream(connect: Connect) -> None:
    with Sandbox(["BTCUSDT"], rate=50) as sandbox:
        streams = [f"btcusdt@{kind}" for kind in ("trade", "ticker", "miniTicker", "bookTicker")]
        binance = connect(sandbox.ws_url("binance") + "/stream?streams=" + "/".join(streams))
        okx = connect(sandbox.ws_url("okx"))
        subscribe_okx(okx, "trades:BTC-USDT", "tickers:BTC-USDT", "bbo-tbt:BTC-USDT")
        missing = set(streams)
        while missing:
            missing.discard(json.loads(binance.recv())["stream"])
        channels = {"trades", "tickers", "bbo-tbt"}
        while channels:
            channels.discard(json.loads(okx.recv())["arg"]["channel"])
        assert sandbox.last_price("okx", "BTCUSDT") != 60_000


def test_raw_frames_go_to_every_connection(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(sandbox.ws_url("okx"))
    eventually(lambda: sandbox.connections("okx"))
    assert sandbox.send_raw("okx", "text") == sandbox.send_raw("okx", b"\x00") == 1
    assert client.recv_data() == (websocket.ABNF.OPCODE_TEXT, b"text")
    assert client.recv_data() == (websocket.ABNF.OPCODE_BINARY, b"\x00")


def test_what_clients_send_and_how_they_close_is_kept(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(sandbox.ws_url("okx"))
    client.send("ping")
    assert client.recv() == "pong"
    [(_, text)] = sandbox.received("okx")
    assert text == "ping"
    client.close(status=1000)
    assert eventually(lambda: sandbox.close_codes("okx")) == [1000]
    eventually(lambda: sandbox.connections("okx") == 0)


def test_a_fast_binance_client_is_dropped(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(sandbox.ws_url("binance") + "/ws")
    for _ in range(3):
        client.ping()
        client.pong(b"unasked")
    assert client.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
    assert sandbox.violations("binance") == 1


def test_a_fast_okx_client_is_counted(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(sandbox.ws_url("okx"))
    client.ping()
    for _ in range(3):
        client.send("ping")
    assert [client.recv() for _ in range(3)] == ["pong"] * 3
    assert sandbox.violations("okx") == 0
    client.send("ping")
    assert client.recv() == "pong"
    assert sandbox.violations("okx") == 1


def test_okx_closes_what_it_had_nothing_to_say_to(connect: Connect) -> None:
    with Sandbox(rate=0, idle_s=0.2) as sandbox:
        opcode, data = connect(sandbox.ws_url("okx")).recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    assert int.from_bytes(data[:2]) == 4004


def test_binance_pings(connect: Connect) -> None:
    with Sandbox(rate=0, ping_s=0.05) as sandbox:
        client = connect(sandbox.ws_url("binance") + "/ws")
        opcode, _ = client.recv_data(control_frame=True)
    assert opcode == websocket.ABNF.OPCODE_PING


def test_rest_answers_and_is_counted(sandbox: Sandbox) -> None:
    url = sandbox.rest_url("okx") + "/api/v5/market/ticker"
    answer = requests.get(url, {"instId": "BTC-USDT"}, timeout=5)
    assert answer.json()["data"][0]["last"] == "60000"
    assert requests.get(url, {"instId": "NO-PE"}, timeout=5).json()["code"] == "51001"
    bad = requests.get(sandbox.rest_url("binance") + "/api/v3/ticker/price?symbol=X", timeout=5)
    assert (bad.status_code, bad.json()["code"]) == (400, -1121)
    assert (sandbox.rest_requests("okx"), sandbox.rest_requests("binance")) == (2, 1)


def test_the_environment_names_the_settings(sandbox: Sandbox) -> None:
    assert sandbox.environment() == {
        "BINANCE_WS_URL": sandbox.ws_url("binance"), "OKX_WS_URL": sandbox.ws_url("okx"),
        "BINANCE_REST_URL": sandbox.rest_url("binance"), "OKX_REST_URL": sandbox.rest_url("okx"),
    }
    assert sandbox.ws_url("okx").endswith("/ws/v5/public")


def test_unknown_names_are_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="there are binance, okx"):
        sandbox.push_trade("kraken", "BTCUSDT", 1.0)
    with pytest.raises(ValueError, match="LTCUSDT is not here"):
        sandbox.push_trade("okx", "LTCUSDT", 1.0)
    with pytest.raises(ValueError, match="without a control port"):
        sandbox.control_url
    with pytest.raises(ValueError, match="plays no record"):
        sandbox.wait_played(0)


def test_a_taken_port_leaves_nothing_open(sandbox: Sandbox) -> None:
    taken = int(sandbox.rest_url("okx").rpartition(":")[2])
    second = Sandbox(rate=0, ports={"okx-rest": taken})
    with pytest.raises(OSError, match="in use"):
        second.start()


def test_no_thread_is_left_after_the_stop(connect: Connect) -> None:
    before = set(threading.enumerate())
    sandbox = Sandbox(rate=200, control_port=0)
    sandbox.start()
    both(sandbox, connect)
    sandbox.stop()
    sandbox.stop()
    assert set(threading.enumerate()) <= before
