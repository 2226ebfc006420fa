"""Incidents as they are kept and shown, and how long each subject was good: plain values.

A subject is what can fail: a source for a symbol; the price served of a symbol (source None); or
the bot itself (source and symbol None), whose failures are everybody's.
"""

from collections.abc import Iterable

import msgspec

# The rules of the bot itself: it did not run; it stood still; it could not record; what it had
# recorded is gone. Only the first two concern its prices.
DOWN, PAUSED, UNRECORDED, LOST = "down", "paused", "unrecorded", "lost"
Span = tuple[float, float]


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One time during which a subject was not fit (a source) or not trusted (a price served).

    revision: which telling of this incident it is, from 1; the highest is the one in force.
    cause: why, in words; begins with `drill:` for what somebody rehearsed, as long as that explains
    it. rule: the same in one word. opened_at: epoch s of the judgement. closed_at: None while open;
    as far from opened_at as the monotonic clock says. duration_ms: None while open, but where the
    ledger shows it: so far. detected_after_ms: from the last that was good to the judgement.
    switched_after_ms, price_step_bps: from the judgement until another source was active, and its
    price against the one left, in 1/10,000. blackout_ms: how long there was no trusted price: of a
    source's incident, of its symbol until the switch; else for as long as it lasted. None: not
    known, or none.
    """

    id: str
    revision: int = 1
    source: str | None
    symbol: str | None
    cause: str
    rule: str
    opened_at: float
    closed_at: float | None = None
    duration_ms: float | None = None
    detected_after_ms: float | None = None
    switched_after_ms: float | None = None
    blackout_ms: float | None = None
    price_step_bps: float | None = None
    instance: str


class Activation(msgspec.Struct, frozen=True):
    """Who became active for a symbol; None: nobody any more. at: epoch s."""

    symbol: str
    source: str | None
    at: float
    reason: str


class History(msgspec.Struct, frozen=True):
    """What an earlier life of the bot left behind.

    since: epoch s from which on its incidents are known; None if there was no earlier life.
    alive_at: epoch s of its last sign of life, if it left any. incidents: oldest first.
    activations: those of the last hour, and of each symbol the last one before that; oldest first.
    ended_in_order: whether it closed its record, as each proper stop does; None if not known.
    """

    since: float | None
    alive_at: float | None
    incidents: tuple[Incident, ...] = ()
    activations: tuple[Activation, ...] = ()
    ended_in_order: bool | None = None


class Figures(msgspec.Struct, frozen=True):
    """How well a subject did.

    share: of the time observed that it was good, 0..1, cut off after six decimals, so that 1 is
    only what never failed. worst_gap_ms: longest time on end that it was not good. mtbf_ms: good
    time for each incident; None without any.
    """

    source: str | None
    symbol: str
    share: float
    good_ms: float
    worst_gap_ms: float
    incidents: int
    mtbf_ms: float | None


class Availability(msgspec.Struct, frozen=True):
    """since: epoch s. served: one for each symbol; sources: one for each source and symbol."""

    since: float
    observed_ms: float
    served: tuple[Figures, ...]
    sources: tuple[Figures, ...]


def merged(spans: Iterable[Span], low: float, high: float) -> list[Span]:
    """What lies between low and high of the spans, in order, those that overlap or touch as one."""
    found: list[Span] = []
    for start, end in sorted((max(low, start), min(high, end)) for start, end in spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
