"""Records as kafka-python hands them over, without Kafka, and somebody who hears them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from bot.broker.hearsay import Hearsay
from bot.broker.wire import Record, update_record
from bot.errors import SourceError
from bot.judging.fitness import Policy
from bot.judging.resolution import Resolution
from bot.model import MarketDataUpdate, Quote, UpdateType
from tests.helpers import Clock

EPOCH = 1_790_000_000.0
CREATED, APPENDED = 0, 1
ME = "me"


class Got(msgspec.Struct, frozen=True):
    """As much of a ConsumerRecord as is used."""

    value: bytes | None
    headers: Sequence[tuple[str, Any]] = ()
    timestamp: int = -1
    timestamp_type: int = CREATED


def got(record: Record) -> Got:
    return Got(record.value, record.headers, record.timestamp_ms)


def ms(at: float) -> int:
    return round(at * 1000)


def bare(at: float | None = None, **fields: object) -> Got:
    """A value of somebody else's, without headers; at: the exchange's stamp in s."""
    value = {"exchange": "binance", "symbol": "BTCUSDT", "price": 100.0} | fields
    if at is not None:
        value["timestamp"] = ms(at)
    return Got(msgspec.json.encode(value))


class Ear:
    """A Hearsay whose clocks a test turns. now: what time it truly is."""

    def __init__(self, resolution: Resolution = "primary", exchanges: Iterable[str] = ("binance",),
                 symbols: Iterable[str] = ("BTCUSDT", "ETHUSDT")) -> None:
        self.mono, self.wall, self.now = Clock(1000.0), Clock(EPOCH), EPOCH
        self.reports: list[tuple[str, int]] = []
        policy = Policy(primary="binance", failover=True, max_latency_s=5.0, failback_after_s=10.0)
        self.hearsay = Hearsay(
            ME, symbols, exchanges, policy, resolution,
            lambda words, count: self.reports.append((words, count)), self.mono, self.wall)

    def passes(self, seconds: float) -> None:
        self.mono.now += seconds
        self.wall.now += seconds
        self.now += seconds

    def hears(self, *records: Got) -> None:
        self.hearsay.take(records)
        self.hearsay.judge()

    def quote(self, symbol: str = "BTCUSDT") -> Quote:
        return self.hearsay.quote(symbol)

    @property
    def shown(self) -> tuple[float, float]:
        """Price and age in s."""
        quote = self.quote()
        return quote.price, quote.age_s

    def why_none(self, symbol: str = "BTCUSDT") -> str:
        """Why there is no price of a symbol; fails when there is one."""
        with pytest.raises(SourceError) as caught:
            self.quote(symbol)
        return str(caught.value)


class Writer:
    """An instance elsewhere. ahead_s: by which its clock is ahead of the true time."""

    def __init__(self, name: str, ear: Ear, ahead_s: float = 0.0, first: int = 1) -> None:
        self.name = name
        self._ear = ear
        self.ahead_s = ahead_s
        self.sequence = first - 1

    def tells(
        self, price: float, at: float | None = None, *, exchange: str = "binance",
        symbol: str = "BTCUSDT", type: UpdateType = "trade", event_id: int | None = None,
        stamp_ahead_s: float = 0.0, stamped: bool = True,
    ) -> Got:
        """at: the true time of the event and of its receipt there; None: now. stamp_ahead_s: by
        which the exchange's clock is ahead.
        """
        at = self._ear.now if at is None else at
        self.sequence += 1
        stamp = ms(at + stamp_ahead_s) if stamped else None
        return got(update_record(
            MarketDataUpdate(exchange, symbol, type, price, 1.0, None, None, stamp,
                             ms(at + self.ahead_s), 0.0, event_id),
            self.name, self.sequence))

    def talks(self, seconds: float, price: float = 100.0, **how: Any) -> None:
        """A record every 200 ms, heard as it happens."""
        for _ in range(round(seconds * 5)):
            self._ear.passes(0.2)
            self._ear.hears(self.tells(price, **how))
