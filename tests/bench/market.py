"""A market that looks like a real one, as the exchanges' modules would tell it, and a desk in it.

Prices walk on the exchange's grid; trades come in bursts, are numbered, and have odd sizes; tickers
tell the last price, the top of the book and the volume of the last 24 h.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import cast

from bot.aggregator import EVENTS, MultiSourceWebSocketAggregator
from bot.events import Publisher
from bot.exchanges import ALL, okx
from bot.exchanges.base import Exchange
from bot.judging.announcer import Announcer
from bot.judging.journal import Journal, Note
from bot.judging.memory import Memoirs, Memory
from bot.model import MarketDataUpdate, Opinion
from tests.helpers import Clock

BEGIN_MS = 1_790_035_200_000  # 2026-09-22, midnight
BEGIN_MONO = 35_000.0
PAIR = ("BTCUSDT", "ETHUSDT")
FIFTY = ("BTCUSDT", *(f"C{number}USDT" for number in range(1, 50)))
TWO = ("binance", "okx")
THREE = ("binance", "okx", "third")
GRIDS = {"binance": 0.01, "okx": 0.1, "third": 0.01}
KNOWN: dict[str, Exchange] = ALL | {
    "third": cast(Exchange, SimpleNamespace(**(vars(okx) | {"NAME": "third"})))}
WALL_AHEAD_S = BEGIN_MS / 1000 - BEGIN_MONO
JUDGED_EVERY_S = 0.2
POLLED_EVERY_S = 5.0


class Stream:
    """What one exchange tells of one symbol."""

    def __init__(self, exchange: str, symbol: str, chance: random.Random) -> None:
        self.exchange, self.symbol = exchange, symbol
        self._chance, self._grid = chance, GRIDS[exchange]
        self._id = chance.randrange(10**9, 10**10)
        self._day_volume = chance.uniform(1e4, 2e4)

    def next(self, price: float, mono: float) -> MarketDataUpdate:
        """price: of the market; mono: receipt, s."""
        chance = self._chance
        received_at = BEGIN_MS + int((mono - BEGIN_MONO) * 1000)
        stamp = received_at - int(chance.gauss(40, 8))
        price = self._on_grid(price)
        if chance.random() < 0.8:
            self._id += 1
            size = round(chance.lognormvariate(-4, 2), 5 if self.exchange == "binance" else 8)
            self._day_volume += size
            return MarketDataUpdate(self.exchange, self.symbol, "trade", price, max(size, 1e-5),
                                    None, None, stamp, received_at, mono, self._id)
        bid = self._on_grid(price - self._grid * chance.randrange(2))
        return MarketDataUpdate(
            self.exchange, self.symbol, "ticker", price, round(self._day_volume, 5), bid,
            self._on_grid(bid + self._grid), stamp, received_at, mono)

    def _on_grid(self, price: float) -> float:
        return round(round(price / self._grid) * self._grid, 2)


def ticks(
    rate: float = 200.0, symbols: Sequence[str] = PAIR, exchanges: Sequence[str] = TWO,
    seed: int = 1,
) -> Iterator[MarketDataUpdate]:
    """Without end, in order of receipt. rate: of all together, per s of the record."""
    chance = random.Random(seed)
    streams = {symbol: [Stream(exchange, symbol, chance) for exchange in exchanges]
               for symbol in symbols}
    prices = {symbol: 50_000.0 / number for number, symbol in enumerate(symbols, 1)}
    mono = BEGIN_MONO
    while True:
        symbol = chance.choice(symbols)
        prices[symbol] *= 1 + chance.gauss(0, 5e-5) / (rate / len(symbols)) ** 0.5
        stream = chance.choice(streams[symbol])
        mono += chance.expovariate(rate / 1.3)
        for _ in range(4 if chance.random() < 0.1 else 1):  # 1.3 as a rule
            mono = round(mono + chance.uniform(2e-5, 2e-4), 9)  # time.monotonic() tells ns
            yield stream.next(prices[symbol], mono)


class Daemon:
    """Everything of a bot that judges, without its sockets: told these ticks at their times.

    clock: of the bot; it is turned by `run`.
    """

    def __init__(self, put: Callable[[Note], None], symbols: Sequence[str] = PAIR,
                 exchanges: Sequence[str] = TWO, rate: float = 200.0,
                 mono: Callable[[], float] | None = None) -> None:
        """put: of the journal. mono: where the clock is not to be turned by `run`."""
        self.clock = Clock(BEGIN_MONO)
        self.symbols, self.exchanges = symbols, exchanges
        self._ticks = ticks(rate, symbols, exchanges)
        self._mono = mono or self.clock
        self.aggregator = MultiSourceWebSocketAggregator(
            exchanges=exchanges, known=KNOWN, mono=self._mono, wall=self.wall,
            journal=Journal(put, wall=self.wall))
        self.desk = self.aggregator.desk
        announcer = Announcer(Publisher(EVENTS))
        announcer.told.verdicts = dict.fromkeys(symbols, "trusted")
        self._announcer = announcer
        self._memoirs = Memoirs(self.desk, announcer, every_s=0.0)
        for symbol in symbols:
            self.aggregator.subscribe(symbol)
        for feed in self.aggregator.feeds.values():
            feed._connected_since = self._mono() - 3600.0
            feed.intake.connected(self._mono() - 3600.0)

    def wall(self) -> float:
        return self._mono() + WALL_AHEAD_S

    def run(self, count: int, polled: Callable[[str], None] | None = None) -> None:
        """Take so many ticks. polled: called with each symbol when its price is due."""
        judge_at, poll_at = self.clock.now, self.clock.now + POLLED_EVERY_S
        for update in islice(self._ticks, count):
            while judge_at < update.received_mono:
                self.clock.now = judge_at
                self.aggregator.judge()
                judge_at += JUDGED_EVERY_S
                if polled is not None and judge_at > poll_at:
                    poll_at += POLLED_EVERY_S
                    for symbol in self.symbols:
                        polled(symbol)
            self.clock.now = update.received_mono
            self.aggregator.feeds[update.exchange].intake.take([update], update.received_mono)

    def fill(self, seconds: float, every_s: float = 0.1) -> None:
        """Know as much as after minutes: each stream tells something every `every_s`; judged
        at the end. Nothing of it is noted.
        """
        put, self.desk.journal._put = self.desk.journal._put, None
        chance = random.Random(2)
        streams = [Stream(exchange, symbol, chance)
                   for symbol in self.symbols for exchange in self.exchanges]
        prices = {symbol: 50_000.0 / number for number, symbol in enumerate(self.symbols, 1)}
        begin = self._mono() - seconds
        steps = int(seconds / every_s)
        for step in range(steps):
            now = begin + step * every_s
            for symbol in self.symbols:
                prices[symbol] *= 1 + chance.gauss(0, 2e-5)
            for stream in streams:
                update = stream.next(prices[stream.symbol], now)
                self.aggregator.feeds[stream.exchange].intake.take([update], now)
        self.speak(prices)
        self.aggregator.judge()
        self.desk.journal._put = put

    @property
    def memory(self) -> Memory:
        return Memory(self.desk.remembered(), self._announcer.told)

    def note_state(self) -> None:
        """As is done every ten minutes."""
        self._memoirs.note_due(self.symbols, self._mono())

    def speak(self, prices: dict[str, float]) -> None:
        """REST has said something of every symbol."""
        now = self._mono()
        for symbol, price in prices.items():
            for exchange in self.exchanges:
                self.desk.opine(Opinion(exchange, symbol, price, price - 0.1, price + 0.1,
                                        int(self.wall() * 1000), now - 0.1))
