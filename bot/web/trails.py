"""The last hour for the charts of a dashboard, in arrays: /api/v1/trail."""

import math
from collections.abc import Callable, Sequence

from flask import Flask, Response, abort

from bot.causes import TIERS
from bot.errors import shown
from bot.incidents.incident import DOWN, Activation, Incident
from bot.model import STATUSES
from bot.trail.samples import HOUR_S
from bot.trail.trail import STATES, SourcePast, Told
from bot.web.history import parameters
from bot.web.history import symbol as known
from bot.web.problems import answer
from bot.web.status import Json
from bot.web.view import View

PATH = "/api/v1/trail"
MOST = 1_000
MOST_DIGITS = 15  # of a cursor

Span = tuple[int, int, str, str | None, str, str, str]


def add_trails(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get(PATH)
    def trail() -> Response:
        given = parameters("symbol")
        symbol = known(given.get("symbol"), view.symbols) or view.symbols[0]
        now = clock()
        return answer({
            "symbol": symbol, "timestamp": int(now * 1000), "instance": view.instance,
            "startedAt": _ms(view.process.started_at), "knownSince": _ms(view.ledger.since),
            "tiers": TIERS, "statuses": STATUSES,
            **news(view, symbol, 0), **_past(view, symbol, now)})


def cursor(text: str | None) -> int | None:
    """`?after=`: the `cursor` of an earlier answer; what has happened since is told as `news`."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        abort(400, f"after: must be the `cursor` of an earlier answer, got {shown(text)}")
    return int(text)


def news(view: View, symbol: str, after: int) -> Json:
    """changes: [at, kind, source, word, rule, why], see bot.trail.course. samples: columns; tier
    and status as places in `tiers` and `statuses`, -1 for none.
    """
    told = view.trail.told(symbol, after)
    return {
        "cursor": told.cursor, "since": _ms(told.since), "everyMs": round(told.every_s * 1000),
        "changes": [(_ms(at), change.kind, change.source, change.word, change.rule, change.why)
                    for at, change in told.changes],
        "samples": _samples(told)}


def _samples(told: Told) -> Json:
    return {
        "at": [_ms(at) for at in told.at], "price": told.price, "tier": told.tier,
        "status": told.status,
        "sources": {name: _source(past) for name, past in told.sources.items()}}


def _source(past: SourcePast) -> Json:
    """What is not known is NaN, which JSON has as null."""
    return {"price": past.price, "rate": _rounded(past.rate),
            "lagMs": _rounded(past.lag, 1000), "silentMs": _rounded(past.silent, 1000)}


def _past(view: View, symbol: str, now: float) -> Json:
    """What the record tells of the time before this process: [from, to, kind, source, word, rule,
    why]; `off` is a time without a bot, `active` one of a source. From `pastSince` on it is known.
    """
    began, start = view.process.started_at, now - HOUR_S
    incidents = [one for one in reversed(view.ledger.incidents(MOST, symbol))
                 if one.opened_at < began and (one.closed_at or began) > start
                 and (one.symbol is not None or one.rule == DOWN)]
    ends = [one.opened_at for one in incidents if one.rule == DOWN] + [began]
    return {
        "pastSince": _ms(max(start, min(began, view.ledger.since))),
        "past": [*(_span(one, min(one.closed_at or began, began)) for one in incidents),
                 *_active(view.trail.activations(symbol), ends, start)]}


def _active(told: Sequence[Activation], ends: Sequence[float], start: float) -> list[Span]:
    """From each activation to the next, or to the end of that life. ends: in order, of lives."""
    spans: list[Span] = []
    for place, one in enumerate(told):
        after = [next(end for end in (*ends, math.inf) if end >= one.at)]
        to = min([*after, *(later.at for later in told[place + 1:place + 2])])
        if one.source is not None and math.isfinite(to) and to > start:
            spans.append((_ms(one.at), _ms(to), "active", one.source, "active", "", one.reason))
    return spans


def _span(one: Incident, to: float) -> Span:
    if one.rule == DOWN:
        kind, state = "off", "off"
    elif one.source is None:
        kind, state = "served", one.rule
    else:
        kind, state = "state", STATES.get(one.rule, "unfit")
    return _ms(one.opened_at), _ms(to), kind, one.source, state, one.rule, one.cause


def _rounded(values: Sequence[float], factor: float = 1.0) -> list[float]:
    return [round(value * factor, 1) for value in values]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
