"""The latest prices: the only map that feeds write and everybody reads."""

from collections.abc import Iterable

import msgspec

from bot.model import MarketDataUpdate, UpdateType

# A message of one stream is older news, and not kept, when it was current this much before the
# one held. Less is the jitter of the lag measurement.
STEP_BACK_S = 1.0

Key = tuple[str, str, UpdateType]
Entry = tuple[MarketDataUpdate, float]


class Leg(msgspec.Struct, frozen=True):
    """What one exchange says of one symbol: last price, top of book and volume where still known.

    fresh_at: monotonic s at which the price was current: its receipt, less what it came late.
    """

    exchange: str
    price: float
    bid: float | None
    ask: float | None
    volume: float | None
    timestamp: int | None
    received_at: int
    received_mono: float
    fresh_at: float


class LatestPrices:
    """Newest update per (exchange, symbol, type).

    Trade, ticker and book are different quantities and never overwrite one another. No lock of
    its own: a key has one writer (the feed of its exchange), an entry is one immutable tuple, and
    swapping it is one assignment, so whoever reads needs no turn.
    """

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}

    def put(self, update: MarketDataUpdate, fresh_at: float) -> None:
        """Keep `update`, unless it is older news than what is held. Thread: its exchange's feed."""
        key = (update.exchange, update.symbol, update.type)
        held = self._entries.get(key)
        if held is None or fresh_at >= held[1] - STEP_BACK_S:
            self._entries[key] = (update, fresh_at)

    @property
    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def recall(self, entries: Iterable[Entry]) -> None:
        """Hold these, and nothing else."""
        self._entries = {(update.exchange, update.symbol, update.type): (update, fresh_at)
                         for update, fresh_at in entries}

    def get(self, exchange: str, symbol: str, type: UpdateType) -> MarketDataUpdate | None:
        entry = self._entries.get((exchange, symbol, type))
        return entry[0] if entry else None

    def leg(self, exchange: str, symbol: str, companion_age_s: float) -> Leg | None:
        """The price an exchange gives now, or None if it never gave one. Thread: any.

        The price is the younger of last trade and ticker, which are the same quantity (the last
        trade) told by two streams. Bid, ask and volume are the ticker's, and left out when it is
        more than `companion_age_s` older than the price.
        """
        trade = self._entries.get((exchange, symbol, "trade"))
        ticker = self._entries.get((exchange, symbol, "ticker"))
        newest = max((entry for entry in (trade, ticker) if entry), key=_fresh_at, default=None)
        if newest is None:
            return None
        update, fresh_at = newest
        beside = ticker[0] if ticker and fresh_at - ticker[1] <= companion_age_s else None
        return Leg(
            exchange, update.price,
            beside.bid if beside else None, beside.ask if beside else None,
            beside.volume if beside else None,
            update.timestamp, update.received_at, update.received_mono, fresh_at,
        )


def _fresh_at(entry: Entry) -> float:
    return entry[1]
