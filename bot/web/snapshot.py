"""The snapshot: a copy of the record, which another process can open while the bot goes on."""

import msgspec
from flask import Flask, Response, request

from bot.errors import RecorderError
from bot.web.posted import posted
from bot.web.problems import answer, not_told
from bot.web.view import View

PATH = "/api/v1/snapshot"


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """There is nothing to choose."""


def add_snapshot(app: Flask, view: View) -> None:
    @app.post(PATH)
    def take() -> Response:
        posted(Nothing, "{}")
        gone = request.environ.get("waitress.client_disconnected", lambda: False)
        try:
            with view.analyst.seat():
                taken = view.snapshots.take(gone)
        except RecorderError as error:
            return not_told(error, view.instance)
        return answer({"instance": view.instance, "file": str(taken.file),
                       "takenAt": taken.taken_at_ms, "tookMs": taken.took_ms,
                       "bytes": taken.size})
