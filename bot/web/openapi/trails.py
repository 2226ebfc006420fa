"""The last hour for the charts of the dashboard: /api/v1/trail."""

from collections.abc import Sequence
from typing import get_args

from bot.causes import NONE, RULES, TIERS
from bot.incidents.incident import DOWN
from bot.model import STATUSES
from bot.trail.course import State
from bot.web.openapi.answers import COMMON, INSTANCE, ok, operation, query
from bot.web.openapi.pages import TAG
from bot.web.openapi.prices import ANY_SPELLING
from bot.web.openapi.shapes import (
    COUNT, NUMBER, POSITIVE, SIZE, TEXT, Json, array, mapping, moment, or_null, ref, row, strict,
    with_words, words,
)

AT = moment("when it happened")
WHY = with_words(TEXT, "In words.")
NOT = words("")
NOBODY: Json = {"type": "null"}

# [at, kind, source, word, rule, why]
CHANGES = {
    "ChangeOfState": row(
        "What a source is from now on, and which rule found it.",
        AT, words("state"), TEXT, words(*get_args(State)), words(*RULES, "first"), WHY),
    "ChangeOfActive": row(
        "Who is active from now on (null: nobody), and who was before (empty: nobody).",
        AT, words("active"), or_null(TEXT), TEXT, NOT, WHY),
    "ChangeOfServed": row(
        "Which tier serves from now on (null: none), and what its price is worth.",
        AT, words("served"), or_null(words(*TIERS)), words(*STATUSES, NONE), NOT, WHY),
    "ChangeOfConnection": row(
        "Of a source, for all symbols.",
        AT, words("connection"), TEXT, words("connected", "lost", "replaced"), NOT, WHY),
}
# [from, to, kind, source, word, rule, why]
ENDS = (moment("from"), moment("to"))
BAD = words(*(status for status in STATUSES if status not in ("trusted", "degraded")), NONE)
SPANS = {
    "SpanOfState": row(
        "A source was not fit, and which rule found it.",
        *ENDS, words("state"), TEXT, words("down", "unfit", "away"), words(*RULES), WHY),
    "SpanOfActive": row(
        "It was the active source.", *ENDS, words("active"), TEXT, words("active"), NOT, WHY),
    "SpanOfServed": row(
        "There was no trusted price, and what it was worth.",
        *ENDS, words("served"), NOBODY, BAD, BAD, WHY),
    "SpanOff": row("The bot did not run.", *ENDS, words("off"), NOBODY, words("off"), words(DOWN),
                   WHY),
}


def _one_of(rows: dict[str, Json], about: str) -> Json:
    return array({"oneOf": [ref(name) for name in rows]}, about)


def _place(names: str, known: Sequence[str]) -> Json:
    return array({"type": "integer", "minimum": -1, "maximum": len(known) - 1},
                 f"Places in `{names}`; -1: none.")


NEWS: dict[str, Json] = {
    "cursor": with_words(COUNT, "To ask /api/v1/board with, for what comes `after` this."),
    "since": moment("from when on no change is missing"),
    "everyMs": with_words(COUNT, "ms between two samples."),
    "changes": _one_of(CHANGES, "[at, kind, source, word, rule, why], oldest first; the first ones "
                                "say how it stood before `since`."),
    "samples": ref("Samples"),
}
SCHEMAS: dict[str, Json] = {
    "Trail": strict({
        "symbol": TEXT, "timestamp": moment("of this answer"), "instance": INSTANCE,
        "startedAt": moment("start of this process"),
        "knownSince": moment("from when on incidents are known, earlier lives included"),
        "tiers": array(words(*TIERS)), "statuses": array(words(*STATUSES)), **NEWS,
        "pastSince": moment("from when on `past` is known; it ends at `startedAt`"),
        "past": _one_of(SPANS, "[from, to, kind, source, word, rule, why]: what the record tells "
                               "of the last hour before this process.")}),
    "News": strict(NEWS, "What has happened since an earlier answer."),
    "Samples": strict({
        "at": array(moment("of each sample"), "Oldest first."),
        "price": array(or_null(POSITIVE), "What was served; null: nothing."),
        "tier": _place("tiers", TIERS), "status": _place("statuses", STATUSES),
        "sources": mapping(ref("SourceSamples"), "By source.")},
        "Columns, each as long as `at`."),
    "SourceSamples": strict({
        "price": array(or_null(POSITIVE)),
        "rate": array(or_null(SIZE), "Updates per s, of all symbols."),
        "lagMs": array(or_null(NUMBER), "ms; of its newest message, above what is usual."),
        "silentMs": array(or_null(NUMBER), "ms since its last update of this symbol.")},
        "null: not known."),
    **CHANGES, **SPANS,
}


def paths(symbols: Sequence[str]) -> Json:
    return {"/api/v1/trail": {"get": operation(
        "trail", "The last hour of one symbol, for charts", {"200": ok(ref("Trail")), **COMMON},
        parameters=[query("symbol", words(*symbols), f"Default: the first one. {ANY_SPELLING}")],
        about="To be asked once; /api/v1/board with `after` tells what comes after it.",
        tag=TAG)}}
