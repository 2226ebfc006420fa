"""From a source's updates to its prices: refuse what cannot be, keep back what is not credible."""

from collections.abc import Callable, Iterable, Sequence
from time import monotonic, time

from bot.events import Publisher
from bot.lag import AHEAD_S, LagMeter
from bot.line import MEMORY_S, Last, Line, Stream
from bot.model import MarketDataUpdate, UpdateType
from bot.store import LatestPrices

# What the other sources say of a symbol, given the name of the source that asks.
Reference = Callable[[str, str], float | None]


def nobody(source: str, symbol: str) -> float | None:
    """A Reference where there are no other sources."""
    return None


class Intake:
    """Takes the updates of one source, on its feed's thread, into the store.

    Every update with a possible stamp is published as `market_data`. Only what is news, and not a
    wild tick, becomes the source's price.

    lines: by symbol, what is credible; streams: by symbol and type, what is news. Both may be
    looked at by any thread. heard_at: monotonic s of the last message of a symbol, news or not.
    repeats: messages that told nothing new.
    """

    def __init__(
        self,
        source: str,
        store: LatestPrices,
        publisher: Publisher,
        reference: Reference = nobody,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self._source = source
        self._store = store
        self._publisher = publisher
        self._reference = reference
        self._lag = LagMeter(mono, wall)
        self.lines: dict[str, Line] = {}
        self.streams: dict[tuple[str, UpdateType], Stream] = {}
        self._fresh: set[tuple[str, UpdateType]] = set()  # keys this connection has not brought yet
        self.heard_at: dict[str, float] = {}
        self.repeats = 0
        self.event_lag_s: float | None = None

    @property
    def clock_offset_s(self) -> float | None:
        return self._lag.offset_s if self._lag.known else None

    def connected(self) -> None:
        """A new connection: its first push of each stream may be old, and ids may begin anew."""
        self._fresh = set(self.streams)
        for stream in self.streams.values():
            stream.forget()

    def last(self) -> dict[tuple[str, UpdateType], Last]:
        """The newest that was told of every stream since the connection was lost for the last time.
        """
        return {key: stream.last for key, stream in self.streams.items()}

    def expect_old(self, keys: Iterable[tuple[str, UpdateType]]) -> None:
        """The next message of each is a second connection's first push, which may be old."""
        self._fresh.update(keys)

    def disconnected(self) -> None:
        self.event_lag_s = None

    def take(
        self, updates: Sequence[MarketDataUpdate], now: float, late_s: float | None = None
    ) -> int:
        """Returns: how many of them told something new.

        late_s: by which they came late, where that is known; None: it is measured by their stamps.
        Raises: ImplausibleStamp; the updates before that one were taken, those after it are not.
        """
        return sum([self._take(update, now, late_s) for update in updates])

    def _take(self, update: MarketDataUpdate, now: float, late_s: float | None) -> bool:
        key = update.symbol, update.type
        late = late_s or 0.0
        if late_s is None and update.timestamp is not None:
            # the first push may be the last known state of a quiet market, and hours old
            late = self.event_lag_s = self._lag.excess_s(
                update.timestamp, now, sample=key in self.streams and key not in self._fresh)
        stream = self.streams.get(key)
        if stream is None:
            stream = self.streams[key] = Stream()
        self._fresh.discard(key)
        if update.timestamp is not None and late < AHEAD_S and stream.runs_ahead(update.timestamp):
            stream.forget()  # this one is current, so what was held came from the future
        self.heard_at[update.symbol] = now
        told = update.price, update.volume, update.bid, update.ask
        advances = stream.advances(update.timestamp, update.event_id, told, now)
        if not advances:
            self.repeats += 1
        elif update.type == "orderbook" or self._is_credible(update, late, now):
            self._store.put(update, now - late)
        self._publisher.publish("market_data", update)
        return advances

    def _is_credible(self, update: MarketDataUpdate, late: float, now: float) -> bool:
        line = self._line(update.symbol)
        # what came very late is no price that later ones could be compared with
        return line.is_near(update.price) if late > MEMORY_S else line.admit(update.price, now)

    def _line(self, symbol: str) -> Line:
        line = self.lines.get(symbol)
        if line is None:
            line = self.lines[symbol] = Line(lambda: self._reference(self._source, symbol))
        return line
