"""What came on a stream within the time that it was listened to, and what that means. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bot.doctor.finding import Finding, PriceSeen, fail, listed, ok, warn
from bot.doctor.place import Place
from bot.model import MarketDataUpdate
from bot.symbols import Symbol

NAME = "stream"
NOT_LISTED = ("see the lines `rest` for whether it is traded; an acknowledgement is no proof, "
              "Binance gives it for names that do not exist, and is silent")
IN_STEP_S = 0.05  # two clocks that are in step may still show a stamp of the near future


@dataclass
class Tick:
    """after_s: from the subscription to the first one. age_s: of the newest by its stamp and this
    machine's clock; None without a stamp. at: monotonic s of the newest.
    """

    after_s: float
    age_s: float | None
    price: float
    at: float


@dataclass
class Heard:
    """opened_s: how long the connection took. subscribed_at, acknowledged_at: monotonic s. lost:
    how the connection ended, if it did. listened_s: at most so long.
    """

    listened_s: float
    opened_s: float = 0.0
    subscribed_at: float | None = None
    acknowledged_at: float | None = None
    ticks: dict[str, Tick] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    lost: str = ""

    def take(self, update: MarketDataUpdate) -> None:
        now = update.received_mono
        age_s = None if update.timestamp is None else (
            update.received_at - update.timestamp) / 1000
        tick = self.ticks.get(update.symbol)
        if tick is None:
            after_s = max(0.0, now - (self.subscribed_at or now))
            self.ticks[update.symbol] = Tick(after_s, age_s, update.price, now)
        elif age_s is None or tick.age_s is None or age_s <= tick.age_s:
            tick.age_s, tick.price, tick.at = age_s, update.price, now

    def fresh(self, old_s: float) -> dict[str, Tick]:
        """Whose newest word is not older: the first one after a subscription may be hours old."""
        return {symbol: tick for symbol, tick in self.ticks.items()
                if tick.age_s is None or tick.age_s <= old_s}

    def prices(self, exchange: str, old_s: float) -> tuple[PriceSeen, ...]:
        return tuple(PriceSeen(exchange, symbol, tick.price, tick.at)
                     for symbol, tick in self.fresh(old_s).items())


def told(heard: Heard, place: Place, symbols: Sequence[Symbol], old_s: float) -> Iterator[Finding]:
    """old_s: a word that is older is no news (MAX_SOURCE_LATENCY)."""
    about = place.subject
    if heard.refusals:
        more = f" (and {len(heard.refusals) - 1} more)" if len(heard.refusals) > 1 else ""
        yield fail(NAME, about, heard.refusals[0] + more,
                   "correct TRADING_SYMBOL: there is no such market here")
    if heard.unreadable:
        yield warn(NAME, about, f"{len(heard.unreadable)} messages cannot be read, the first: "
                   f"{heard.unreadable[0]}", "the exchange has changed its messages, or another "
                   f"server is in its place: check {place.setting}")
    if heard.lost:
        yield fail(NAME, about, f"{_opened(heard)}, then lost: {heard.lost}",
                   "try again; if it stays so, somebody on the way or the exchange ends it")
        return
    yield from _silent(heard, place, symbols)
    old = [symbol for symbol in heard.ticks if symbol not in heard.fresh(old_s)]
    if old:
        yield warn(NAME, about, f"the newest word on {listed(old)} is "
                   f"{_span(max(heard.ticks[symbol].age_s or 0.0 for symbol in old))} old by its "
                   f"stamp, older than MAX_SOURCE_LATENCY", "a quiet market, for which that is "
                   "too short; or a stream that stalls; or this machine's clock, see `clock`")
    if heard.ticks:
        yield ok(NAME, about, _well(heard, len(symbols)))


def _silent(heard: Heard, place: Place, symbols: Sequence[Symbol]) -> Iterator[Finding]:
    refused = " ".join(heard.refusals)
    silent = [symbol.name for symbol in symbols if symbol.name not in heard.ticks
              and place.exchange.native(symbol) not in refused]
    if not silent:
        return
    taken = "acknowledged" if heard.acknowledged_at is not None else "not acknowledged"
    # a market may be quiet for so long while its neighbours live, but not the main one
    make = warn if heard.ticks and symbols[0].name not in silent else fail
    yield make(NAME, place.subject, f"{_opened(heard)}, subscription {taken}, and then nothing of "
               f"{listed(silent)} for {heard.listened_s:g} s", NOT_LISTED)


def _opened(heard: Heard) -> str:
    return f"connected in {heard.opened_s * 1000:.0f} ms"


def _well(heard: Heard, count: int) -> str:
    parts = [_opened(heard)]
    if heard.acknowledged_at is not None and heard.subscribed_at is not None:
        waited_s = max(0.0, heard.acknowledged_at - heard.subscribed_at)
        parts.append(f"acknowledged after {waited_s * 1000:.0f} ms")
    slowest_s = max(tick.after_s for tick in heard.ticks.values())
    which = next(iter(heard.ticks)) if count == 1 else f"{len(heard.ticks)} of {count} symbols"
    parts.append(f"first tick of {which} after {slowest_s * 1000:.0f} ms")
    ages = [tick.age_s for tick in heard.ticks.values() if tick.age_s is not None]
    if ages:
        spans = dict.fromkeys((_span(min(ages)), _span(max(ages))))
        parts.append(f"newest stamps {' to '.join(spans)} old")
    return ", ".join(parts)


def _span(seconds: float) -> str:
    if abs(seconds) >= 10:
        return f"{seconds:,.0f} s"
    return f"{0.0 if -IN_STEP_S < seconds < 0 else seconds * 1000:.0f} ms"
