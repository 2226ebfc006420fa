"""One price out of several, and how far it can be trusted: pure functions.

The three conflict resolutions choose among the sources that are fit and not outvoted. The status
says what the price rests on, the confidence how far from the truth it may be: its own interval,
and how far the farthest of those that agree with it is from it. So a price can only be wrong by
more than its confidence if none of those that it rests on is right.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import median
from typing import Literal, get_args

import msgspec

from bot.errors import NoQuote, StaleQuote, UntrustedQuote
from bot.judging.agreement import spread_of
from bot.judging.fitness import Fault, SourceView
from bot.judging.judge import Standing
from bot.judging.trial import Jury, against, statement
from bot.model import GOOD_STATUSES, Quote, Status
from bot.store import Leg

TIER = "websocket"
Resolution = Literal["primary", "latest", "average"]
RESOLUTIONS: tuple[Resolution, ...] = get_args(Resolution)

STEP_DOUBT_S = 30.0  # a step that nobody confirmed is the new price after this
UNPROVEN_S = 300.0  # as long a lone source that was outvoted before is not trusted
ABSURD = 0.1  # no market moves by this share within the second for which a price is doubted
ALONE = 0.0015  # share of the price by which a source without any other may be wrong unseen


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of a symbol at one moment. legs, views: by source; faults: of the unfit;
    lost: monotonic s at which a source's connection was lost for the last time.
    """

    symbol: str
    standing: Standing
    legs: Mapping[str, Leg]
    views: Mapping[str, SourceView]
    faults: Mapping[str, Fault]
    jury: Jury
    now: float
    lost: Mapping[str, float] = {}


def resolve(how: Resolution, case: Case, max_age_s: float) -> Quote:
    """The price that tier 1 serves.

    primary: the active source. latest: the youngest by receipt among the fit. average: the mean of
    the fit, from three on their median, as old as its oldest leg. Of the fit none that is outvoted;
    in a dispute that nobody can decide only the active one, without trust. A source that became
    unfit, or that no other is fit to replace, is served on without trust until max_age_s; one that
    was put away for what it says is not.
    Raises: NoQuote, StaleQuote, UntrustedQuote.
    """
    agreement = case.jury.agreement
    fit = [leg for source, leg in case.legs.items()
           if source not in case.faults and source in agreement.members]
    if agreement.majority and how == "average" and len(fit) > 1:
        return _within(_average(case, fit), max_age_s)
    served = case.standing.active or case.standing.last
    if how == "latest" and agreement.majority and fit:
        served = max(fit, key=lambda leg: leg.received_mono).exchange
    elif how != "primary" and agreement.majority and fit and served not in agreement.members:
        served = fit[0].exchange
    leg = case.legs.get(served or "")
    if leg is None:
        raise NoQuote(f"no data ({case.standing.reason})")
    found = case.faults.get(leg.exchange)
    if found is not None and found.rule == "disagreement":
        raise UntrustedQuote(f"{leg.exchange} {found.words}")
    return _within(_single(how, case, leg), max_age_s)


def judged(case: Case, source: str) -> tuple[Status, str]:
    """What the price of one source is worth at this moment, and why: rule after rule."""
    agreement, view = case.jury.agreement, case.views[source]
    found = case.faults.get(source)
    if found is not None:
        return "stale", f"last price of {source}, which is not fit: {found.words}"
    if source not in agreement.members:
        return "disputed", against(source, case.legs[source].price, case.jury)
    if agreement.disputed:
        return "disputed", (f"{' and '.join(agreement.members)} agree, others contradict them, and "
                            "neither are a majority")
    company = [voter for voter in case.jury.members() if voter.who != source]
    if any(voter.venue != source for voter in company):
        return "trusted", ""
    if company:
        return "degraded", "no other exchange confirms it, but its own REST API does"
    trial = case.standing.trials.get(source)
    if trial is not None and trial.unproven and case.now - trial.changed < UNPROVEN_S:
        return "disputed", "it was outvoted, and nobody was there since to agree with it"
    if view.step_s is not None and view.step_s < STEP_DOUBT_S:
        return "disputed", f"moved at once {view.step_s:.1f} s ago, and no other source confirms it"
    return "degraded", "no other source confirms it"


