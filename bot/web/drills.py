"""The drill: begun with a POST, asked after with a GET."""

import msgspec
from flask import Flask, Response, abort

from bot.drills.rehearsal import DrillState
from bot.drills.witness import Report
from bot.errors import DrillRunning
from bot.web.posted import posted
from bot.web.problems import answer
from bot.web.status import Json
from bot.web.view import View

PATH = "/api/v1/drill"
EXAMPLE = '{"source": "binance", "fault": "cut", "seconds": 10}'


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    fault: str
    seconds: float = 10.0


def add_drills(app: Flask, view: View) -> None:
    @app.get(PATH)
    def look() -> Response:
        state = view.drills.state()
        if state is None:
            abort(404, "there has been no drill since the start")
        return answer(drill(state, view.instance))

    @app.post(PATH)
    def begin() -> Response:
        if view.drills.refused is not None:
            abort(403, view.drills.refused)
        wish = posted(Wish, EXAMPLE)
        try:
            state = view.drills.begin(wish.source, wish.fault, wish.seconds)
        except ValueError as error:
            abort(400, str(error)[:300])
        except DrillRunning as error:
            abort(409, str(error))
        response = answer(drill(state, view.instance), 202)
        response.headers["Location"] = PATH
        return response


def drill(state: DrillState, instance: str) -> Json:
    return {
        "state": state.state,
        "source": state.source,
        "fault": state.fault,
        "seconds": state.seconds,
        "symbol": state.symbol,
        "startedAt": round(state.started_at * 1000),
        "report": None if state.report is None else _report(state.report),
        "instance": instance,
    }


def _report(report: Report) -> Json:
    """Whole figures: readers are looked at every 5 ms, which is as exact as the times are."""
    return {
        "activeBefore": report.active_before,
        "activeDuring": report.active_during,
        "activeAfter": report.active_after,
        "unfitAfterMs": _whole(report.unfit_after_ms),
        "switchedAfterMs": _whole(report.switched_after_ms),
        "priceStepBps": None if report.price_step_bps is None else round(report.price_step_bps, 3),
        "blackoutAnyMs": _whole(report.blackout_any_ms),
        "blackoutTrustedMs": _whole(report.blackout_trusted_ms),
        "worstAgeMs": _whole(report.worst_age_ms),
        "statuses": {status: _whole(ms) for status, ms in report.statuses.items()},
        "cameBack": report.came_back,
        "backAfterMs": _whole(report.back_after_ms),
        "interrupted": report.interrupted,
    }


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
