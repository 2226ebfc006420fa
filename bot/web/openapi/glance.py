"""What the dashboard shows at one look: /api/v1/board."""

from collections.abc import Sequence
from typing import get_args

from bot.causes import RULES, TIERS
from bot.drills.rehearsal import FAULTS
from bot.web.glance import SHOWN, Seen
from bot.web.openapi.alerts import SEVERITIES
from bot.web.openapi.answers import COMMON, INSTANCE, ok, operation, query
from bot.web.openapi.history import RUNBOOK
from bot.web.openapi.pages import TAG
from bot.web.openapi.prices import ANY_SPELLING, STATUS
from bot.web.openapi.record import RECORDER
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, NUMBER, POSITIVE, SIZE, TEXT, WHOLE, Json, array, moment, or_null, ref, strict,
    with_words, words,
)
from bot.web.trails import MOST_DIGITS

SOURCE: dict[str, Json] = {
    "exchange": TEXT,
    "connected": or_null(BOOLEAN, "null: it is known from Kafka only."),
    "state": words(*get_args(Seen), about="doubted: fit, but contradicted by others. away: put "
                   "away until it has agreed with others for a while."),
    "rule": or_null(words(*RULES), "Which rule found it not fit, or in doubt."),
    "words": with_words(TEXT, "The same in words."),
    "backInMs": or_null(COUNT, "ms until it may be let back at the earliest; null: it is not put "
                        "away."),
    "price": or_null(POSITIVE),
    "bps": or_null(NUMBER, "How far that is from the price served, in 1/10,000."),
    "ageMs": or_null(WHOLE, "ms since the price was current."),
    "pingMs": or_null(COUNT, "ms; round trip of the last ping."),
    "lagMs": or_null(NUMBER, "ms; of its newest message, above what is usual."),
    "offsetMs": or_null(NUMBER, "ms; how far our clock is ahead of its stamps."),
    "messages": or_null(COUNT, "Normalised updates since the start, of all symbols."),
    "rate": or_null(SIZE, "Such updates per s of late."),
    "errors": or_null(COUNT, "Since the start."),
    "lastError": or_null(TEXT), "lastErrorAt": or_null(moment("of that error")),
    "reconnects": with_words(COUNT, "Since the start; planned replacements do not count."),
    "active": BOOLEAN,
}
DRILLS: dict[str, Json] = {
    "refused": or_null(TEXT, "Why there can be none; null: they are allowed."),
    "symbol": with_words(TEXT, "What is looked at meanwhile."),
    "faults": array(words(*FAULTS)),
    "shortestS": with_words(NUMBER, "s"), "longestS": with_words(NUMBER, "s"),
    "last": or_null(ref("Drill"), "null: none since the start."),
}
BOARD: dict[str, Json] = {
    "timestamp": moment("of this answer"), "instance": INSTANCE, "version": TEXT,
    "needsLogin": with_words(BOOLEAN, "API_TOKEN is set."),
    "mode": words("simulation", "paper_trading", "backtest", about="MODE"),
    "startedAt": moment("start of this process"),
    "uptimeMs": with_words(COUNT, "ms"),
    "logLinesDropped": with_words(COUNT, "Since the start: the log could not be written."),
    "dashboards": strict({
        "connected": with_words(COUNT, "To /ws, now."),
        "dropped": with_words(COUNT, "Had to go, for they did not read."),
        "lostEvents": with_words(COUNT, "Not sent to one that was slow.")}),
    "knownSince": moment("from when on incidents are known, earlier lives of the bot included"),
    "symbol": with_words(TEXT, "Whose board this is."),
    "symbols": array(strict({
        "symbol": TEXT,
        "status": or_null(STATUS, "Of its price at the last poll; null: there was none."),
        "openIncidents": COUNT}), "All that are served."),
    "served": {"oneOf": [ref("Price"), ref("NoPrice")]},
    "active": strict({
        "source": or_null(TEXT, "null: none is fit, or the feeds are off."),
        "since": or_null(moment("as far as the last hour tells")),
        "why": with_words(TEXT, "As `activeBecause` of a price.")}),
    "tiers": array(strict({
        "tier": words(*TIERS),
        "state": words("off", "serving", "passed over", "standing by"), "why": TEXT}),
        "In the order in which they are asked."),
    "sources": array(ref("BoardSource"), "In the order of EXCHANGES."),
    "now": strict({
        "severity": words("none", *SEVERITIES[1:]),
        "advice": with_words(TEXT, "What a person should do now."),
        "runbook": {"anyOf": [RUNBOOK, words("")]}}),
    "openIncidents": with_words(COUNT, "Of this symbol, its sources, and the bot itself."),
    "incidents": array(ref("Incident"), f"The newest {SHOWN} of these, open or not."),
    "recorder": RECORDER,
    "kafka": array(ref("Link"), "None with Kafka off."),
    "drills": strict(DRILLS),
    "news": ref("News"),
}

SCHEMAS: dict[str, Json] = {
    "Board": strict(BOARD, "One symbol, and what surrounds it.", maybe=("news",)),
    "BoardSource": strict(SOURCE, "One exchange's stream of this symbol; null: not known."),
}


def paths(symbols: Sequence[str]) -> Json:
    return {"/api/v1/board": {"get": operation(
        "board", "All that the dashboard shows at one look", {"200": ok(ref("Board")), **COMMON},
        parameters=[
            query("symbol", words(*symbols), f"Default: the first one. {ANY_SPELLING}"),
            query("after", {"type": "integer", "minimum": 0, "maximum": 10 ** MOST_DIGITS - 1},
                  "`cursor` of an earlier answer: with `news`, what has happened since.")],
        about="Made for a person's page: what a program acts on is at /api/v1/prices.",
        tag=TAG)}}
