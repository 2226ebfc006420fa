"""The stream of each exchange, opened and subscribed by the feeds' own code."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.config import Config
from bot.doctor.finding import Finding, PriceSeen, Report, fail, listed, ok, warn
from bot.doctor.place import Place
from bot.doctor.trouble import HANGS, network_remedy, refused
from bot.errors import ClosingSoon, ConnectError, ConnectionLost, ExchangeError, ParseError
from bot.feeds.connection import Connection
from bot.feeds.hosts import Hosts
from bot.feeds.session import Session
from bot.feeds.subscriptions import Subscriptions
from bot.model import MarketDataUpdate
from bot.worker import Deadline

NAME = "stream"
HANDSHAKE_S = 8.0
WATCH_S = 6.0  # from the subscription on; the ticker of Binance comes every second
SECONDS = HANDSHAKE_S + WATCH_S + 1.0
REMEDY = HANGS
SLICE_S = 0.1
NOT_LISTED = ("see the lines `rest` for whether it is traded; an acknowledgement is no proof, "
              "Binance gives it for names that do not exist, and is silent")


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
class Seen:
    """What came on one connection. Times in monotonic s."""

    opened_s: float = 0.0
    subscribed_at: float | None = None
    acknowledged_at: float | None = None
    ticks: dict[str, Tick] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


class Stream:
    """One address. Thread: that of the check."""

    def __init__(self, place: Place, config: Config) -> None:
        self._place = place
        self._symbols = config.symbols
        self._old_s = config.max_source_latency_ms / 1000
        self._subscriptions = Subscriptions()
        for symbol in config.symbols:
            self._subscriptions.add(symbol, ("ticker", "trade"))
        self._seen = Seen()

    def look(self, deadline: Deadline) -> Report:
        begun, place = time.monotonic(), self._place
        try:
            connection = self._connected(deadline)
        except ConnectError as error:
            return Report((fail(NAME, place.subject, *self._unopened(error)),))
        self._seen.opened_s = time.monotonic() - begun
        session = Session(connection, place.url, place.exchange, self._subscriptions,
                          time.monotonic())
        lost = ""
        try:
            self._watch(session, deadline)
        except ConnectionLost as error:
            lost = str(error)
        finally:
            session.close()
        prices = tuple(PriceSeen(place.exchange.NAME, symbol, tick.price, tick.at)
                       for symbol, tick in self._seen.ticks.items())
        return Report(tuple(self._findings(lost)), prices=prices if place.first else ())

    def _connected(self, deadline: Deadline) -> Connection:
        """Raises: ConnectError."""
        url = self._place.exchange.stream_url(self._place.url)
        hosts = Hosts([url], HANDSHAKE_S)
        hosts.dial(url)
        while not deadline.passed:
            connection = hosts.poll(SLICE_S)
            if connection is not None:
                return connection
        hosts.abandon()
        raise ConnectError(f"{url}: no answer")

    def _unopened(self, error: ConnectError) -> tuple[str, str]:
        """Words and remedy."""
        place = self._place
        if error.status is not None:
            return refused(error.status, error.retry_after_s, place.exchange, place.setting)
        words = str(error).partition(": ")[2] or str(error)  # the subject names the host
        return words, network_remedy(words, place.setting)

    def _watch(self, session: Session, deadline: Deadline) -> None:
        """Until there is news of every symbol, or for WATCH_S. Raises: ConnectionLost."""
        until = Deadline(WATCH_S)
        while not (until.passed or deadline.passed or self._complete()):
            session.chores(time.monotonic())
            self._seen.subscribed_at = self._seen.subscribed_at or session.subscribed_at
            for frame in session.receive(wait=True):
                self._take(session, frame)

    def _complete(self) -> bool:
        return self._seen.acknowledged_at is not None and all(
            symbol.name in self._seen.ticks and not self._is_old(self._seen.ticks[symbol.name])
            for symbol in self._symbols)

    def _is_old(self, tick: Tick) -> bool:
        return tick.age_s is not None and tick.age_s > self._old_s

    def _take(self, session: Session, frame: bytes) -> None:
        exchange, seen, now = self._place.exchange, self._seen, time.monotonic()
        if seen.acknowledged_at is None and exchange.is_acknowledgement(frame):
            seen.acknowledged_at = now
        try:
            for update in exchange.parse(frame, session.symbols, int(time.time() * 1000), now):
                session.data_at = now
                self._tick(update)
        except ExchangeError as error:
            seen.refusals.append(str(error))
        except ClosingSoon:
            pass  # what it will do later is no fault now
        except ParseError as error:
            seen.unreadable.append(str(error))

    def _tick(self, update: MarketDataUpdate) -> None:
        age_s = None if update.timestamp is None else (
            update.received_at - update.timestamp) / 1000
        tick = self._seen.ticks.get(update.symbol)
        if tick is None:
            since = self._seen.subscribed_at or update.received_mono
            after_s = max(0.0, update.received_mono - since)
            self._seen.ticks[update.symbol] = Tick(after_s, age_s, update.price,
                                                   update.received_mono)
        elif age_s is None or tick.age_s is None or age_s <= tick.age_s:
            tick.age_s, tick.price, tick.at = age_s, update.price, update.received_mono

    def _findings(self, lost: str) -> Iterator[Finding]:
        place, seen = self._place, self._seen
        about = place.subject
        if seen.refusals:
            more = f" (and {len(seen.refusals) - 1} more)" if len(seen.refusals) > 1 else ""
            yield fail(NAME, about, seen.refusals[0] + more,
                       "correct TRADING_SYMBOL: there is no such market here")
        if seen.unreadable:
            yield warn(NAME, about, f"{len(seen.unreadable)} messages cannot be read, the first: "
                       f"{seen.unreadable[0]}", "the exchange has changed its messages, or another "
                       f"server is in its place: check {place.setting}")
        if lost:
            yield fail(NAME, about, f"{self._opened()}, then lost: {lost}",
                       "try again; if it stays so, somebody on the way or the exchange ends it")
            return
        yield from self._silent()
        old = [symbol for symbol, tick in seen.ticks.items() if self._is_old(tick)]
        if old:
            yield warn(NAME, about, f"the newest word on {listed(old)} is "
                       f"{max(seen.ticks[symbol].age_s or 0.0 for symbol in old):.0f} s old by its "
                       f"stamp, older than MAX_SOURCE_LATENCY", "a quiet market, for which that is "
                       "too short; or a stream that stalls; or this machine's clock, see `clock`")
        if seen.ticks:
            yield ok(NAME, about, self._told())

    def _silent(self) -> Iterator[Finding]:
        seen, place = self._seen, self._place
        refused = " ".join(seen.refusals)
        silent = [symbol.name for symbol in self._symbols if symbol.name not in seen.ticks
                  and place.exchange.native(symbol) not in refused]
        if not silent:
            return
        taken = "acknowledged" if seen.acknowledged_at is not None else "not acknowledged"
        # a market may be quiet for so long while its neighbours live, but not the main one
        make = warn if seen.ticks and self._symbols[0].name not in silent else fail
        yield make(NAME, place.subject, f"{self._opened()}, subscription {taken}, and then nothing "
                   f"of {listed(silent)} for {WATCH_S:g} s", NOT_LISTED)

    def _opened(self) -> str:
        return f"connected in {self._seen.opened_s * 1000:.0f} ms"

    def _told(self) -> str:
        seen = self._seen
        parts = [self._opened()]
        if seen.acknowledged_at is not None and seen.subscribed_at is not None:
            waited_s = max(0.0, seen.acknowledged_at - seen.subscribed_at)
            parts.append(f"acknowledged after {waited_s * 1000:.0f} ms")
        slowest = max(seen.ticks, key=lambda symbol: seen.ticks[symbol].after_s)
        tick = seen.ticks[slowest]
        which = slowest if len(seen.ticks) == 1 else f"all {len(seen.ticks)} symbols"
        parts.append(f"first tick of {which} after {tick.after_s * 1000:.0f} ms")
        ages = [tick.age_s for tick in seen.ticks.values() if tick.age_s is not None]
        if ages:
            parts.append(f"newest stamps {' to '.join(dict.fromkeys(map(_ms, sorted(ages))))} old")
        return ", ".join(parts)


def _ms(seconds: float) -> str:
    """Two clocks that are in step to a few ms may show a stamp of the future."""
    if abs(seconds) >= 10:
        return f"{seconds:,.0f} s"
    return f"{0.0 if -0.05 < seconds < 0 else seconds * 1000:.0f} ms"
