"""Samples of the last hour in arrays of fixed size: prices, ages, rates.

With two sources a symbol costs 34 bytes a sample, 61 kB for an hour of one every 2 s. With many
symbols samples are taken more rarely, so that all of it stays below BYTES.
"""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bot.causes import TIERS
from bot.judging.fitness import SourceView
from bot.model import STATUSES, FeedHealth

HOUR_S = 3600.0
SHORTEST_S = 2.0
BYTES = 8_000_000
NONE = -1
NAN = math.nan


class Served(msgspec.Struct, frozen=True):
    """What the chain gave of a symbol; all None when it gave nothing."""

    price: float | None = None
    tier: str | None = None
    status: str | None = None


class Column:
    """A ring: the newest `most` values, as small as their type is."""

    def __init__(self, code: str, most: int) -> None:
        self._values: array[float] = array(code)  # ints, too
        self._most = most
        self._next = 0  # where the oldest stands, once it is full

    def add(self, value: float) -> None:
        if len(self._values) < self._most:
            self._values.append(value)
        else:
            self._values[self._next] = value
            self._next = (self._next + 1) % self._most

    @property
    def count(self) -> int:
        return len(self._values)

    def back(self) -> Iterator[float]:
        """From the newest to the oldest."""
        return (self._values[place - 1] for place in
                (*range(self._next, 0, -1), *range(len(self._values), self._next, -1)))

    def last(self, count: int) -> list[float]:
        """The newest `count`, oldest first."""
        count = min(count, len(self._values))
        start = self._next - count
        if start >= 0:
            return self._values[start:self._next].tolist()
        return [*self._values[start:].tolist(), *self._values[:self._next].tolist()]


class _Symbol:
    def __init__(self, sources: Sequence[str], most: int) -> None:
        self.price, self.tier, self.status = (Column(code, most) for code in "dbb")
        self.prices = {source: Column("d", most) for source in sources}
        self.silent = {source: Column("f", most) for source in sources}


class Samples:
    """Not for several threads at once. every_s: the shortest time between two."""

    def __init__(self, symbols: Sequence[str], sources: Sequence[str], shortest_s: float) -> None:
        size = len(symbols) * (10 + 12 * len(sources)) + 16 + 8 * len(sources)
        self.every_s = max(SHORTEST_S, shortest_s, HOUR_S * size / BYTES)
        most = math.ceil(HOUR_S / self.every_s)
        self._serial, self._mono = Column("q", most), Column("d", most)
        self._rate = {source: Column("f", most) for source in sources}
        self._lag = {source: Column("f", most) for source in sources}
        self._symbols = {symbol: _Symbol(sources, most) for symbol in symbols}
        self._before: dict[str, int] = {}
        self._taken_at: float | None = None

    def due(self, mono: float) -> bool:
        # a poll that comes a moment early is as good as one in time
        return self._taken_at is None or mono - self._taken_at >= self.every_s * 0.95

    def take(
        self, serial: int, mono: float, served: Mapping[str, Served],
        views: Mapping[str, Sequence[SourceView]], healths: Sequence[FeedHealth],
    ) -> None:
        """serial: as in Change. served, views: by symbol."""
        passed_s = NAN if self._taken_at is None else mono - self._taken_at
        self._taken_at = mono
        self._serial.add(serial)
        self._mono.add(mono)
        for health in healths:
            source, before = health.source, self._before.get(health.source)
            self._before[source] = health.messages_received
            self._rate[source].add(
                NAN if before is None else (health.messages_received - before) / passed_s)
            self._lag[source].add(_or_nan(health.event_lag_s))
        for symbol, kept in self._symbols.items():
            _add(kept, served.get(symbol) or Served(), views[symbol])

    def rate(self, source: str) -> float | None:
        """Messages per s of late."""
        last = self._rate[source].last(1) if source in self._rate else []
        return last[0] if last and not math.isnan(last[0]) else None

    def after(self, serial: int, mono: float) -> int:
        """How many there are that are newer than both."""
        for count, (number, time) in enumerate(zip(self._serial.back(), self._mono.back())):
            if number <= serial or time < mono:
                return count
        return self._mono.count

    def times(self, count: int) -> list[float]:
        """Monotonic s of the newest `count`."""
        return self._mono.last(count)

    def served(self, symbol: str, count: int) -> Iterator[tuple[str, list[float]]]:
        """Column by column; tier and status as places in TIERS and STATUSES, or NONE."""
        kept = self._symbols[symbol]
        for name, column in (("price", kept.price), ("tier", kept.tier), ("status", kept.status)):
            yield name, column.last(count)

    def source(self, symbol: str, source: str, count: int) -> Iterator[tuple[str, list[float]]]:
        """Column by column: price; rate, of all symbols, per s; lag and silence in s. NaN: unknown.
        """
        kept = self._symbols[symbol]
        for name, column in (("price", kept.prices[source]), ("rate", self._rate[source]),
                             ("lag", self._lag[source]), ("silent", kept.silent[source])):
            yield name, column.last(count)


def _add(kept: _Symbol, served: Served, views: Sequence[SourceView]) -> None:
    kept.price.add(_or_nan(served.price))
    kept.tier.add(TIERS.index(served.tier) if served.tier in TIERS else NONE)
    kept.status.add(next((place for place, status in enumerate(STATUSES)
                          if status == served.status), NONE))
    for view in views:
        kept.prices[view.source].add(_or_nan(view.price))
        kept.silent[view.source].add(_or_nan(view.silent_s))


def _or_nan(value: float | None) -> float:
    return NAN if value is None else value