def _single(how: Resolution, case: Case, leg: Leg) -> Quote:
    status, words = judged(case, leg.exchange)
    reason = f"{leg.exchange} is fresh again" if how == "primary" else "youngest of the fit sources"
    if leg.exchange == case.standing.active:
        reason = "active source is fresh"
    return Quote(
        symbol=case.symbol, price=leg.price, bid=leg.bid, ask=leg.ask, volume=leg.volume,
        source=TIER, exchange=leg.exchange, timestamp=leg.timestamp, received_at=leg.received_at,
        age_s=max(0.0, case.now - leg.fresh_at), trusted=status in GOOD_STATUSES,
        # of a price that is not trusted what counts is why not
        reason="; ".join(filter(None, [reason if status in GOOD_STATUSES else "", words])),
        status=status,
        confidence=_confidence(case, leg.price, [leg.exchange]),
        sources_used=_used(case, [leg.exchange]),
    )


def _average(case: Case, legs: Sequence[Leg]) -> Quote:
    oldest = min(legs, key=lambda leg: leg.fresh_at)
    name = "median" if len(legs) > 2 else "mean"
    bids = [leg.bid for leg in legs if leg.bid is not None]
    asks = [leg.ask for leg in legs if leg.ask is not None]
    # a side that only some of the exchanges give would not belong to the average price
    bid = _middle(bids) if len(bids) == len(legs) else None
    ask = _middle(asks) if len(asks) == len(legs) else None
    price, exchanges = _middle([leg.price for leg in legs]), [leg.exchange for leg in legs]
    return Quote(
        symbol=case.symbol, price=price, bid=bid, ask=ask, source=TIER,
        exchanges=tuple(exchanges), timestamp=oldest.timestamp, received_at=oldest.received_at,
        age_s=max(0.0, case.now - oldest.fresh_at), trusted=True, status="trusted",
        reason=f"{name} of {len(legs)} fit sources", confidence=_confidence(case, price, exchanges),
        sources_used=_used(case, exchanges),
    )


def _middle(prices: Sequence[float]) -> float:
    """Their median, which of two is the mean. As decimals, or digits would appear that no exchange
    has said: 60208.100000000006 of 60208.04 and 60208.16.
    """
    return float(median([Decimal(repr(price)) for price in prices]))


def _confidence(case: Case, price: float, sources: Sequence[str]) -> float:
    """Half-width in price units: it grows with the age of the price and with disagreement."""
    own = [said for source in sources
           if (said := statement(case.views[source], case.standing.habits, case.jury.sigma))]
    width = max((said.half for said in own), default=0.0)
    others = [voter for voter in case.jury.voters if voter.who not in sources]
    if not any(voter.venue not in sources for voter in others):
        width += ALONE * price
    return width + max(_held(case, price), spread_of([*own, *others], price))


def _held(case: Case, price: float) -> float:
    """How far the farthest doubted price is, which may be the first true one of a market that has
    moved: in price units. Beyond ABSURD of the price it is not while another exchange, which has
    nothing to be doubted, stays with the price.
    """
    held = {source: view.held for source, view in case.views.items()
            if view.held is not None and source not in case.faults}
    calm = {voter.venue for voter in case.jury.voters} - set(held)
    far = [abs(doubted - price) for doubted in held.values()]
    return max((step for step in far if step <= ABSURD * price or not calm), default=0.0)


def _used(case: Case, sources: Sequence[str]) -> tuple[str, ...]:
    """Those served first, then those that agree with them."""
    agree = case.jury.agreement.members if set(sources) & set(case.jury.agreement.members) else ()
    return (*sources, *(who for who in agree if who not in sources))


def _within(quote: Quote, max_age_s: float) -> Quote:
    if quote.age_s >= max_age_s:
        raise StaleQuote(f"newest price is {quote.age_s * 1000:.0f} ms old ({quote.reason})")
    return quote
