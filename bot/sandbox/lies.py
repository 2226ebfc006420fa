"""What an exchange tells in place of the truth while a fault is on. Pure: listings to listings."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.sandbox.faults import Value
from bot.sandbox.market import Listing


class Lie(NamedTuple):
    """A fault that is on. held: the listing when it began. lasted_s: since then."""

    value: Value
    lasted_s: float
    held: Listing

    @property
    def number(self) -> float:
        return self.value if isinstance(self.value, float) else 0.0


def _changed(listing: Listing, **values: Any) -> Listing:
    other = copy.copy(listing)
    for name, value in values.items():
        setattr(other, name, value)
    return other


def _frozen(listing: Listing, lie: Lie) -> Listing:
    """Only what tells one message from the next goes on."""
    return _changed(lie.held, event_ms=listing.event_ms, trade_id=listing.trade_id,
                    book_id=listing.book_id)


def _drifted(listing: Listing, lie: Lie) -> Listing:
    return listing.scaled(max(0.01, 1.0 + lie.number * lie.lasted_s / 10_000))


def _wrong(listing: Listing, lie: Lie) -> Listing:
    return listing.scaled(1.0 + lie.number / 100)


def _inverted(listing: Listing, lie: Lie) -> Listing:
    return _changed(
        listing, price=1 / listing.price, bid=listing.ask and 1 / listing.ask,
        ask=listing.bid and 1 / listing.bid, open=1 / listing.open, high=1 / listing.low,
        low=1 / listing.high)


def _restamped(listing: Listing, lie: Lie) -> Listing:
    units_per_s = {"s": 1, "us": 10**6, "ns": 10**9}[str(lie.value)]
    return _changed(listing, event_ms=listing.event_ms * units_per_s // 1000)


# In the order in which they are told: what else is on makes its own of a frozen price.
LIES: Mapping[str, Callable[[Listing, Lie], Listing]] = {
    "frozen": _frozen,
    "drift": _drifted,
    "wrong": _wrong,
    "scale": lambda listing, lie: listing.scaled(lie.number),
    "invert": _inverted,
    "crossed": lambda listing, lie: _changed(listing, bid=listing.ask, ask=listing.bid),
    "empty": lambda listing, lie: _changed(listing, bid=None, ask=None, counted=False),
    "ahead": lambda listing, lie: _changed(
        listing, event_ms=listing.event_ms + round(lie.number * 1000)),
    "behind": lambda listing, lie: _changed(
        listing, event_ms=listing.event_ms - round(lie.number * 1000)),
    "unit": _restamped,
}


def told(listing: Listing, lies: Mapping[str, Lie]) -> Listing:
    """The listing as it is told; itself where nothing is on."""
    for name, change in LIES.items():
        if name in lies:
            listing = change(listing, lies[name])
    return listing
