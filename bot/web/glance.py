"""All that a dashboard shows at one look, for one symbol, in one answer: /api/v1/board."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from flask import Flask, Response

from bot import __version__
from bot.drills.rehearsal import FAULTS, LONGEST_S, SHORTEST_S
from bot.incidents.incident import Incident
from bot.incidents.story import duty
from bot.judging.explanation import Explanation, LegVerdict
from bot.model import Quote, SourceStatus
from bot.trail.trail import Contact
from bot.web import status
from bot.web.drills import drill
from bot.web.history import parameters
from bot.web.history import symbol as known
from bot.web.history import written
from bot.web.problems import answer
from bot.web.status import Json
from bot.web.trails import cursor, news
from bot.web.view import View

PATH = "/api/v1/board"
SHOWN = 12  # incidents
BPS = 10_000

Seen = Literal["fit", "doubted", "away", "unfit", "down"]


def add_glance(
    app: Flask, view: View, clock: Callable[[], float], needs_login: bool = False
) -> None:
    """needs_login: whether only those who know the token come here."""

    @app.get(PATH)
    def board() -> Response:
        given = parameters("symbol", "after")
        symbol = known(given.get("symbol"), view.symbols) or view.symbols[0]
        after = cursor(given.get("after"))
        told: Json = {
            "timestamp": int(clock() * 1000), "instance": view.instance, "version": __version__,
            "needsLogin": needs_login, **_process(view), **_moment(view, symbol),
            "recorder": status.record(view.record),
            "kafka": [status.link(one) for one in view.links], "drills": _drills(view)}
        return answer(told if after is None else told | {"news": news(view, symbol, after)})


def _moment(view: View, symbol: str) -> Json:
    """A symbol as it is now; its parts are looked at one after another, within a millisecond."""
    quote, passed = view.ask(symbol)
    explained = view.explain(symbol)
    going_on = view.ledger.going_on()
    return {
        "knownSince": round(view.ledger.since * 1000), "symbol": symbol,
        "symbols": _symbols(view, going_on), "served": _served(view, symbol, quote, passed),
        "active": _active(view, symbol, explained), "tiers": _tiers(view, quote, passed),
        "sources": _sources(view, explained, quote), **_incidents(view, going_on, symbol, quote)}


def _process(view: View) -> Json:
    process = view.process
    return {
        "mode": process.mode, "startedAt": round(process.started_at * 1000),
        "uptimeMs": round(process.uptime_s * 1000), "logLinesDropped": process.log_dropped,
        "dashboards": {"connected": process.dashboards, "dropped": process.dashboards_dropped,
                       "lostEvents": process.lost_events}}


def _symbols(view: View, going_on: Sequence[Incident]) -> list[Json]:
    """Each with what a person who looks at another one should know."""
    counts = Counter(one.symbol for one in going_on)
    return [{"symbol": name, "status": view.trail.status(name), "openIncidents": counts[name]}
            for name in view.symbols]


def _served(view: View, symbol: str, quote: Quote | None, passed: dict[str, str]) -> Json:
    if quote is not None:
        return status.price(quote, view.instance)
    reason = "; ".join(f"{tier}: {why}" for tier, why in passed.items())
    return status.no_price(symbol, reason, passed, view.instance)


def _active(view: View, symbol: str, explained: Explanation | None) -> Json:
    """Who is at this moment, and since when and why as far as the last hour tells."""
    if explained is None or not view.feeds_enabled:
        return {"source": None, "since": None, "why": ""}
    source, since = view.trail.active_since(symbol)
    if since is None or source != explained.active:
        return {"source": explained.active, "since": None, "why": explained.why}
    return {"source": source, "since": round(since * 1000), "why": explained.why}


def _tiers(view: View, quote: Quote | None, passed: dict[str, str]) -> list[Json]:
    rows = []
    for tier, off in view.tiers.items():
        if off is not None:
            state, why = "off", off
        elif quote is not None and quote.source == tier:
            state, why = "serving", quote.reason
        elif tier in passed:
            state, why = "passed over", passed[tier]
        else:
            state, why = "standing by", ""
        rows.append(Json(tier=tier, state=state, why=why))
    return rows


def _sources(view: View, explained: Explanation | None, quote: Quote | None) -> list[Json]:
    legs = {leg.source: leg for leg in explained.legs if leg.kind == "stream"} if explained else {}
    statuses = {one.exchange: one for one in view.source_statuses()}
    active = explained.active if explained else None
    return [_source(name, statuses.get(name), legs.get(name), quote, view.trail.contact(name))
            | {"active": name == active} for name in statuses or legs]


def _source(name: str, own: SourceStatus | None, leg: LegVerdict | None, quote: Quote | None,
            contact: Contact) -> Json:
    price = leg.price if leg else None
    state = seen(leg)
    return {
        "exchange": name,
        "connected": own.connected if own else None,
        "state": state,
        "rule": leg.rule if leg and state != "fit" else None,
        "words": leg.words if leg else "nothing known yet",
        "backInMs": _whole(leg.back_in_ms) if leg else None,
        "price": price,
        "bps": None if price is None or quote is None or quote.synthetic
        else round((price / quote.price - 1) * BPS, 3),
        "ageMs": _whole(leg.age_ms) if leg else None,
        "pingMs": own.latency if own else None,
        "lagMs": _tenth(leg.lag_ms) if leg else None,
        "offsetMs": _tenth(leg.offset_ms) if leg else None,
        "messages": own.messages_received if own else None,
        "rate": _tenth(contact.rate),
        "errors": own.errors if own else None,
        "lastError": contact.fault,
        "lastErrorAt": None if contact.fault_at is None else round(contact.fault_at * 1000),
        "reconnects": max(0, contact.connects - 1),
    }


def seen(leg: LegVerdict | None) -> Seen:
    """What a source is at this moment; doubted: fit, but contradicted by others."""
    if leg is None or leg.rule == "connection":
        return "down"
    if leg.accepted:
        return "fit"
    if leg.rule == "disagreement":
        return "doubted" if leg.back_in_ms is None else "away"
    return "unfit"


def _incidents(
    view: View, going_on: Sequence[Incident], symbol: str, quote: Quote | None
) -> Json:
    ours = [one for one in going_on if one.symbol in (symbol, None)]
    severity, words, section = duty(ours, quote)
    shown = view.ledger.incidents(SHOWN, symbol)
    return {"now": {"severity": severity, "advice": words, "runbook": section},
            "openIncidents": len(ours), "incidents": written(view, shown)}


def _drills(view: View) -> Json:
    last = view.drills.state()
    return {"refused": view.drills.refused, "symbol": view.symbols[0], "faults": FAULTS,
            "shortestS": SHORTEST_S, "longestS": LONGEST_S,
            "last": None if last is None else drill(last, view.instance)}


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
