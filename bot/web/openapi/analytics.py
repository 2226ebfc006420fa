"""Questions about the record: what each takes, and the rows it gives."""

from collections.abc import Sequence

from bot.causes import TIERS
from bot.model import STATUSES
from bot.record.asked import MOST_ROWS, SERVED
from bot.record.bars import WIDTHS
from bot.record.questions import QUESTIONS
from bot.web.openapi.answers import (
    COMMON, ETAG, INSTANCE, JSON, SAME, header, ok, operation, query, refusal, reply,
)
from bot.web.openapi.history import INCIDENT
from bot.web.openapi.prices import ANY_SPELLING
from bot.web.openapi.record import RECORD_FAULTS
from bot.web.openapi.shapes import (
    BOOLEAN, COUNT, NUMBER, POSITIVE, SIZE, TEXT, Json, array, mapping, moment, or_null, ref,
    strict, words,
)
from bot.web.spans import FORMATS, MIMETYPES, PAGE, TYPES

TAG = "analytics"
ISO = (r"^20\d\d-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)"
       r"|02-(0[1-9]|1\d|2[0-8]))([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?Z?)?$")
MOMENT: Json = {"anyOf": [
    {"type": "integer", "minimum": 946_684_800_000, "maximum": 4_102_444_799_999},
    {"type": "string", "pattern": ISO}]}
WRITTEN = "epoch ms, or ISO 8601 (UTC where no zone is given)"

OPENED = moment("start of the interval")
BPS = NUMBER | {"description": "1/10,000"}
ROWS: dict[str, dict[str, Json]] = {
    "candles": {
        "openedAt": OPENED, **dict.fromkeys(("open", "high", "low", "close"), POSITIVE),
        "volume": or_null(SIZE), "trades": COUNT, "complete": BOOLEAN},
    "ticks": {
        "receivedAt": moment("receipt"), "eventAt": or_null(moment("the exchange's stamp")),
        "exchange": TEXT, "symbol": TEXT, "type": words(*TYPES), "price": POSITIVE,
        "volume": or_null(SIZE), "bid": or_null(POSITIVE), "ask": or_null(POSITIVE),
        "eventId": or_null({"type": "integer"})},
    "spread": {
        "openedAt": OPENED, "meanBps": BPS, "worstBps": BPS,
        "worstAt": moment("the second of the worst"), "lowExchange": TEXT, "low": POSITIVE,
        "highExchange": TEXT, "high": POSITIVE, "seconds": COUNT},
    "provenance": {
        "from": moment("first answer"), "to": moment("last answer"), "symbol": TEXT,
        "source": words(*TIERS), "exchange": or_null(TEXT),
        "exchanges": or_null(TEXT, "Those that an average is made of, with commas between them."),
        "status": or_null(words(*STATUSES)), "prices": COUNT, "reason": or_null(TEXT)},
    "latency": {
        "source": TEXT, "messages": COUNT,
        **{f"{name}{part}Ms": or_null(NUMBER) for name in ("lag", "gap")
           for part in ("P50", "P90", "P99", "Max")},
        "pings": COUNT, **{f"ping{part}Ms": or_null(NUMBER)
                           for part in ("P50", "P90", "P99", "Max")}},
    "incidents": INCIDENT,
    "summary": {
        "day": moment("its midnight"), "updates": COUNT, "served": COUNT,
        **{f"from{tier.title()}": COUNT for tier in TIERS}, **dict.fromkeys(STATUSES, COUNT),
        "switches": COUNT, "incidents": COUNT, "worstGapMs": or_null(SIZE)},
}


def _answer(name: str) -> Json:
    paged = {"next": or_null(TEXT, "`cursor` of the next page.")} if QUESTIONS[name].paged else {}
    return strict({
        "question": words(name), "from": moment("from which on it was answered"),
        "to": moment("up to which, itself not included"),
        "rows": array(strict(ROWS[name])), **paged, "instance": INSTANCE})


SCHEMAS: dict[str, Json] = {
    "Questions": strict({
        "questions": mapping(strict({"about": TEXT, "required": array(TEXT),
                                     "parameters": array(TEXT)})),
        "formats": array(TEXT), "mostRows": COUNT, "instance": INSTANCE}),
    **{f"{name.title()}Answer": _answer(name) for name in QUESTIONS},
}


def paths(symbols: Sequence[str], exchanges: Sequence[str]) -> Json:
    listed = {"/api/analytics": {"get": operation(
        "questions", "What can be asked of the record",
        {"200": ok(ref("Questions")), **COMMON}, tag=TAG)}}
    return listed | {f"/api/analytics/{name}": {"get": operation(
        f"ask{name.title()}", question.about.capitalize(), _answers(name),
        parameters=_parameters(name, symbols, exchanges), tag=TAG)}
        for name, question in QUESTIONS.items()}


def _answers(name: str) -> Json:
    content = dict.fromkeys(MIMETYPES.values(), TEXT) | {JSON: ref(f"{name.title()}Answer")}
    content[MIMETYPES["parquet"]] = {}
    headers = dict(ETAG)
    together = "a range that has no length or is too long, or too many rows"
    if QUESTIONS[name].paged:
        together += "; or a cursor that is not `next` of a page of this range"
        headers["Next-Cursor"] = header("`cursor` of the next page, where it is not in the body.",
                                        TEXT)
    return {
        "200": reply("The rows, as `format` says.", content, headers),
        "304": SAME, **COMMON,
        "422": refusal(f"Each parameter could be used, but not all of them together: {together}."),
        **RECORD_FAULTS,
    }


def _parameters(name: str, symbols: Sequence[str], exchanges: Sequence[str]) -> list[Json]:
    known: dict[str, tuple[Json, str]] = {
        "from": (MOMENT, f"{WRITTEN}; default: an hour before `to`."),
        "to": (MOMENT, f"{WRITTEN}; itself not included; default: now. With one that is past the "
                       "answer has an ETag."),
        "symbol": (words(*symbols), ANY_SPELLING),
        "exchange": (words(*((SERVED,) if name == "candles" else ()), *exchanges),
                     "Only of this one."),
        "exchanges": ({"type": "array", "items": words(*exchanges), "minItems": 2,
                       "uniqueItems": True}, "Two or more; default: all."),
        "interval": (words(*WIDTHS) | {"default": "1s" if name == "spread" else "1m"},
                     f"At most {MOST_ROWS} of them."),
        "type": (words(*TYPES), "Only updates of this type."),
        "limit": ({"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE},
                  "Rows of a page."),
        "cursor": ({"type": "string", "minLength": 1, "maxLength": 64},
                   "`next` of the page before."),
        "format": (words(*FORMATS) | {"default": "json"}, "The same names and values in each."),
    }
    question = QUESTIONS[name]
    told = []
    for parameter in ("from", "to", *question.names, "format"):
        schema, about = known[parameter]
        one = query(parameter, schema, about, parameter in question.required)
        told.append(one | {"explode": False} if schema.get("type") == "array" else one)
    return told
