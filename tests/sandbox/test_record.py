import gzip
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.record import Record
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect, ask, subscribe_binance, subscribe_okx

OLD_MS = 1_600_000_000_000
TRADE = {"e": "trade", "E": OLD_MS, "s": "BTCUSDT", "t": 1, "p": "100.50000000",
         "q": "1.00000000", "T": OLD_MS - 3, "m": True, "M": True}
OKX_TRADE = {"arg": {"channel": "trades", "instId": "BTC-USDT"},
             "data": [{"instId": "BTC-USDT", "px": "101.5", "sz": "1", "ts": str(OLD_MS)}]}


def written(path: Path, *frames: tuple[float | None, object]) -> Path:
    lines = "".join(json.dumps({"recv_ms": at, "raw": json.dumps(raw, separators=(",", ":"))})
                    + "\n" for at, raw in frames)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt") as file:
        file.write(lines)
    return path


def combined(payload: dict[str, Any], stream: str = "btcusdt@trade") -> dict[str, Any]:
    return {"stream": stream, "data": payload}


def recordings() -> Iterator[Any]:
    folder = os.environ.get("BOT_RECORDINGS")
    if not folder:
        yield pytest.param(None, marks=pytest.mark.skip(reason="BOT_RECORDINGS is not set"))
        return
    for exchange in ("binance", "okx"):
        for path in sorted(Path(folder, exchange).glob("*.jsonl*")):
            if ".sent." not in path.name and not path.name.startswith("rest_"):
                yield pytest.param(path, id=f"{exchange}-{path.name}")


def test_frames_are_recognised_by_their_shape(tmp_path: Path) -> None:
    quote = {"u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}
    record = Record.load(written(
        tmp_path / "all.jsonl", (1, combined(TRADE)), (2, TRADE), (3, quote), (4, OKX_TRADE),
        (5, {"result": None, "id": 1}), (6, {"event": "subscribe", "arg": OKX_TRADE["arg"]}),
        (7, "pong"), (8, combined({"e": "depthUpdate", "E": 1}, "btcusdt@depth@100ms")),
        (9, {"e": "strange", "s": "BTCUSDT", "u": 1}),
    ))
    assert [(frame.exchange, frame.topic, frame.symbol, frame.price) for frame in record.frames] \
        == [
            ("binance", "btcusdt@trade", "BTCUSDT", 100.5),
            ("binance", "btcusdt@trade", "BTCUSDT", 100.5),
            ("binance", "btcusdt@bookTicker", "BTCUSDT", None),
            ("okx", "trades:BTC-USDT", "BTCUSDT", 101.5),
            ("binance", "btcusdt@depth@100ms", "BTCUSDT", None),
        ]


def test_stamps_move_and_nothing_else(tmp_path: Path) -> None:
    [frame] = Record.load(written(tmp_path / "one.jsonl.gz", (OLD_MS, combined(TRADE)))).frames
    assert json.loads(frame.moved(60_000)) == {
        **TRADE, "E": OLD_MS + 60_000, "T": OLD_MS + 59_997}
    micro = written(tmp_path / "us.jsonl", (1, {**TRADE, "E": OLD_MS * 1000}))
    assert b'"E":%d,' % (OLD_MS * 1000 + 5000) in Record.load(micro).frames[0].moved(5)


def test_the_recorder_s_clock_error_is_the_smallest_lag(tmp_path: Path) -> None:
    record = Record.load(written(
        tmp_path / "skewed.jsonl", (OLD_MS - 1200, TRADE), (OLD_MS - 1000, TRADE), (None, TRADE)))
    assert record.skew_ms == -1200


@pytest.mark.parametrize(("line", "message"), [
    ("{", "bad.jsonl, line 1"), ("{}", "line 1"),
    ('{"recv_ms": 1, "raw": "pong"}', "no data of a known exchange"),
])
def test_a_bad_file_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=message):
        Record.load(path)


