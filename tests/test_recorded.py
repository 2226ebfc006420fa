"""Real frames, recorded by others, played through real sockets into a feed."""

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model import MarketDataUpdate, UpdateType
from bot.sandbox.server import Sandbox
from bot.symbols import Symbol
from tests.feeds.watched import Watched, running
from tests.helpers import eventually

FOLDER = os.environ.get("BOT_RECORDINGS", "")
FILES = sorted(
    path for exchange in ("binance", "okx") for path in Path(FOLDER or "/").glob(f"{exchange}/*")
    if ".jsonl" in path.name and not {"sent", "rest_symbols", "single_frames", "rest_tickers"} & {
        part for part in path.name.split(".")}) if FOLDER else []

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="BOT_RECORDINGS does not name a folder with recordings")

Price = tuple[str, UpdateType, float]  # native symbol, type, price


def frames(path: Path) -> Iterator[str]:
    opened = gzip.open(path, "rt") if path.suffix == ".gz" else path.open()
    with opened as lines:
        for line in lines:
            yield json.loads(line)["raw"]


def told(raw: str) -> list[Price]:
    """The trades and tickers in a frame, read independently of the product."""
    message = json.loads(raw)
    data = message.get("data")
    if isinstance(data, dict):
        if data.get("e") in ("trade", "aggTrade"):
            return [(data["s"], "trade", float(data["p"]))]
        return [(data["s"], "ticker", float(data["c"]))] if data.get("e") == "24hrTicker" else []
    channel = message.get("arg", {}).get("channel")
    if data is None or channel not in ("tickers", "trades"):
        return []
    if channel == "tickers":
        return [(row["instId"], "ticker", float(row["last"])) for row in data]
    return [(row["instId"], "trade", float(row["px"])) for row in data]


def symbol_of(exchange: str, native: str) -> Symbol:
    base, _, quote = native.partition("-") if exchange == "okx" else (native, "", "")
    return Symbol(base, quote)


def without_books(watched: Watched) -> list[MarketDataUpdate]:
    return [update for update in watched.updates if update.type != "orderbook"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_recorded_trade_and_ticker_comes_out(path: Path) -> None:
    exchange = path.parent.name
    expected = [price for raw in frames(path) for price in told(raw)]
    natives = {native: symbol_of(exchange, native) for native, _, _ in expected}
    # what is not in the record must not come first: the feed wants nothing but what is played
    with Sandbox(rate=0, play=path, speed=0, everything=True) as sandbox:
        watched = Watched(exchange, [sandbox.ws_url(exchange)], symbols=())
        for native, kind, _ in expected:
            watched.subscriptions.add(natives[native], [kind])
        with running(watched):
            assert sandbox.wait_played(60.0)
            eventually(lambda: len(without_books(watched)) >= len(expected), 30.0)
    updates = without_books(watched)
    names = {symbol.name: native for native, symbol in natives.items()}
    assert [(names[u.symbol], u.type, u.price) for u in updates] == expected
    last = {(name, kind): price for name, kind, price in expected}
    for (native, kind), price in last.items():
        kept = watched.store.get(exchange, natives[native].name, kind)
        assert kept is not None and kept.price == price
    assert watched.feed.health().errors == 0
