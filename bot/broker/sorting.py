"""Which records of a topic are to be looked at, and what became of the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Protocol

import msgspec

from bot.broker.wire import (
    SCHEMA, UPDATE_SCHEMA, HeadersRead, Message, canonical, read, writer_of,
)
from bot.errors import ParseError, shown

NOBODY = "an unnamed instance"
MOST_NAMES = 10_000  # spellings, and numbers: they come from outside
PROTECTED_S = 10.0  # what is repeated after so long is too old to be served anyhow


class Received(Protocol):
    """What is used of kafka-python's ConsumerRecord. timestamp_type: 1: the broker stamped it."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> HeadersRead: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def timestamp_type(self) -> int: ...


class Counts(msgspec.Struct):
    """Records by what became of them. Those that were read are in one of the first six.

    taken: looked at. conflated: a newer one of the same price was read together with it. others:
    of symbols or exchanges that are not configured. own: written by this instance. poison:
    unreadable. implausible: with stamps that cannot be. repeated: with numbers that were passed
    before; where no stamp of the exchange tells which is the newer, they are not read.
    """

    taken: int = 0
    conflated: int = 0
    others: int = 0
    own: int = 0
    poison: int = 0
    implausible: int = 0
    repeated: int = 0


class Opened(msgspec.Struct, frozen=True):
    """symbol: canonical. writer: the instance."""

    message: Message
    symbol: str
    writer: str
    record: Received

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a newer one takes the place of."""
        return self.message.exchange, self.symbol, self.message.update_type, self.writer


class Passed(msgspec.Struct, frozen=True, gc=False):
    """A number. stamp: epoch ms of its receipt by the writer, or of its record. at: monotonic s."""

    number: int
    stamp: int
    at: float


class Sorter:
    """One thread."""

    def __init__(
        self, instance: str, symbols: Sequence[str], mono: Callable[[], float] = monotonic
    ) -> None:
        self._instance = instance
        self._symbols = symbols
        self._spellings: dict[str, str | None] = {}
        self._mono = mono
        self._numbers: dict[object, Passed] = {}
        self.counts = Counts()

    def open(self, record: Received) -> Opened | None:
        """None for what is not wanted. Raises: ParseError."""
        writer = writer_of(record.headers)
        if writer == self._instance:
            self.counts.own += 1
            return None
        schema = dict(record.headers).get(SCHEMA, UPDATE_SCHEMA)
        if schema != UPDATE_SCHEMA:
            raise ParseError(f"schema {shown(schema)} is not {UPDATE_SCHEMA.decode()}")
        message = read(record.value)
        if message.instance == self._instance:
            self.counts.own += 1
            return None
        symbol = self._wanted(message.symbol)
        if symbol is None:
            self.counts.others += 1
            return None
        opened = Opened(message, symbol, writer or message.instance or NOBODY, record)
        return opened if self._is_next(opened) else None

    def newest_first(self, opened: Iterable[Opened]) -> Iterator[list[Opened]]:
        """All of each price, by the exchange's stamp, by its number, by the writer's, as they came.
        """
        prices: dict[object, list[Opened]] = {}
        for one in opened:
            prices.setdefault(one.key, []).append(one)
        for same in prices.values():
            same.reverse()  # so that of two that nothing else tells apart the later one is first
            same.sort(key=_place, reverse=True)
            yield same

    def _is_next(self, opened: Opened) -> bool:
        """False for a repetition, where the exchange's stamp does not tell by itself what is old.

        An instance may begin anew with lower numbers, since its clock was set back.
        """
        message, number = opened.message, opened.message.sequence
        last = self._numbers.get(opened.key)
        if number is None or (last is None and len(self._numbers) >= MOST_NAMES):
            return True
        stamp, now = message.received_at or opened.record.timestamp, self._mono()
        if last is not None and number <= last.number:
            self.counts.repeated += 1
            if (message.timestamp is None and stamp <= last.stamp
                    and now - last.at <= PROTECTED_S):
                return False
        self._numbers[opened.key] = Passed(number, stamp, now)
        return True

    def _wanted(self, spelling: str) -> str | None:
        if spelling not in self._spellings:
            name = canonical(spelling)
            if len(self._spellings) >= MOST_NAMES:
                return name if name in self._symbols else None
            self._spellings[spelling] = name if name in self._symbols else None
        return self._spellings[spelling]


def _place(opened: Opened) -> tuple[int, int, int]:
    message = opened.message
    return message.timestamp or 0, message.event_id or 0, message.sequence or 0
