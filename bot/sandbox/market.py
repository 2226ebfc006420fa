"""The practice market: a seeded random walk and what each exchange shows of it. Pure."""

import copy
import math
import random
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.symbols import Symbol

START_PRICES = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "BNB": 600.0}
OTHER_START_PRICE = 100.0
VOLATILITY = 0.0002  # standard deviation of one second's move, as a share of the price
NOISE = 0.00003
BASES = {"binance": 0.0, "okx": 0.0002}
WIDEST_BASIS = 0.0003
FIRST_TRADE_ID = 1_000_000


class Market(NamedTuple):
    """How one exchange's prices differ: a constant share, and how many decimals it drops."""

    basis: float
    coarser: int


def market(exchange: str, coarser: int) -> Market:
    """Of an exchange of this name, always the same: at most 3 bps away from the fair price."""
    share = zlib.crc32(exchange.encode()) / 2**32
    return Market(BASES.get(exchange, WIDEST_BASIS * (2.0 * share - 1.0)), coarser)


class Move(NamedTuple):
    """One trade on one exchange. seller: the aggressor sold, so the buyer was the maker."""

    price: float
    size: float
    seller: bool


@dataclass
class Listing:
    """One symbol on one exchange: last trade, best bid and ask (None: empty side), last 24 h.

    coarser: how many decimals the exchange's price step has less than `decimals` says. counted:
    whether the day's volume is told. halted: not traded, for now.
    """

    symbol: Symbol
    price: float
    event_ms: int
    coarser: int = 0
    size: float = 0.01
    seller: bool = False
    bid: float | None = None
    bid_size: float = 1.5
    ask: float | None = None
    ask_size: float = 1.25
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    volume: float = 5_000.0
    quote_volume: float = 0.0
    trades: int = 1
    trade_id: int = FIRST_TRADE_ID
    book_id: int = 10 * FIRST_TRADE_ID
    counted: bool = True
    halted: bool = False

    def __post_init__(self) -> None:
        self.open = self.high = self.low = self.price
        self.quote_volume = self.volume * self.price
        self.quote_around(self.price, self.seller)

    def trade(self, move: Move, event_ms: int) -> None:
        self.price, self.size, self.seller = move
        self.event_ms = event_ms
        self.high, self.low = max(self.high, move.price), min(self.low, move.price)
        self.volume += move.size
        self.quote_volume += move.size * move.price
        self.trades += 1
        self.trade_id += 1

    def quote_around(self, price: float, seller: bool) -> None:
        """Best bid and ask one tick apart, the trade having hit one of them."""
        tick = 10.0 ** (self.coarser - decimals(price))
        bid = price if seller else price - tick
        self.quote(bid, bid + tick)

    def quote(self, bid: float | None, ask: float | None) -> None:
        """A side of zero or None is empty."""
        self.bid, self.ask = bid or None, ask or None
        self.book_id += 3  # ids rise, and not by one

    def scaled(self, factor: float) -> "Listing":
        """A copy with every price off by the same factor."""
        other = copy.copy(self)
        for name in ("price", "bid", "ask", "open", "high", "low"):
            value = getattr(self, name)
            setattr(other, name, value and value * factor)
        return other

    def aged(self, event_ms: int) -> "Listing":
        """A copy whose last event was then, or earlier."""
        other = copy.copy(self)
        other.event_ms = min(self.event_ms, event_ms)
        return other


def decimals(price: float) -> int:
    """Decimals of the price step: two for a price in thousands, more for smaller ones."""
    return 2 if price >= 1000 else 4 if price >= 1 else 8


class Walk:
    """The fair price of every symbol, and what is traded for it on every exchange.

    The same seed gives the same moves, in order; another exchange more changes none of the
    others'. volatility: standard deviation of one second's move, as a share of the price.
    """

    def __init__(
        self, symbols: Sequence[Symbol], seed: int, markets: Mapping[str, Market],
        volatility: float = VOLATILITY,
    ) -> None:
        self._markets = markets
        self._volatility = volatility
        self._moves = random.Random(seed)
        self._noises = {name: random.Random(f"{seed} {name}") for name in markets}
        self._symbols = [symbol.name for symbol in symbols]
        self._fair = {symbol.name: start_price(symbol) for symbol in symbols}
        self._steps = 0

    def fair(self, symbol: str) -> float:
        return self._fair[symbol]

    def step(self, per_s: float) -> tuple[str, Mapping[str, Move]]:
        """The next symbol in turn, one of `per_s` steps in a second, and its trades."""
        name = self._symbols[self._steps % len(self._symbols)]
        self._steps += 1
        deviation = self._volatility * math.sqrt(len(self._symbols) / per_s)
        self._fair[name] *= math.exp(self._moves.gauss(0.0, deviation))
        return name, self._trades(name)

    def jump(self, symbol: str, percent: float) -> Mapping[str, Move]:
        """The fair price moves at once. Returns: a trade on each exchange."""
        self._fair[symbol] *= 1.0 + percent / 100.0
        return self._trades(symbol)

    def _trades(self, symbol: str) -> Mapping[str, Move]:
        return {name: self._trade(name, self._fair[symbol]) for name in self._markets}

    def _trade(self, exchange: str, fair: float) -> Move:
        noise, here = self._noises[exchange], self._markets[exchange]
        price = fair * (1.0 + here.basis + noise.gauss(0.0, NOISE))
        size = noise.expovariate(20.0) + 0.00001
        return Move(round(price, decimals(price) - here.coarser), round(size, 5),
                    noise.random() < 0.5)


def start_price(symbol: Symbol) -> float:
    return START_PRICES.get(symbol.base, OTHER_START_PRICE)
