"""What exchanges really sent: every recorded trade, ticker and book comes out, and comes out exact.

The recordings are too large to lie in this repository. BOT_RECORDINGS names their folder, which
holds <exchange>/*.jsonl or *.jsonl.gz with one {"raw": "<frame>"} a line.
"""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bot.exchanges import ALL

Key = tuple[str, str]  # native symbol, type
FOLDER = Path(os.environ.get("BOT_RECORDINGS") or "/nowhere")
NOT_A_STREAM = (".sent.", "rest_")
FILES = [path for name in ALL for path in sorted((FOLDER / name).glob("*.jsonl*"))
         if not any(part in path.name for part in NOT_A_STREAM)]

needs_recordings = pytest.mark.skipif(
    not FILES, reason="BOT_RECORDINGS does not name a folder with recordings")


def frames(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for line in lines:
            yield json.loads(line)["raw"]


def middle(bid: str, ask: str) -> Fraction:
    return (Fraction(bid) + Fraction(ask)) / 2


def binance_rows(frame: Any) -> Iterator[tuple[str, str, Fraction]]:
    """A second, slow reading of the documents: (native symbol, type, exact price)."""
    data = frame.get("data", frame)
    event = data.get("e")
    if event in ("trade", "aggTrade"):
        yield data["s"], "trade", Fraction(data["p"])
    elif event in ("24hrTicker", "24hrMiniTicker"):
        yield data["s"], "ticker", Fraction(data["c"])
    elif frame.get("stream", "").endswith("@bookTicker"):
        yield data["s"], "orderbook", middle(data["b"], data["a"])


def okx_rows(frame: Any) -> Iterator[tuple[str, str, Fraction]]:
    channel = frame.get("arg", {}).get("channel")
    for data in frame.get("data", []):
        if channel == "trades":
            yield data["instId"], "trade", Fraction(data["px"])
        elif channel == "tickers":
            yield data["instId"], "ticker", Fraction(data["last"])
        elif channel == "bbo-tbt" and data["bids"] and data["asks"]:
            bid, ask = data["bids"][0][0], data["asks"][0][0]
            yield frame["arg"]["instId"], "orderbook", middle(bid, ask)


ROWS = {"binance": binance_rows, "okx": okx_rows}


@needs_recordings
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_recorded_update_comes_out_and_the_last_price_is_exact(path: Path) -> None:
    name = path.parent.name
    raws = list(frames(path))
    counted: Counter[Key] = Counter()
    last: dict[Key, Fraction] = {}
    for raw in raws:
        for symbol, kind, price in ROWS[name](json.loads(raw)):
            counted[symbol, kind] += 1
            last[symbol, kind] = price
    symbols = {symbol: symbol for symbol, _ in counted}
    found: Counter[Key] = Counter()
    newest: dict[Key, float] = {}
    for raw in raws:
        for update in ALL[name].parse(raw.encode(), symbols, 1, 1.0):
            found[update.symbol, update.type] += 1
            newest[update.symbol, update.type] = update.price
    assert found == counted and counted.total() > 0
    for key, served in newest.items():
        rounding = 1e-15 if key[1] == "orderbook" else 0.0  # a middle is computed in floats
        assert served == pytest.approx(float(last[key]), rel=rounding, abs=0.0)


@needs_recordings
def test_recordings_hold_enough_to_mean_something() -> None:
    assert {path.parent.name for path in FILES} == set(ALL)
    assert sum(1 for path in FILES for _ in frames(path)) > 1000
