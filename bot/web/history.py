"""Incidents and availability: what the ledger knows, in the JSON of the API."""

from collections.abc import Collection, Sequence

from flask import Flask, Response, abort, request

from bot.errors import shown
from bot.incidents.incident import Figures, Incident
from bot.incidents.story import GUIDE, advice, is_trusted, story
from bot.symbols import parse_symbol
from bot.web.problems import answer
from bot.web.status import Json
from bot.web.view import View

LIMIT, MOST = 100, 1_000


def add_history(app: Flask, view: View) -> None:
    @app.get("/api/v1/incidents")
    def incidents() -> Response:
        given = parameters("limit", "symbol", "source")
        known = [status.exchange for status in view.source_statuses()]
        found = view.ledger.incidents(
            _limit(given.get("limit")), symbol(given.get("symbol"), view.symbols),
            one_of("source", given.get("source"), known))
        return answer({"incidents": written(view, found), "instance": view.instance})

    @app.get("/api/v1/availability")
    def availability() -> Response:
        parameters()
        found = view.ledger.availability()
        return answer({
            "since": round(found.since * 1000), "observedMs": round(found.observed_ms),
            "served": [{"symbol": row.symbol, **_figures("trusted", row)} for row in found.served],
            "sources": [{"source": row.source, "symbol": row.symbol, **_figures("fit", row)}
                        for row in found.sources],
            "instance": view.instance})


def written(view: View, found: Sequence[Incident]) -> list[Json]:
    """What to do about those that go on depends on whether there is a trusted price now."""
    going_on = {one.symbol for one in found if one.closed_at is None and one.symbol is not None}
    alone = {symbol for symbol in going_on if not is_trusted(view.ask(symbol)[0])}
    return [_incident(one, one.closed_at is not None or one.symbol not in alone) for one in found]


def _incident(one: Incident, is_served: bool) -> Json:
    todo, section = advice(one.rule, is_served)
    return {
        "id": one.id,
        "source": one.source,
        "symbol": one.symbol,
        "cause": one.cause,
        "rule": one.rule,
        "openedAt": round(one.opened_at * 1000),
        "closedAt": None if one.closed_at is None else round(one.closed_at * 1000),
        "durationMs": _rounded(one.duration_ms),
        "detectedAfterMs": _rounded(one.detected_after_ms),
        "switchedAfterMs": _rounded(one.switched_after_ms),
        "blackoutMs": _rounded(one.blackout_ms),
        "priceStepBps": _rounded(one.price_step_bps),
        "instance": one.instance,
        "story": story(one),
        "advice": todo,
        "runbook": f"{GUIDE}#{section}",
    }


def _figures(good: str, row: Figures) -> Json:
    """good: what it is called to be good: a price is trusted, a source is fit."""
    return {
        good: row.share,
        f"{good}Ms": round(row.good_ms),
        "worstGapMs": round(row.worst_gap_ms),
        "incidents": row.incidents,
        "mtbfMs": None if row.mtbf_ms is None else round(row.mtbf_ms),
    }


def _rounded(value: float | None) -> float | None:
    """To the microsecond, or 1/1000 of a basis point: what was measured, without the noise."""
    return None if value is None else round(value, 3)


def parameters(*names: str) -> dict[str, str]:
    """The query, each of `names` at most once; a misspelt one would pass for a filter."""
    for name in request.args:
        if name not in names:
            there_are = f"there are {', '.join(names)}" if names else "there are none"
            abort(400, f"unknown parameter {shown(name)}; {there_are}")
        if len(request.args.getlist(name)) > 1:
            abort(400, f"{name}: must be given once, got "
                       f"{shown(', '.join(request.args.getlist(name)))}")
    return dict(request.args.items())


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MOST):
        abort(400, f"limit: must be a whole number from 1 to {MOST}, got {shown(text)}; "
                   f"write ?limit={LIMIT}")
    return int(text)


def symbol(text: str | None, symbols: tuple[str, ...]) -> str | None:
    """Any spelling of one that is served."""
    try:
        name = None if text is None else parse_symbol(text).name
    except ValueError:
        name = text
    return one_of("symbol", name, symbols)


def one_of(name: str, word: str | None, words: Collection[str]) -> str | None:
    if word is not None and word not in words:
        abort(400, f"{name}: must be one of {', '.join(sorted(words)) or 'none'}, "
                   f"got {shown(word)}")
    return word
