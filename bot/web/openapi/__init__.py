"""The API's description of itself, in OpenAPI 3.1: a module for each topic.

Each topic has SCHEMAS and paths(). A new route gets its place there; a test compares all of it with
the routes that there are, both ways, and another one asks a running bot for whatever is described.
"""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import msgspec

from bot import __version__
from bot.exchanges import ALL
from bot.web.guard import cookie_name
from bot.web.openapi import (
    alerts, analytics, glance, history, pages, prices, process, record, sources, trails,
)
from bot.web.openapi.shapes import Json

TOPICS = (process, prices, sources, history, alerts, record, analytics, pages, glance, trails)
EXAMPLE_HOST = "localhost:3001"
EXAMPLES = "examples.json"  # taken from a run of the bot: python -m tests.api
ABOUT = """One fresh, trustworthy price per symbol, from several exchanges, with how far it can be
trusted. Moments are in ms since 1970; what is not known is null. A route that takes parameters
refuses others. An error is `application/problem+json` (RFC 9457), but under /api/websocket/."""
TAGS = {
    process.TAG: "The bot itself.",
    prices.TAG: "What the bot is for.",
    sources.TAG: "The exchanges' streams.",
    history.TAG: "What went wrong, and rehearsals.",
    record.TAG: "What is being kept, and what is read and written elsewhere.",
    alerts.TAG: "Whom people are told through.",
    analytics.TAG: "Questions about the record.",
    pages.TAG: "The page that a person looks at, and what it asks.",
}


def document(
    symbols: Sequence[str], exchanges: Sequence[str] = tuple(ALL), host: str | None = EXAMPLE_HOST,
) -> Json:
    """symbols: those that are served. exchanges: those that are connected to. host: the header, by
    which the cookie has its name.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "autonomous-bot", "version": __version__, "description": ABOUT,
                 "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"cookie": []}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": _with_examples(
            process.paths() | prices.paths(symbols) | sources.paths()
            | history.paths(symbols, exchanges) | alerts.paths() | record.paths()
            | analytics.paths(symbols, tuple(ALL))
            | pages.paths() | glance.paths(symbols) | trails.paths(symbols)),
        "components": {
            "schemas": {name: schema for topic in TOPICS for name, schema in topic.SCHEMAS.items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http", "scheme": "bearer",
                    "description": "API_TOKEN. Without one set nothing is asked for."},
                "cookie": {
                    "type": "apiKey", "in": "cookie", "name": cookie_name(host),
                    "description": "What a browser gets at /login. Its name ends in the port."}},
        },
    }


def examples() -> list[dict[str, Any]]:
    """method, path (as described), request, sent, status, mimetype, body: each a real one. cut:
    what is left of a long body. reason, headers: of a redirect, in place of its body.
    """
    found: list[dict[str, Any]] = msgspec.json.decode(
        files(__package__).joinpath(EXAMPLES).read_bytes())
    return found


def _with_examples(described: Json) -> Json:
    # a copy in which no two operations share an answer
    paths: Json = msgspec.json.decode(msgspec.json.encode(described))
    for one in examples():
        answer = paths[one["path"]][one["method"]]["responses"][str(one["status"])]
        content = answer.get("content", {}).get(one["mimetype"])
        if content is not None:
            shown = content.setdefault("examples", {})
            about = {"description": f"Only {one['cut']}."} if one["cut"] else {}
            shown[f"example{len(shown) + 1}"] = {"summary": one["request"], **about,
                                                 "value": one["body"]}
    return paths
