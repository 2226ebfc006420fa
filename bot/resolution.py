"""One price out of several: the three conflict resolutions, as pure functions."""

from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Literal, get_args

from bot.errors import NoQuote, StaleQuote
from bot.judge import Standing
from bot.model import Quote
from bot.store import Leg

TIER = "websocket"
Resolution = Literal["primary", "latest", "average"]
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)


def resolve(
    how: Resolution,
    symbol: str,
    standing: Standing,
    legs: Mapping[str, Leg],
    faults: Mapping[str, str | None],
    max_age_s: float,
    now: float,
) -> Quote:
    """The price that tier 1 serves. faults: why each source is unfit, None when it is fit.

    primary: the active source. latest: the youngest by receipt among the fit. average: the mean of
    the fit, from three on their median, as old as its oldest leg. A source that became unfit, or
    that no other is fit to replace, is served on without trust until max_age_s.
    Raises: NoQuote, StaleQuote.
    """
    fit = [leg for source, leg in legs.items() if faults[source] is None]
    if how == "average" and len(fit) > 1:
        return _within(_average(symbol, fit, now), max_age_s)
    if how == "primary" or not fit:
        served = standing.active or standing.last
    else:
        served = max(fit, key=lambda leg: leg.received_mono).exchange
    leg = legs.get(served or "")
    if leg is None:
        raise NoQuote(f"no data ({standing.reason})")
    reason = f"{leg.exchange} is fresh again" if how == "primary" else "youngest of the fit sources"
    if faults[leg.exchange] is not None:
        reason = f"last price of {leg.exchange}, which is not fit: {faults[leg.exchange]}"
    elif leg.exchange == standing.active:
        reason = "active source is fresh"
    return _within(_single(symbol, leg, reason, faults[leg.exchange] is None, now), max_age_s)


def _single(symbol: str, leg: Leg, reason: str, trusted: bool, now: float) -> Quote:
    return Quote(
        symbol=symbol, price=leg.price, bid=leg.bid, ask=leg.ask, volume=leg.volume, source=TIER,
        exchange=leg.exchange, timestamp=leg.timestamp, received_at=leg.received_at,
        age_s=max(0.0, now - leg.fresh_at), trusted=trusted, reason=reason,
        status="trusted" if trusted else "stale",
    )


def _average(symbol: str, legs: Sequence[Leg], now: float) -> Quote:
    middle = median if len(legs) > 2 else fmean
    oldest = min(legs, key=lambda leg: leg.fresh_at)
    name = "median" if len(legs) > 2 else "mean"
    bids = [leg.bid for leg in legs if leg.bid is not None]
    asks = [leg.ask for leg in legs if leg.ask is not None]
    # a side that only some of the exchanges give would not belong to the average price
    bid = middle(bids) if len(bids) == len(legs) else None
    ask = middle(asks) if len(asks) == len(legs) else None
    return Quote(
        symbol=symbol, price=middle([leg.price for leg in legs]), bid=bid, ask=ask, source=TIER,
        exchanges=tuple(leg.exchange for leg in legs), timestamp=oldest.timestamp,
        received_at=oldest.received_at, age_s=max(0.0, now - oldest.fresh_at), trusted=True,
        reason=f"{name} of {len(legs)} fit sources", status="trusted",
    )


def _within(quote: Quote, max_age_s: float) -> Quote:
    if quote.age_s >= max_age_s:
        raise StaleQuote(f"newest price is {quote.age_s * 1000:.0f} ms old ({quote.reason})")
    return quote
