"""Errors of the API: RFC 9457 problem details, or `{"error": ...}` under /api/websocket/."""

from http import HTTPStatus
from urllib.parse import quote

import msgspec
from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from bot.errors import RecorderError
from bot.record.analyst import TooBusy
from bot.record.watch import TookTooLong

PROBLEM = "application/problem+json"
# instead of the words of Werkzeug, which speaks to who types addresses into a browser
OWN = {
    404: "nothing is at this address; GET /api lists what there is",
    405: "not with this method; the header Allow names those that are possible",
    500: "an internal fault; it is in the bot's log",
}
KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


def problem(status: int, detail: str, **members: object) -> dict[str, object]:
    """The members of RFC 9457; `members` extend them and come last."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status,
            "detail": detail, **members}


def answer(body: object, status: int = 200, mimetype: str = "application/json") -> Response:
    return Response(msgspec.json.encode(body), status, mimetype=mimetype)


def validated(response: Response, asked: Request) -> Response:
    """With an ETag; 304 for who has it already. It may be kept, but not used without asking."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(asked.environ)
    return response


def refuse(status: int, detail: str, instance: str, **members: object) -> Response:
    """instance: INSTANCE_ID, written as the URI reference that RFC 9457 wants there."""
    body = problem(status, detail, **members, instance=quote(instance, safe=""))
    return answer(body, status, PROBLEM)


def not_told(error: RecorderError, instance: str) -> Response:
    """Why nothing can be told of the record, and whether it is worth asking again."""
    response = refuse(504 if isinstance(error, TookTooLong) else 503, str(error), instance)
    if isinstance(error, TooBusy):
        response.headers["Retry-After"] = "1"
    return response


def explain_errors(app: Flask, instance: str) -> None:
    """Have `app` answer every HTTP error here; what a handler raises becomes a 500 without detail.

    Flask logs the traceback of the latter; the client never sees one.
    """

    def explain(error: HTTPException) -> Response:
        status = error.code or 500
        detail = error.description
        if detail is None or detail == type(error).description:
            detail = OWN.get(status, HTTPStatus(status).phrase)
        if request.path.startswith("/api/websocket/"):
            response = answer({"error": detail}, status)
        else:
            response = refuse(status, detail, instance)
        for name, value in error.get_headers(request.environ):
            if name in KEPT:
                response.headers[name] = value
        return response

    app.register_error_handler(HTTPException, explain)
