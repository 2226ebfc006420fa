"""From a source's updates to its prices: refuse what cannot be, keep back what is not credible."""

from collections.abc import Callable, Collection, Sequence
from time import monotonic, time
from typing import get_args

import msgspec

from bot.errors import ImplausibleStamp
from bot.events import Publisher
from bot.feeds.lag import AHEAD_S, LagMeter
from bot.feeds.line import MEMORY_S, Last, Line, Stream
from bot.judging.journal import Journal
from bot.metrics.buckets import Buckets
from bot.model import MarketDataUpdate, UpdateType
from bot.store import LatestPrices

# What the other sources say of a symbol at a moment (monotonic s), given who asks.
Reference = Callable[[str, str, float], float | None]

LAG_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # s


def nobody(source: str, symbol: str, now: float) -> float | None:
    """A Reference where there are no other sources."""
    return None


class Known(msgspec.Struct):
    """All that is remembered of a source's messages.

    lines: by symbol, what is credible; streams: by symbol and type, what is news. fresh: those
    which this connection has not brought yet. heard_at: monotonic s of the last message of a
    symbol, news or not. lost_at: monotonic s at which the last connection was lost.
    """

    lag: LagMeter
    lines: dict[str, Line] = {}
    streams: dict[tuple[str, UpdateType], Stream] = {}
    fresh: set[tuple[str, UpdateType]] = set()
    heard_at: dict[str, float] = {}
    lost_at: float | None = None


class Intake:
    """Takes the updates of one source, on its feed's thread, into the store.

    Every update with a possible stamp is published as `market_data`. Only what is news, and not a
    wild tick, becomes the source's price.

    lines, streams, heard_at, lost_at: see Known; any thread may look at them. repeats: messages
    that told nothing new. counts: updates by type. lags: s by which messages came late, but for
    the first pushes of a connection.
    """

    def __init__(
        self,
        source: str,
        store: LatestPrices,
        publisher: Publisher,
        reference: Reference = nobody,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
        journal: Journal | None = None,
    ) -> None:
        """journal: where what it is told is noted; None: nowhere."""
        self._source = source
        self._store = store
        self._publisher = publisher
        self._reference = reference
        self._journal = journal or Journal()
        self.recall(Known(LagMeter(wall() - mono())))
        self.repeats = 0
        self.counts: dict[UpdateType, int] = {kind: 0 for kind in get_args(UpdateType)}
        self.lags = Buckets(LAG_BOUNDS)
        self.event_lag_s: float | None = None

    def recall(self, known: Known) -> None:
        """Know this, and nothing else."""
        self.known = known
        self.lines, self.streams, self.heard_at = known.lines, known.streams, known.heard_at

    @property
    def clock_offset_s(self) -> float | None:
        return self.known.lag.offset_s if self.known.lag.known else None

    @property
    def lost_at(self) -> float | None:
        return self.known.lost_at

    def connected(self, now: float) -> None:
        """A new connection: its first push of each stream may be old, and ids may begin anew."""
        with self._journal.turn:
            self.known.fresh = set(self.streams)
            for stream in self.streams.values():
                stream.forget()
            self._journal.note("connected", now, self._source)

    def last(self) -> dict[tuple[str, UpdateType], Last]:
        """The newest that was told of every stream since the connection was lost for the last time.
        """
        return {key: stream.last for key, stream in self.streams.items()}

    def expect_old(self, keys: Collection[tuple[str, UpdateType]], now: float) -> None:
        """The next message of each is a second connection's first push, which may be old."""
        with self._journal.turn:
            self.known.fresh.update(keys)
            self._journal.note("expected", now, self._source, None, {"streams": sorted(keys)})

    def disconnected(self, now: float) -> None:
        with self._journal.turn:
            self.known.lost_at = now
            self._journal.note("disconnected", now, self._source)
        self.event_lag_s = None

    def take(
        self, updates: Sequence[MarketDataUpdate], now: float, late_s: float | None = None
    ) -> int:
        """Returns: how many of them told something new.

        late_s: by which they came late, where that is known; None: it is measured by their stamps.
        Raises: ImplausibleStamp; the updates before that one were taken, those after it are not.
        """
        news = taken = 0
        try:
            with self._journal.turn:
                for update in updates:
                    news += self._told(update, now, late_s)
                    taken += 1
        finally:
            # not within the turn: what listeners do with it is their own affair
            for update in updates[:taken]:
                self.counts[update.type] += 1
                self._publisher.publish("market_data", update)
        return news

    def _told(self, update: MarketDataUpdate, now: float, late_s: float | None) -> bool:
        try:
            news = self._take(update, now, late_s)
        except ImplausibleStamp:
            self._journal.refused(update)
            raise
        self._journal.update(update)
        return news

    def _take(self, update: MarketDataUpdate, now: float, late_s: float | None) -> bool:
        known = self.known
        key = update.symbol, update.type
        late = late_s or 0.0
        if late_s is None and update.timestamp is not None:
            # the first push may be the last known state of a quiet market, and hours old
            settled = key in self.streams and key not in known.fresh
            late = self.event_lag_s = known.lag.excess_s(update.timestamp, now, sample=settled)
            if settled and known.lag.known:
                self.lags.observe(late)
        stream = self.streams.get(key)
        if stream is None:
            stream = self.streams[key] = Stream()
        known.fresh.discard(key)
        if update.timestamp is not None and late < AHEAD_S and stream.runs_ahead(update.timestamp):
            stream.forget()  # this one is current, so what was held came from the future
        self.heard_at[update.symbol] = now
        told = update.price, update.volume, update.bid, update.ask
        advances = stream.advances(update.timestamp, update.event_id, told, now)
        if not advances:
            self.repeats += 1
        elif update.type == "orderbook" or self._is_credible(update, late, now):
            self._store.put(update, now - late)
        return advances

    def _is_credible(self, update: MarketDataUpdate, late: float, now: float) -> bool:
        line = self.lines.get(update.symbol)
        if line is None:
            line = self.lines[update.symbol] = Line()
        if late > MEMORY_S:  # that is no price which later ones could be compared with
            return line.is_near(update.price)
        return line.admit(update.price, now,
                          lambda: self._reference(self._source, update.symbol, now))
