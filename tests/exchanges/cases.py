"""Documented frames of each exchange, and what must hold of whatever comes out of any frame."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ClosingSoon, ExchangeError, ParseError
from bot.exchanges import ALL
from bot.exchanges.base import Exchange
from bot.model import MarketDataUpdate
from bot.symbols import Symbol

FRAMES = Path(__file__).parent / "frames"
SYMBOLS = (Symbol("BTC", "USDT"), Symbol("ETH", "USDT"))
RECEIVED_AT, RECEIVED_MONO = 1_790_000_001_000, 5_000.0
LONGEST_STAMP = 2**63  # what a 64-bit column holds, and a division by 1000 does too
MESSAGE_LIMIT = 400

Row = tuple[str, str, float, float | None, float | None, float | None, int | None]


class Case:
    """One line of a fixture: a frame, and the rows it gives; None: an error or an announcement."""

    def __init__(self, exchange: str, number: int, line: str) -> None:
        found = json.loads(line)
        self.id = f"{exchange}:{number}"
        self.exchange: Exchange = ALL[exchange]
        self.raw: bytes = found["raw"].encode()
        self.rows: list[Row] | None = (
            [tuple(row) for row in found["expect"]] if "expect" in found else None)
        self.closing: bool = found.get("closing", False)


def cases(*names: str) -> list[Case]:
    return [Case(name, number, line) for name in names or ALL
            for number, line in enumerate(_lines(name), 1)]


def _lines(exchange: str) -> list[str]:
    return (FRAMES / f"{exchange}.jsonl").read_text("utf-8").splitlines()


def natives(exchange: Exchange) -> Mapping[str, str]:
    return {exchange.native(symbol): symbol.name for symbol in SYMBOLS}


def parse(exchange: Exchange, frame: bytes) -> list[MarketDataUpdate]:
    return exchange.parse(frame, natives(exchange), RECEIVED_AT, RECEIVED_MONO)


def row(update: MarketDataUpdate) -> Row:
    return (update.symbol, update.type, update.price, update.volume, update.bid, update.ask,
            update.timestamp)


def parse_or_message(
    exchange: Exchange, frame: bytes
) -> tuple[list[MarketDataUpdate] | None, str]:
    try:
        return parse(exchange, frame), ""
    except (ParseError, ExchangeError, ClosingSoon) as error:
        return None, str(error)


def survives(exchange: Exchange, frame: bytes) -> list[MarketDataUpdate] | None:
    """The updates, each of them possible, or None for an error that says so in one short line."""
    updates, message = parse_or_message(exchange, frame)
    if updates is None:
        lines, length, begin = message.count("\n") + 1, len(message), message[:20]
        assert lines == 1 and length <= MESSAGE_LIMIT, begin
        assert begin.startswith(f"{exchange.NAME}: ")
        return None
    for update in updates:
        check(exchange, update)
    return updates


def check(exchange: Exchange, update: MarketDataUpdate) -> None:
    """D058-D065, K15, K16."""
    assert update.exchange == exchange.NAME
    assert update.symbol in {symbol.name for symbol in SYMBOLS}
    assert update.type in ("trade", "ticker", "orderbook")
    assert type(update.price) is float and 0.0 < update.price < math.inf
    for amount in (update.volume, update.bid, update.ask):
        assert amount is None or type(amount) is float and 0.0 <= amount < math.inf
    if update.bid is not None and update.ask is not None:
        assert 0.0 < update.bid <= update.ask
    stamp = update.timestamp
    assert stamp is None or type(stamp) is int and abs(stamp) < LONGEST_STAMP, "impossible stamp"
    number = update.event_id
    assert number is None or type(number) is int and 0 <= number < LONGEST_STAMP, "impossible id"
    assert (update.received_at, update.received_mono) == (RECEIVED_AT, RECEIVED_MONO)


def is_refused(exchange: Exchange, frame: bytes) -> None:
    with pytest.raises((ParseError, ExchangeError)):
        parse(exchange, frame)


def compact(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
