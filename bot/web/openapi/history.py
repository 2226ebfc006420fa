"""Incidents, availability and drills."""

from collections.abc import Sequence

from bot.drills.rehearsal import FAULTS, LONGEST_S, SHORTEST_S
from bot.incidents.story import ADVICE, GUIDE
from bot.web.history import LIMIT, MOST
from bot.web.openapi.answers import (
    COMMON, FOREIGN, INSTANCE, POSTED, header, ok, operation, query, refusal,
)
from bot.web.openapi.prices import ANY_SPELLING
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, NUMBER, TEXT, Json, array, mapping, milliseconds, moment, or_null, ref,
    strict, with_words, words,
)

TAG = "history"
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
MS = or_null(milliseconds("null: not known, or none"))
WHOLE_MS = or_null(COUNT)

INCIDENT: dict[str, Json] = {
    "id": TEXT,
    "source": or_null(TEXT, "null: the price served was not trusted, or the bot itself failed."),
    "symbol": or_null(TEXT, "null: of the bot itself."), "cause": TEXT,
    "rule": words(*ADVICE, about="The same in one word, as of now or of its end."),
    "openedAt": moment("of the judgement"), "closedAt": or_null(moment("of its end")),
    "durationMs": MS, "detectedAfterMs": MS, "switchedAfterMs": MS, "blackoutMs": MS,
    "priceStepBps": or_null(NUMBER), "instance": TEXT,
}

RUNBOOK: Json = {"type": "string", "pattern": f"^{GUIDE}#[a-z-]+$".replace(".", r"\."),
                 "description": "Where more is said of it."}


def _figures(good: str) -> dict[str, Json]:
    return {good: SHARE, f"{good}Ms": COUNT, "worstGapMs": COUNT, "incidents": COUNT,
            "mtbfMs": WHOLE_MS}


SCHEMAS: dict[str, Json] = {
    "Incident": strict(INCIDENT | {
        "story": with_words(TEXT, "All of it in some sentences."),
        "advice": with_words(TEXT, "What a person can do; while it goes on, by whether there is a "
                                   "trusted price now."), "runbook": RUNBOOK}),
    "Incidents": strict({"incidents": array(ref("Incident"), "Newest first."),
                         "instance": INSTANCE}),
    "Availability": strict({
        "since": moment("from when on it is known"), "observedMs": COUNT,
        "served": array(strict({"symbol": TEXT, **_figures("trusted")})),
        "sources": array(strict({"source": TEXT, "symbol": TEXT, **_figures("fit")})),
        "instance": INSTANCE}),
    "Drill": strict({
        "state": words("running", "done", "failed"), "source": TEXT, "fault": words(*FAULTS),
        "seconds": NUMBER, "symbol": TEXT, "startedAt": moment("of the fault"),
        "report": or_null(ref("DrillReport"), "null while it is running."),
        "instance": INSTANCE}),
    "DrillReport": strict({
        **dict.fromkeys(("activeBefore", "activeDuring", "activeAfter"), or_null(TEXT)),
        "unfitAfterMs": WHOLE_MS, "switchedAfterMs": WHOLE_MS, "priceStepBps": or_null(NUMBER),
        "blackoutAnyMs": COUNT, "blackoutTrustedMs": COUNT, "worstAgeMs": WHOLE_MS,
        "statuses": mapping(COUNT, "ms during which readers saw each status."),
        "cameBack": BOOLEAN, "backAfterMs": WHOLE_MS, "interrupted": BOOLEAN}),
}


def paths(symbols: Sequence[str], exchanges: Sequence[str]) -> Json:
    wish = strict({
        "source": words(*exchanges), "fault": words(*FAULTS),
        "seconds": {"type": "number", "minimum": SHORTEST_S, "maximum": LONGEST_S, "default": 10}},
        maybe=("seconds",))
    return {
        "/api/v1/incidents": {"get": operation(
            "incidents", "Every time a source was not fit or a price not trusted",
            {"200": ok(ref("Incidents")), **COMMON}, parameters=[
                query("limit", {"type": "integer", "minimum": 1, "maximum": MOST,
                                "default": LIMIT}, "How many at most."),
                query("symbol", words(*symbols), f"Only of this one. {ANY_SPELLING}"),
                query("source", words(*exchanges), "Only of this one.")], tag=TAG)},
        "/api/v1/availability": {"get": operation(
            "availability", "How well each source and each price did",
            {"200": ok(ref("Availability")), **COMMON}, tag=TAG)},
        "/api/v1/drill": {
            "get": operation("drill", "The drill under way, or else the last one", {
                "200": ok(ref("Drill")), **COMMON,
                "404": refusal("There was none since the start.")}, tag=TAG),
            "post": operation("beginDrill", "Cut off a source, and measure what readers see", {
                "202": ok(ref("Drill"), "It begins.", {
                    "Location": header("Where its outcome will be.", TEXT, True)}),
                **POSTED,
                "403": refusal(f"Drills are switched off. Or: {FOREIGN}."),
                "409": refusal("One is under way, or the bot stops.")}, body=wish, tag=TAG)},
    }
