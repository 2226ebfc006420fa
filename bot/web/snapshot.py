"""The snapshot: a copy of the record, which another process can open while the bot goes on."""

import msgspec
from flask import Flask, Response, request

from bot.errors import RecorderError
from bot.record.analyst import TooBusy
from bot.record.watch import TookTooLong
from bot.web.posted import posted
from bot.web.problems import answer, refuse
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
        except TookTooLong as error:
            return refuse(504, str(error), view.instance)
        except RecorderError as error:
            response = refuse(503, str(error), view.instance)
            if isinstance(error, TooBusy):
                response.headers["Retry-After"] = "1"
            return response
        return answer({"instance": view.instance, "file": str(taken.file),
                       "takenAt": taken.taken_at_ms, "tookMs": taken.took_ms,
                       "bytes": taken.size})
