"""Questions about the record, over HTTP: named ones with parameters, no SQL from outside."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from flask import Flask, Response, abort, request

from bot.errors import RecorderError, shown
from bot.moments import in_ms
from bot.record.analyst import CHUNK_ROWS, Answer, Row, TooManyRows, breathe
from bot.record.asked import MOST_ROWS, Asked, Question
from bot.record.questions import QUESTIONS
from bot.web.problems import answer, not_told, validated
from bot.web.spans import FORMATS, MIMETYPES, page_after, read
from bot.web.status import Json
from bot.web.view import View


def add_analytics(app: Flask, view: View, clock: Callable[[], float]) -> None:
    """clock: epoch s."""

    @app.get("/api/analytics")
    def questions() -> Response:
        return answer({"questions": {
            name: {"about": one.about, "required": one.required,
                   "parameters": ("from", "to", *one.names, "format")}
            for name, one in QUESTIONS.items()}, "formats": FORMATS, "mostRows": MOST_ROWS,
            "instance": view.instance})

    @app.get("/api/analytics/<name>")
    def ask(name: str) -> Response:
        question = QUESTIONS.get(name)
        if question is None:
            abort(404, f"unknown question {shown(name)}; there are {', '.join(QUESTIONS)}")
        now = datetime.fromtimestamp(clock(), UTC).replace(tzinfo=None)
        asked, form = read(name, question, view.symbols, now)
        try:
            with view.analyst.seat():
                response = _answered(view, name, question, asked, form)
        except TooManyRows as error:
            abort(422, str(error))
        except RecorderError as error:
            return not_told(error, view.instance)
        closed = "to" in request.args and asked.until <= now
        return validated(response, request) if closed else response


def _answered(view: View, name: str, question: Question, asked: Asked, form: str) -> Response:
    gone = request.environ.get("waitress.client_disconnected", lambda: False)
    found = view.analyst.ask(question, asked, gone, form == "parquet")
    further = page_after(asked, found) if question.paged else None
    if form == "parquet":
        body = found.parquet or b""
    elif form == "csv":
        body = _csv(found)
    else:
        about: Json = {"question": name, "from": in_ms(asked.since), "to": in_ms(asked.until)}
        after: Json = {"next": further} if question.paged else {}
        body = _json(about, found, after | {"instance": view.instance})
    response = Response(body, mimetype=MIMETYPES[form])
    if form != "json":
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
        if further is not None:
            response.headers["Next-Cursor"] = further
    return response


def _json(before: Json, found: Answer, behind: Json) -> bytes:
    """One object, with `rows` in the middle, each an object of its own."""
    names = found.columns
    parts = [msgspec.json.encode([dict(zip(names, row, strict=True)) for row in chunk])[1:-1]
             for chunk in _chunks(found.rows)]
    return b"".join((msgspec.json.encode(before)[:-1], b',"rows":[', b",".join(parts), b"],",
                     msgspec.json.encode(behind)[1:]))


def _csv(found: Answer) -> bytes:
    """RFC 4180, with the names as first line; what is unknown is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(found.columns)
    for chunk in _chunks(found.rows):
        writer.writerows([_worded(value) for value in row] for row in chunk)
    return text.getvalue().encode()


def _worded(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), CHUNK_ROWS):
        if start:
            breathe()
        yield rows[start:start + CHUNK_ROWS]
