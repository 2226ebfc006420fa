"""The judge of the judgement: what was true, by the simulation's own knowledge only."""

from typing import NamedTuple

from bot.model import MarketDataUpdate, Quote
from tests.chaos.market import Market, Venue
from tests.chaos.voice import Told

SLACK = 0.0010  # of the price, beyond the stated confidence
BEFORE_S = 0.3
AGE_SLACK_S = 0.5

Key = tuple[str, int | None, int, float]


class Wrong(NamedTuple):
    """A quote that claimed to be good, and was not. rule: price or age."""

    at: float
    rule: str
    status: str
    source: str
    words: str

    def __str__(self) -> str:
        return f"{self.at:8.3f} s  wrong {self.rule}, {self.status}, {self.source}: {self.words}"


class Oracle:
    """Knows every venue's true prices, and of every update what it told and since when it was true.

    A quote that claims to be good is wrong in its price if it is farther from the last price of
    every venue, at every moment from 0.3 s before the time it claims to be of until now, than its
    confidence and 10 bps. It is wrong in its age if it was not the last price of its own venue at
    any moment since half a second before that time. Of an average, of a lie, and of what has a
    false stamp only the price is looked at, for nobody could know its age.
    """

    def __init__(self, market: Market, venues: tuple[Venue, ...]) -> None:
        self._market = market
        self._venues = [one.name for one in venues]
        self._origins: dict[Key, float | None] = {}

    def note(self, update: MarketDataUpdate, told: Told) -> None:
        """An update is about to be handed to the product."""
        key = update.exchange, update.timestamp, update.received_at, update.price
        self._origins[key] = None if told.false else told.origin

    def check(self, quote: Quote, now: float) -> Wrong | None:
        """What is wrong with a quote that claims to be good; None if nothing is."""
        allowed = (quote.confidence or 0.0) + SLACK * quote.price
        off = self.off(quote.price, now - quote.age_s - BEFORE_S, now, allowed)
        if off > allowed:
            return self._wrong(quote, now, "price", f"{quote.price:.2f} is {_bps(off, quote)} off, "
                               f"confidence {_bps(quote.confidence or 0.0, quote)}, "
                               f"age {quote.age_s:.2f} s, used {quote.sources_used}")
        key = quote.exchange or "", quote.timestamp, quote.received_at, quote.price
        origin = self._origins.get(key)
        if origin is None or now - origin <= quote.age_s + AGE_SLACK_S:
            return None
        start = now - quote.age_s - AGE_SLACK_S
        if quote.price in self._market.prices(quote.exchange or "", start, now):
            return None
        return self._wrong(quote, now, "age", f"{now - origin:.2f} s old, said {quote.age_s:.2f}")

    def off(self, price: float, start: float, end: float, enough: float) -> float:
        """How far `price` is from the nearest true one of that time; or any number <= enough."""
        nearest = float("inf")
        for venue in self._venues:
            for true in self._market.prices(venue, start, end):
                nearest = min(nearest, abs(true - price))
            if nearest <= enough:
                break
        return nearest

    def _wrong(self, quote: Quote, now: float, rule: str, words: str) -> Wrong:
        return Wrong(now, rule, quote.status, quote.exchange or "average", words)


def _bps(width: float, quote: Quote) -> str:
    return f"{width / quote.price * 10_000:.1f} bps"
