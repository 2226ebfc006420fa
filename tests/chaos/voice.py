"""What a venue sends: its messages in the form of its protocol, and what faults make of them."""

import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bot.model import MarketDataUpdate, Opinion, UpdateType
from tests.chaos.faults import Fault, Schedule
from tests.chaos.market import Market, Tick, Venue

SYMBOL, NEIGHBOUR = "BTCUSDT", "ETHUSDT"
EPOCH_S = 1_760_000_000.0  # the true time of moment 0 of a simulation
TICKER_S = {"binance": 1.0, "okx": 0.1}
DISORDER_S = 2.0
MUTE = ("silence", "half_open", "all_silent", "junk")


class Message(NamedTuple):
    """What a venue would send at `at` if nothing went wrong. tick: what it tells of."""

    at: float
    kind: UpdateType
    tick: Tick
    symbol: str = SYMBOL


class Told(NamedTuple):
    """A message as it was sent. false: it does not tell the truth of any time.

    origin: the time at which what it tells was true; None where its stamp is false, so that nobody
    could know. extra_s: what it comes late, beside the usual way. unordered: it may overtake.
    """

    message: Message
    price: float
    bid: float
    ask: float
    stamp: int
    false: bool
    origin: float | None
    extra_s: float
    unordered: bool

    def update(self, source: str, received_at: int, now: float) -> MarketDataUpdate:
        kind, tick = self.message.kind, self.message.tick
        if kind == "trade":
            return MarketDataUpdate(source, self.message.symbol, kind, self.price, tick.size, None,
                                    None, self.stamp, received_at, now, tick.trade_id)
        return MarketDataUpdate(source, self.message.symbol, kind, self.price, tick.volume,
                                self.bid, self.ask, self.stamp, received_at, now)


def messages(venue: Venue, market: Market, seconds: float) -> list[Message]:
    """All that it would send of the symbol, and a ticker a second of another one."""
    ticks = market.ticks[venue.name]
    sent = [Message(tick.at, "trade", tick) for tick in ticks if tick.traded]
    if venue.shape == "binance":
        sent += [Message(at + 0.37, "ticker", market.tick(venue.name, at + 0.37))
                 for at in range(int(seconds))]
    else:
        sent += _changed(ticks)
    calm = ticks[0]
    sent += [Message(at + 0.61, "ticker", calm._replace(volume=float(at)), NEIGHBOUR)
             for at in range(int(seconds))]
    return sorted(sent, key=lambda message: message.at)


def _changed(ticks: Sequence[Tick]) -> Iterator[Message]:
    """A ticker when something has changed, but no two within a tenth of a second."""
    sent_at, held = -1.0, None
    for tick in ticks:
        if held is not None and held[0] < tick.at:
            yield Message(held[0], "ticker", held[1])
            sent_at, held = held[0], None
        if tick.at - sent_at >= TICKER_S["okx"]:
            yield Message(tick.at, "ticker", tick)
            sent_at = tick.at
        else:
            held = sent_at + TICKER_S["okx"], tick
    if held is not None:
        yield Message(held[0], "ticker", held[1])


