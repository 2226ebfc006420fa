"""Operations, their parameters and their answers."""

from collections.abc import Mapping, Sequence

from bot.web.openapi.shapes import Json, ref, with_words
from bot.web.problems import PROBLEM

JSON = "application/json"


def operation(
    name: str, summary: str, answers: Mapping[str, Json], *, about: str = "", tag: str,
    parameters: Sequence[Json] = (), body: Json | None = None, sent_as: str = JSON,
    open_to_all: bool = False,
) -> Json:
    """name: its operationId. sent_as: mimetype of `body`. open_to_all: it wants no token."""
    told: Json = {"operationId": name, "summary": summary, "tags": [tag]}
    if about:
        told["description"] = about
    if parameters:
        told["parameters"] = list(parameters)
    if body is not None:
        told["requestBody"] = {"required": True, "content": {sent_as: {"schema": body}}}
    told["responses"] = dict(answers)
    if open_to_all:
        told["security"] = []
    return told


def query(name: str, schema: Json, about: str, required: bool = False) -> Json:
    return {"name": name, "in": "query", "required": required, "description": about,
            "schema": schema}


def in_path(name: str, schema: Json, about: str) -> Json:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def ok(schema: Json, about: str = "", headers: Mapping[str, Json] | None = None) -> Json:
    return reply(about or "The answer.", {JSON: schema}, headers)


def reply(
    about: str, content: Mapping[str, Json], headers: Mapping[str, Json] | None = None
) -> Json:
    """content: mimetype -> schema."""
    told: Json = {"description": about}
    if headers:
        told["headers"] = dict(headers)
    if content:
        told["content"] = {mimetype: {"schema": schema} for mimetype, schema in content.items()}
    return told


def refusal(about: str, schema: str = "Problem", headers: Mapping[str, Json] | None = None) -> Json:
    """An error with problem details (RFC 9457)."""
    return reply(about, {PROBLEM: ref(schema)}, headers)


def header(about: str, schema: Json, required: bool = False) -> Json:
    return {"description": about, "required": required, "schema": schema}


CHALLENGE = {"WWW-Authenticate": header("Which scheme to use.", {"type": "string"}, True)}
ETAG = {"ETag": header("Send it as If-None-Match to be told whether anything changed.",
                       {"type": "string"}),
        "Cache-Control": header("Whether and how it may be kept.", {"type": "string"})}
SAME = reply("It is what If-None-Match says.", {}, ETAG)
BAD = refusal("A parameter cannot be used, or is not known; or the request is addressed to another "
              "host than this one. `detail` says which, and what would do.")
NOT_KNOWN = refusal("Neither the bearer token nor a browser's cookie is right.", headers=CHALLENGE)
COMMON = {"400": BAD, "401": NOT_KNOWN}
# what a POST may be told besides
POSTED = {
    **COMMON,
    "413": refusal("The body has more than 1000 bytes."),
    "415": refusal("The body is not sent as application/json, which no form of another site can "
                   "send."),
}
FOREIGN = "The `Origin` is a page of another site"

PROBLEMS: dict[str, Json] = {
    "type": {"type": "string", "const": "about:blank"},
    "title": {"type": "string", "description": "The status in words."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": {"type": "string", "description": "What is wrong, and what would do."},
}
INSTANCE = with_words({"type": "string", "minLength": 1}, "INSTANCE_ID of the bot that answers.")
AS_URI: dict[str, Json] = {"instance": {
    "type": "string", "format": "uri-reference",
    "description": "INSTANCE_ID of the bot that answers, percent-encoded."}}
