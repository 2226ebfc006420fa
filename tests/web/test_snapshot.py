import os
from pathlib import Path
from typing import Any

import pytest

from bot.record.analyst import TooBusy
from bot.record.recorder import Recorder
from bot.record.snapshots import Snapshots
from bot.record.watch import TookTooLong
from tests.record.test_recorder import recording
from tests.web.fakes import FakeView
from tests.web.test_app import ask, problem

PATH = "/api/v1/snapshot"


def post(view: FakeView, token: str | None = None, **options: Any) -> Any:
    return ask(view, token=token).post(PATH, **({"json": {}} | options))


class Failing(Snapshots):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def take(self, gone: object = None) -> Any:
        raise self._error


def test_a_snapshot_is_told_with_place_time_and_size(view: FakeView, tmp_path: Path) -> None:
    path = tmp_path / "analytics.duckdb"
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        view.snapshots = Snapshots(recorder)
        answer = post(view)
        assert answer.status_code == 200
        body = answer.get_json()
        assert list(body) == ["instance", "file", "takenAt", "tookMs", "bytes"]
        assert body["instance"] == "primary"
        assert os.path.getsize(body["file"]) == body["bytes"]
        assert body["file"] == f"{path.resolve()}.snapshot/record.duckdb"


def test_only_who_may_act_may_have_one(view: FakeView) -> None:
    assert problem(post(view, "geheim"), 401)
    assert problem(post(view, headers={"Origin": "https://evil.example"}), 403)
    assert problem(post(view, json=None, data="{}"), 415)
    assert problem(post(view, json={"file": "/etc/passwd"}), 400)
    assert problem(ask(view).get(PATH), 405)


def test_why_there_is_none_is_told(view: FakeView, tmp_path: Path) -> None:
    assert "ENABLE_DUCKDB is off" in problem(post(view), 503)["detail"]
    view.snapshots = Snapshots(Recorder(tmp_path / "x", "primary"))
    assert problem(post(view), 503)["detail"] == "not open yet"


@pytest.mark.parametrize("error, status, later", [
    (TooBusy("a snapshot is being taken; ask again"), 503, "1"),
    (TookTooLong("not ready"), 504, None)])
def test_later_it_may_be_another_answer(
    view: FakeView, error: Exception, status: int, later: str | None
) -> None:
    view.snapshots = Failing(error)
    answer = post(view)
    assert problem(answer, status)["detail"] == str(error)
    assert answer.headers.get("Retry-After") == later


def test_it_takes_a_seat_of_those_who_ask_the_record(view: FakeView) -> None:
    with view.analyst.seat(), view.analyst.seat():
        assert post(view).headers["Retry-After"] == "1"
