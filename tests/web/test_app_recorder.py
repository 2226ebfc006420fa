"""/api/v1/recorder: how the record is at this moment."""

from bot.model import ArchiveStatus, RecordStatus
from bot.web.app import create_app
from tests.web.fakes import FakeView

NOW = 1704067200.456


def asked(view: FakeView) -> bytes:
    client = create_app(view, token=None, trusted_hosts=None, clock=lambda: NOW).test_client()
    answer = client.get("/api/v1/recorder")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    body: bytes = answer.data
    return body


def test_says_that_nothing_is_recorded(view: FakeView) -> None:
    assert asked(view) == b'{"enabled":false,"instance":"primary","timestamp":1704067200456}'


def test_it_is_told_word_by_word(view: FakeView) -> None:
    view.record = RecordStatus(
        active=True, state="recording", waiting=12, capacity=50_000, written=99, dropped=1,
        rejected=2, losses=3, last_commit_at=1704067200000, commit_last_ms=4.56789,
        commit_p99_ms=20.0, commit_max_ms=None, file_bytes=1_000, wal_bytes=0, free_bytes=None,
        is_low=False, lost_window_ms=1270, archive=ArchiveStatus("2023-12-31", ""))
    assert asked(view) == (
        b'{"enabled":true,"active":true,"state":"recording","diskLow":false,"waiting":12,'
        b'"capacity":50000,"written":99,"dropped":1,"rejected":2,"losses":3,'
        b'"lastCommitAt":1704067200000,'
        b'"commitLastMs":4.568,"commitP99Ms":20.0,"commitMaxMs":null,"lostWindowMs":1270,'
        b'"fileBytes":1000,"walBytes":0,"freeBytes":null,'
        b'"archive":{"lastDay":"2023-12-31","state":null},"instance":"primary",'
        b'"timestamp":1704067200456}')
