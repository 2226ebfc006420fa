import json
import socket
import time

import pytest
import requests
import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect, both, subscribe_binance, subscribe_okx

ABNORMAL = (ConnectionResetError, BrokenPipeError, websocket.WebSocketConnectionClosedException)


def price(client: websocket.WebSocket) -> float:
    return float(json.loads(client.recv())["data"][0]["px"])


def test_cut_resets_the_connection_and_leaves_the_other_exchange(
    sandbox: Sandbox, connect: Connect
) -> None:
    binance, okx = both(sandbox, connect)
    sandbox.fault("okx", "cut")
    with pytest.raises(ABNORMAL):
        okx.recv()
    assert sandbox.push_trade("binance", "BTCUSDT", 5.0) == 1
    assert "5.00000000" in binance.recv()
    assert sandbox.faults() == {"binance": {}, "okx": {}}
    connect(sandbox.ws_url("okx"))


def test_close_is_orderly_and_has_the_code(sandbox: Sandbox, connect: Connect) -> None:
    binance, _ = both(sandbox, connect)
    sandbox.fault("binance", "close", 1012)
    opcode, data = binance.recv_data()
    assert (opcode, int.from_bytes(data[:2])) == (websocket.ABNF.OPCODE_CLOSE, 1012)
    eventually(lambda: sandbox.connections("binance") == 0)
    assert sandbox.close_codes("binance") == []


def test_notice_announces_the_close_and_the_close_comes(
    sandbox: Sandbox, connect: Connect
) -> None:
    binance, okx = both(sandbox, connect)
    raw = connect(sandbox.ws_url("binance") + "/ws")
    eventually(lambda: sandbox.connections("binance") == 2)
    sandbox.fault("binance", "notice")
    sandbox.fault("okx", "notice", 0.1)
    shutdown = json.loads(raw.recv())
    assert shutdown["e"] == "serverShutdown" and abs(shutdown["E"] / 1000 - time.time()) < 5.0
    combined = json.loads(binance.recv())
    assert combined["stream"] == "!serverShutdown" and combined["data"]["e"] == "serverShutdown"
    notice = json.loads(okx.recv())
    assert (notice["event"], notice["code"]) == ("notice", "64008")
    assert okx.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE
    assert sandbox.push_trade("binance", "BTCUSDT", 5.0) == 1  # without a value none is closed
    assert sandbox.faults() == {"binance": {}, "okx": {}}


def test_refused_connections_come_back_on_the_same_port(
    sandbox: Sandbox, connect: Connect
) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "refuse")
    with pytest.raises(ABNORMAL):
        okx.recv()
    with pytest.raises(ConnectionRefusedError):
        connect(sandbox.ws_url("okx"))
    assert requests.get(sandbox.rest_url("okx") + "/api/v5/public/time", timeout=5).ok
    sandbox.heal("okx")
    subscribe_okx(connect(sandbox.ws_url("okx")), "trades:BTC-USDT")


@pytest.mark.parametrize(("status", "retry_after"), [
    (451, None), (429, "5"), (418, "5"), (503, None),
])
def test_reject_answers_the_handshake(
    sandbox: Sandbox, connect: Connect, status: int, retry_after: str | None
) -> None:
    sandbox.fault("binance", "reject", status)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        connect(sandbox.ws_url("binance") + "/stream")
    assert refused.value.status_code == status
    assert (refused.value.resp_headers or {}).get("retry-after") == retry_after


def test_silence_still_answers(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "silence")
    assert sandbox.push_trade("okx", "BTCUSDT", 5.0) == 0
    okx.send("ping")
    assert okx.recv() == "pong"
    sandbox.heal("okx", "silence")
    assert sandbox.push_trade("okx", "BTCUSDT", 6.0) == 1
    assert price(okx) == 6.0


def test_mute_is_half_open_for_old_and_new_connections(
    sandbox: Sandbox, connect: Connect
) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "mute")
    okx.settimeout(0.2)
    okx.send("ping")
    sandbox.push_trade("okx", "BTCUSDT", 5.0)
    with pytest.raises(websocket.WebSocketTimeoutException):
        okx.recv()
    with pytest.raises(websocket.WebSocketTimeoutException):
        connect(sandbox.ws_url("okx"), timeout=0.2)
    port = int(sandbox.ws_url("okx").split(":")[2].partition("/")[0])
    socket.create_connection(("127.0.0.1", port), timeout=1).close()
    sandbox.heal("okx")
    okx.settimeout(5)
    assert okx.recv() == "pong"


def test_a_muted_sandbox_stops_without_leftovers(connect: Connect) -> None:
    with Sandbox(rate=0) as sandbox:
        both(sandbox, connect)
        sandbox.fault("okx", "mute")
        with pytest.raises(websocket.WebSocketTimeoutException):
            connect(sandbox.ws_url("okx"), timeout=0.1)


def test_delay_keeps_the_order_and_ends_at_once(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "delay", 300)
    sent = time.monotonic()
    for value in (1.0, 2.0, 3.0):
        sandbox.push_trade("okx", "BTCUSDT", value)
    assert price(okx) == 1.0
    assert time.monotonic() - sent >= 0.3
    assert [price(okx), price(okx)] == [2.0, 3.0]
    sandbox.fault("okx", "delay", 60_000)
    sandbox.push_trade("okx", "BTCUSDT", 4.0)
    sandbox.heal("okx")
    assert price(okx) == 4.0