def test_a_binance_record_is_played_as_if_it_were_now(tmp_path: Path, connect: Connect) -> None:
    path = written(
        tmp_path / "b.jsonl", (OLD_MS + 20, combined(TRADE)),
        (OLD_MS + 21, combined({**TRADE, "s": "ETHUSDT"}, "ethusdt@trade")),
        (OLD_MS + 70, combined({**TRADE, "p": "102.00000000"})),
    )
    with Sandbox(rate=0, play=path) as sandbox:
        client = connect(sandbox.ws_url("binance") + "/stream")
        eventually(lambda: sandbox.connections("binance"))
        assert not sandbox.wait_played(0)
        before = time.time() * 1000
        subscribe_binance(client, "btcusdt@trade")
        first, second = json.loads(client.recv()), json.loads(client.recv())
        assert sandbox.wait_played(5)
        assert sandbox.last_price("binance", "BTCUSDT") == 102.0
    assert (first["data"]["p"], second["data"]["p"]) == ("100.50000000", "102.00000000")
    assert before - 1 <= first["data"]["E"] <= time.time() * 1000
    assert first["data"]["E"] - first["data"]["T"] == 3


def test_an_okx_record_opens_its_own_instruments(tmp_path: Path, connect: Connect) -> None:
    swap = {"arg": {"channel": "tickers", "instId": "X-USD-SWAP"},
            "data": [{"instId": "X-USD-SWAP", "last": "1", "ts": str(OLD_MS)}]}
    path = written(tmp_path / "o.jsonl", (None, OKX_TRADE), (None, swap))
    with Sandbox(rate=0, play=path, speed=0, everything=True) as sandbox:
        client = connect(sandbox.ws_url("okx"))
        ack = ask(client, {"op": "subscribe", "args": [swap["arg"]]})
        assert ack["event"] == "subscribe"
        trade, ticker = json.loads(client.recv()), json.loads(client.recv())
    assert (trade["data"][0]["px"], ticker["arg"]["instId"]) == ("101.5", "X-USD-SWAP")
    assert abs(int(ticker["data"][0]["ts"]) - time.time() * 1000) < 60_000


def test_a_record_needs_its_own_exchange(tmp_path: Path) -> None:
    path = written(tmp_path / "o.jsonl", (None, OKX_TRADE))
    for exchanges in ({"third": "okx"}, {"okx": "binance"}):
        with pytest.raises(ValueError, match="is of okx, which is not among the exchanges"):
            Sandbox(exchanges=exchanges, play=path)


def test_the_faults_hold_for_a_record_too(tmp_path: Path, connect: Connect) -> None:
    path = written(tmp_path / "o.jsonl", (None, OKX_TRADE), (None, OKX_TRADE))
    with Sandbox(rate=0, play=path, speed=0, loop=True) as sandbox:
        client = connect(sandbox.ws_url("okx"))
        subscribe_okx(client, "trades:BTC-USDT")
        assert sandbox.wait_played(5)
        sandbox.fault("okx", "silence")
        client.send("ping")
        eventually(lambda: client.recv() == "pong")


@pytest.mark.parametrize("path", list(recordings()))
def test_a_real_recording_is_played_in_full(path: Path, connect: Connect) -> None:
    record = Record.load(path)
    [exchange] = record.exchanges
    with Sandbox(rate=0, play=path, speed=0, everything=True) as sandbox:
        if exchange == "binance":
            client = connect(sandbox.ws_url("binance") + "/stream?streams=x@trade")
        else:
            client = connect(sandbox.ws_url("okx"))
            subscribe_okx(client, "trades:ETH-USDT")
        count = 0
        started = time.time() * 1000
        newest = 0
        while count < len(record.frames):
            frame = json.loads(client.recv())
            count += "data" in frame
            data = frame["data"][0] if exchange == "okx" else frame["data"]
            stamp = data.get("ts") or data.get("E")
            newest = max(newest, int(stamp or 0))
        assert sandbox.wait_played(5)
    assert not newest or newest >= started - 1000
    assert newest <= time.time() * 1000 + 1
