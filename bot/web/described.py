"""/openapi.json."""

from flask import Flask, Response, request

from bot.exchanges import ALL
from bot.web.openapi import document
from bot.web.problems import answer, validated
from bot.web.view import View

PATH = "/openapi.json"


def add_description(app: Flask, view: View) -> None:
    """It is made when it is asked for: seldom, and in a few milliseconds."""

    @app.get(PATH)
    def description() -> Response:
        exchanges = [status.exchange for status in view.source_statuses()]
        body = document(view.symbols, exchanges or tuple(ALL), request.headers.get("Host"))
        return validated(answer(body), request)