def test_an_orderly_close_waits_for_the_bytes_before_it(
    sandbox: Sandbox, connect: Connect
) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "delay", 200)
    sandbox.push_trade("okx", "BTCUSDT", 1.0)
    sandbox.fault("okx", "close")
    assert price(okx) == 1.0
    assert okx.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE


def test_repeat_sends_the_last_price_with_its_time(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.push_trade("okx", "BTCUSDT", 1.0)
    before = okx.recv()
    sandbox.fault("okx", "repeat")
    sandbox.push_trade("okx", "BTCUSDT", 2.0)
    sandbox.push_trade("okx", "BTCUSDT", 3.0)
    assert [okx.recv(), okx.recv()] == [before, before]
    assert sandbox.last_price("okx", "BTCUSDT") == 1.0


def test_wrong_is_off_by_the_value(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "wrong", 10)
    sandbox.push_trade("okx", "BTCUSDT", 100.0)
    assert price(okx) == pytest.approx(110.0)
    assert sandbox.last_price("okx", "BTCUSDT") == pytest.approx(110.0)
    [first] = subscribe_okx(connect(sandbox.ws_url("okx")), "trades:BTC-USDT")
    assert float(first["data"][0]["px"]) == pytest.approx(110.0)


def test_one_symbol_dies_alone(sandbox: Sandbox, connect: Connect) -> None:
    client = connect(sandbox.ws_url("binance") + "/ws")
    subscribe_binance(client, "btcusdt@trade", "ethusdt@trade")
    sandbox.fault("binance", "symbol", "btc-usdt")
    assert sandbox.push_trade("binance", "BTCUSDT", 1.0) == 0
    assert sandbox.push_trade("binance", "ETHUSDT", 2.0) == 1
    assert json.loads(client.recv())["s"] == "ETHUSDT"


def test_junk_stands_between_the_data(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "junk")
    for value in range(1, 41):
        sandbox.push_trade("okx", "BTCUSDT", float(value))
    frames = [okx.recv_data() for _ in range(80)]
    good = [json.loads(data)["data"][0]["px"] for _, data in frames[::2]]
    assert good == [str(value) for value in range(1, 41)]
    bad = [data for _, data in frames[1::2]]
    assert b"not json" in bad
    assert {opcode for opcode, _ in frames[1::2]} == {1, 2}
    assert any(b'"px": "NaN"' in data for data in bad)


def test_huge_is_one_big_frame(sandbox: Sandbox, connect: Connect) -> None:
    _, okx = both(sandbox, connect)
    sandbox.fault("okx", "huge")
    assert len(okx.recv()) == 10_000_000
    okx.send("ping")
    assert okx.recv() == "pong"


def test_rest_faults(sandbox: Sandbox) -> None:
    url = sandbox.rest_url("okx") + "/api/v5/market/ticker?instId=BTC-USDT"
    sandbox.fault("okx", "rest429", 7)
    limited = requests.get(url, timeout=5)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert limited.json()["code"] == "50011"
    sandbox.heal("okx")
    sandbox.fault("okx", "rest503")
    assert requests.get(url, timeout=5).status_code == 503
    sandbox.heal("okx")
    sandbox.fault("okx", "rest_slow", 100)
    asked = time.monotonic()
    assert requests.get(url, timeout=5).ok
    assert time.monotonic() - asked >= 0.1
    sandbox.fault("okx", "rest_hang")
    with pytest.raises(requests.ReadTimeout):
        requests.get(url, timeout=0.2)


def test_a_timed_fault_heals_by_itself(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.fault("okx", "refuse", seconds=0.1)
    assert sandbox.faults()["okx"]["refuse"]["value"] is None
    eventually(lambda: not sandbox.faults()["okx"])

    def connected() -> bool:
        try:
            connect(sandbox.ws_url("okx"))
        except ConnectionRefusedError:
            return False
        return True

    assert eventually(connected)


def test_a_halted_symbol_is_silent_while_its_neighbours_live(
    sandbox: Sandbox, connect: Connect
) -> None:
    client = connect(sandbox.ws_url("binance") + "/stream")
    subscribe_binance(client, "btcusdt@trade", "ethusdt@trade")
    eventually(lambda: len(sandbox.subscriptions("binance")) == 2)
    sandbox.fault("binance", "halt", "BTCUSDT")
    assert sandbox.push_trade("binance", "BTCUSDT", 60_000.0) == 0
    assert sandbox.push_trade("binance", "ETHUSDT", 3_000.0) == 1


@pytest.mark.parametrize("status, pause", [(451, None), (403, None), (418, "5")])
def test_rest_can_be_refused_with_any_status(
    sandbox: Sandbox, status: int, pause: str | None
) -> None:
    sandbox.fault("okx", "rest_reject", status)
    answer = requests.get(sandbox.rest_url("okx") + "/api/v5/public/time", timeout=5)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, pause)
