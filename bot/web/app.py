"""The HTTP API: what is asked for, from the View, in the words of status.py."""

import math
import time
from collections.abc import Callable, Sequence

from flask import Flask, Response, abort, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from bot import __version__
from bot.errors import NoQuote, shown
from bot.symbols import parse_symbol
from bot.web import status
from bot.web.alerts import add_alerts
from bot.web.analytics import add_analytics
from bot.web.described import add_description
from bot.web.drills import add_drills
from bot.web.glance import add_glance
from bot.web.guard import Guard
from bot.web.history import add_history
from bot.web.login import add_login, form
from bot.web.metrics import add_metrics
from bot.web.pages import PAGES, add_pages
from bot.web.problems import answer, explain_errors, refuse
from bot.web.snapshot import add_snapshot
from bot.web.trails import add_trails
from bot.web.view import View

WITHOUT_TOKEN = ("/healthz", "/login", "/logout")
NOT_ENABLED = "WebSocket not enabled"


def create_app(
    view: View,
    *,
    token: str | None,
    trusted_hosts: Sequence[str] | None,
    clock: Callable[[], float] = time.time,
) -> Flask:
    """The WSGI application. Nothing in it waits: each answer is a look at `view`, but for those
    of the analyst and the snapshot, who let no more than half of the server's threads ask.

    token: required as bearer, or as the cookie of a log-in, everywhere but at /healthz and where
    one logs in and out. trusted_hosts: the only host names, without port, that requests may be
    addressed to; None for any. clock: epoch s.
    """
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # a redirect would repeat a host name that the client chose
    explain_errors(app, view.instance)
    guard = Guard(token, trusted_hosts)
    _guard(app, guard, view.instance)
    add_pages(app)
    add_login(app, guard, view.instance)
    _add_process(app, view)
    _add_sources(app, view, clock)
    _add_prices(app, view, clock)
    _add_kafka(app, view, clock)
    _add_record(app, view, clock)
    add_alerts(app, view, clock)
    add_glance(app, view, clock, needs_login=token is not None)
    add_trails(app, view, clock)
    add_history(app, view)
    add_drills(app, view)
    add_analytics(app, view, clock)
    add_snapshot(app, view)
    add_metrics(app, view)
    add_description(app, view)
    return app