class Voice:
    """One venue's stream and REST API, with the faults of a schedule."""

    def __init__(self, venue: Venue, market: Market, plan: Schedule) -> None:
        self.venue = venue
        self._market = market
        self._faults = [one for one in plan.faults if one.source in (None, venue.name)]
        self._chance = random.Random(f"voice {plan.seed} {venue.name}")
        self._sent = 0
        self._last: Told | None = None

    def on(self, at: float, *kinds: str) -> Fault | None:
        """The first fault of these kinds that is on."""
        for fault in self._faults:
            if fault.kind in kinds and fault.start <= at < fault.end:
                return fault
        return None

    def tell(self, message: Message) -> Iterator[Told]:
        """What is really sent instead of that message."""
        at = message.at
        self._sent += 1
        if not self._faults or message.at < self._faults[0].start:
            yield self._told(message, at)
            return
        if self.on(at, *MUTE) or (message.symbol == SYMBOL and self.on(at, "symbol")):
            return
        if self.on(at, "slow") and self._sent % 50:
            return
        if self.on(at, "repeat") and self._last is not None:
            yield self._last._replace(extra_s=0.0)
            return
        old = self.on(at, "replay")
        if old is not None:
            yield self._again(message, max(0.0, at - old.value))
            return
        told = self._told(message, at)
        if message.symbol == SYMBOL:
            self._last = told
        yield told
        if self.on(at, "twice"):
            yield told

    def opinion(self, at: float) -> Opinion | None:
        """What REST answers to a question that reaches it then."""
        if not self.venue.rest or self.on(at, "rest_dead"):
            return None
        stale, wrong = self.on(at, "rest_stale"), self.on(at, "rest_wrong")
        tick = self._market.tick(self.venue.name, at - stale.value if stale else at)
        factor = 1.0 + wrong.value / 100.0 if wrong else 1.0
        return Opinion(self.venue.name, SYMBOL, tick.price * factor, tick.bid * factor,
                       tick.ask * factor, self.stamp(at), at)

    def rest_lies(self, at: float) -> bool:
        return self.on(at, "rest_stale", "rest_wrong") is not None

    def stamp(self, at: float) -> int:
        return int((EPOCH_S + at + self.venue.clock_s) * 1000)

    def latency_s(self) -> float:
        return self.venue.latency_s + self._chance.expovariate(1.0 / self.venue.jitter_s)

    def extra_s(self, at: float) -> float:
        """What is late beyond the usual way."""
        delay, growing = self.on(at, "delay", "late"), self.on(at, "growing")
        return (delay.value if delay else 0.0) + (
            growing.value * (at - growing.start) if growing else 0.0)

    def _again(self, message: Message, then: float) -> Told:
        """An old event, stamped as it was then."""
        tick = self._market.tick(self.venue.name, then)
        return self._told(message._replace(at=then, tick=tick), then)

    def _told(self, message: Message, at: float) -> Told:
        tick = message.tick
        frozen = self.on(at, "frozen")
        if frozen is not None:
            held = self._market.tick(self.venue.name, frozen.start)
            tick = tick._replace(price=held.price, bid=held.bid, ask=held.ask)
        factor, false = self._factor(at)
        price, bid, ask = tick.price * factor, tick.bid * factor, tick.ask * factor
        if self.on(at, "invert"):
            price, bid, ask = 1 / price, 1 / ask, 1 / bid
        false_stamps = self.on(at, "ahead", "behind", "unit")
        disorder = self.on(at, "disorder") is not None
        extra = self._chance.uniform(0.0, DISORDER_S) if disorder else self.extra_s(at)
        # the ticker of Binance is new each second, and true at that moment, traded or not
        origin = None if false_stamps else at
        return Told(message, price, bid, ask, self._stamp(at, false_stamps),
                    false or frozen is not None, origin, extra, disorder)

    def _factor(self, at: float) -> tuple[float, bool]:
        """How much the prices are off, and whether they are."""
        factor = 1.0
        if wrong := self.on(at, "wrong"):
            factor *= 1.0 + wrong.value / 100.0
        if drift := self.on(at, "drift"):
            factor *= 1.0 + drift.value / 10_000.0 * (at - drift.start)
        if self.on(at, "scale"):
            factor *= 10.0
        if (spikes := self.on(at, "spikes")) and self._chance.random() < 0.01:
            factor *= 1.0 + spikes.value / 100.0
        return factor, factor != 1.0 or self.on(at, "invert") is not None

    def _stamp(self, at: float, fault: Fault | None) -> int:
        stamp = self.stamp(at)
        if fault is None:
            return stamp
        if fault.kind == "unit":
            return (stamp // 1000, stamp * 1000, stamp * 1_000_000)[int(fault.value)]
        return stamp + int(1000 * (fault.value if fault.kind == "ahead" else -fault.value))
