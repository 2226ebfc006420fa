"""Do the exchanges agree about a symbol, as the judgement will have it."""

from collections.abc import Sequence
from itertools import combinations

from bot.doctor.finding import Finding, PriceSeen, fail, listed, ok, warn
from bot.judging.agreement import UNKNOWN_BASIS
from bot.judging.trial import SMALL

NAME = "prices"
# Shares of the price: what the judgement allows two exchanges before it knows them, and what honest
# ones may differ by in a burst.
USUAL, MOST = UNKNOWN_BASIS, SMALL
REMEDY = ("compare both with a third venue: one of them may be another market (a regional book, a "
          "testnet), or its address in the settings another exchange's")


def compare_prices(
    prices: Sequence[PriceSeen], symbols: Sequence[str], exchanges: Sequence[str]
) -> tuple[Finding, ...]:
    """Every pair of exchanges for each symbol; those that agree are one line, and so are those of
    which the same exchanges told nothing. symbols, exchanges: that were listened to.
    """
    if len(exchanges) < 2:
        alone = f"only {exchanges[0]} is" if exchanges else "no exchange is"
        return (ok(NAME, "", f"nothing to compare: {alone} listened to with these settings"),)
    found: list[Finding] = []
    near: list[str] = []
    missing: dict[str, list[str]] = {}
    for symbol in symbols:
        seen = {price.exchange: price for price in prices if price.symbol == symbol}
        if len(seen) < 2:
            mute = " and ".join(name for name in exchanges if name not in seen)
            missing.setdefault(mute, []).append(symbol)
        for one, other in combinations(seen.values(), 2):
            words = apart(one, other)
            share = abs(other.price / one.price - 1)
            if share <= USUAL:
                near.append(words)
            else:
                make = fail if share > MOST else warn
                found.append(make(NAME, symbol, f"{words}; up to {USUAL * 1e4:.0f} bps are usual",
                                  REMEDY))
    found += [warn(NAME, "", f"{listed(names)}: nothing to compare, for {mute} told no fresh price",
                   "see the lines `stream`") for mute, names in missing.items()]
    if near:
        found.append(ok(NAME, "", f"{listed(near)}; up to {USUAL * 1e4:.0f} bps are usual"))
    return tuple(found)


def apart(one: PriceSeen, other: PriceSeen) -> str:
    bps = (other.price / one.price - 1) * 1e4
    return (f"{one.symbol}: {other.exchange} is {abs(bps):.1f} bps "
            f"{'above' if bps >= 0 else 'below'} {one.exchange} ({other.price:.10g} and "
            f"{one.price:.10g}, seen {abs(other.at - one.at):.1f} s apart)")