def _guard(app: Flask, guard: Guard, instance: str) -> None:
    @app.before_request
    def admit() -> Response | None:
        host = request.headers.get("Host")
        if not guard.knows_host(host):
            names = " or ".join(guard.trusted_hosts or ())
            abort(400, f"Host {shown(host)} is not this server; address it as {names}" if host
                  else f"there is no header Host; address this server as {names}")
        acts = request.path == "/ws" or request.method == "POST"
        if acts and not guard.knows_origin(request.headers.get("Origin"), host):
            abort(403, f"pages of {shown(request.headers['Origin'])} may not connect")
        known = guard.admits(request.headers.get("Authorization"), request.headers.get("Cookie"),
                             host)
        if known or request.path in WITHOUT_TOKEN:
            return None
        if request.path in PAGES and request.method in ("GET", "HEAD"):
            return form(instance)
        raise Unauthorized("send the header `Authorization: Bearer <API_TOKEN>`",
                           www_authenticate=WWWAuthenticate("bearer", {"realm": "api"}))

    @app.after_request
    def mark(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def endpoints(app: Flask) -> list[str]:
    """Every route, once, in the order in which they were added."""
    return list(dict.fromkeys(
        rule.rule.replace("<path:", "<") for rule in app.url_map.iter_rules()))


def _add_process(app: Flask, view: View) -> None:
    @app.get("/api")
    def index() -> Response:
        return answer({"name": "autonomous-bot", "version": __version__, "instance": view.instance,
                       "endpoints": endpoints(app)})

    @app.get("/healthz")
    def healthz() -> Response:
        return answer({"status": "ok", "instance": view.instance})

    @app.get("/readyz")
    def readyz() -> Response:
        symbol = view.symbols[0]
        try:
            # of any age that its tier allows, but trusted and real: a lower tier may have it while
            # the first one still holds a price that is not trusted any more
            quote = view.quote(symbol, math.inf)
        except NoQuote as error:
            return refuse(503, f"no trusted real price of {symbol}", view.instance,
                          symbol=symbol, reason=str(error), reasons=error.reasons)
        return answer({"status": "ready", "symbol": symbol, "source": quote.source,
                       "reason": quote.reason, "instance": view.instance})

    @app.get("/ws")
    def ws() -> Response:
        """Reached only by what is no upgrade; those never come to Flask."""
        abort(400, "/ws speaks WebSocket; connect with an HTTP/1.1 upgrade")


def _add_sources(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get("/api/websocket/health")
    def health() -> Response:
        if not view.feeds_enabled:
            return answer({"error": NOT_ENABLED, "enabled": False}, 503)
        statuses = view.source_statuses()
        return answer(status.health(view.healthy, view.active_source, statuses, view.instance,
                                    _ms(clock)))

    @app.get("/api/websocket/sources")
    def sources() -> Response:
        if not view.feeds_enabled:
            return answer({"error": NOT_ENABLED}, 503)
        return answer({"sources": [status.source(one) for one in view.source_statuses()]})

    @app.get("/api/websocket/active-source")
    def active_source() -> Response:
        if not view.feeds_enabled:
            return answer({"error": NOT_ENABLED}, 503)
        return answer({"activeSource": view.active_source, "instance": view.instance,
                       "timestamp": _ms(clock)})


def _add_kafka(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get("/api/v1/kafka")
    def kafka() -> Response:
        links = [status.link(one) for one in view.links]
        return answer({"enabled": bool(links), "links": links, "instance": view.instance,
                       "timestamp": _ms(clock)})


def _add_record(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get("/api/v1/recorder")
    def recorder() -> Response:
        return answer(status.record(view.record) | {"instance": view.instance,
                                                    "timestamp": _ms(clock)})


def _add_prices(app: Flask, view: View, clock: Callable[[], float]) -> None:
    @app.get("/api/v1/prices/<path:symbol>")
    def one(symbol: str) -> Response:
        max_age_s, explain = _max_age_s("explain"), _explain()
        symbol = _known(symbol, view.symbols)
        extra: status.Json = {}
        if explain and (told := view.explain(symbol)):
            extra["explain"] = status.explanation(told)
        try:
            return answer(status.price(view.quote(symbol, max_age_s), view.instance) | extra)
        except NoQuote as error:
            return refuse(503, f"no price of {symbol} to give", view.instance, symbol=symbol,
                          reason=str(error), reasons=error.reasons, **extra)

    @app.get("/api/v1/prices")
    def all_symbols() -> Response:
        """Each symbol stands for itself: one without a price has `"price": null` and its reasons.

        503 only when none has one, so that a dead market does not hide the others.
        """
        max_age_s = _max_age_s()
        prices = [_price_or_reason(view, symbol, max_age_s) for symbol in view.symbols]
        if all(price["price"] is None for price in prices):
            return refuse(503, "no symbol has a price", view.instance,
                          reason=prices[0]["reason"], prices=prices)
        return answer({"prices": prices, "instance": view.instance, "timestamp": _ms(clock)})


def _price_or_reason(view: View, symbol: str, max_age_s: float | None) -> status.Json:
    try:
        return status.price(view.quote(symbol, max_age_s), view.instance)
    except NoQuote as error:
        return status.no_price(symbol, str(error), error.reasons, view.instance)


def _known(text: str, symbols: Sequence[str]) -> str:
    try:
        symbol = parse_symbol(text).name
    except ValueError as error:
        abort(404, str(error)[:300])
    if symbol not in symbols:
        abort(404, f"unknown symbol {shown(text)}; there are {', '.join(symbols)}")
    return symbol


def _max_age_s(*others: str) -> float | None:
    """`?max_age_ms=`, in seconds. others: further parameters that the route knows.

    Any other parameter is refused: a misspelt limit that is passed over would hand out prices of
    any age to someone who asked for young ones.
    """
    known = ("max_age_ms", *others)
    for name in request.args:
        if name not in known:
            abort(400, f"unknown parameter {shown(name)}; there is only {' and '.join(known)}")
    given = request.args.getlist("max_age_ms")
    if not given:
        return None
    text = given[0]
    if len(given) > 1 or not (text.isascii() and text.isdigit() and len(text) <= 12):
        abort(400, "max_age_ms: must be one integer >= 0, in milliseconds, got "
                   f"{shown(', '.join(given))}; write ?max_age_ms=500")
    return int(text) / 1000


def _explain() -> bool:
    """`?explain=`."""
    given = request.args.getlist("explain") or ["false"]
    if len(given) > 1 or given[0].lower() not in ("true", "false"):
        abort(400, f"explain: must be true or false, got {shown(', '.join(given))}; "
                   "write ?explain=true")
    return given[0].lower() == "true"


def _ms(clock: Callable[[], float]) -> int:
    return int(clock() * 1000)
