"""Who asks the record too much, or in vain, is told so, and nobody else notices."""

import os
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.record.analyst import Analyst, TooBusy, TooManyRows
from bot.record.asked import Asked, Past, Question, Sql
from bot.record.recorder import Recorder
from bot.record.watch import NobodyWaits, TookTooLong
from bot.worker import Detached
from tests.helpers import PATIENCE_S, eventually
from tests.record.test_recorder import recording

ASKED = Asked(datetime(2026, 9, 1), datetime(2026, 9, 2), datetime(2026, 9, 2), limit=10)
ENDLESS = "SELECT count(*) FROM range(100_000_000_000) a, range(1_000_000) b"


def asking(sql: str, paged: bool = False) -> Question:
    def build(asked: Asked, past: Past) -> Sql:
        return sql, []

    return Question("", (), (), lambda _: timedelta(days=1), build, paged=paged)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "analytics.duckdb"


def wait_open(recorder: Recorder) -> None:
    assert recorder.wait_open(5)


def test_a_bot_without_a_record_says_so() -> None:
    with pytest.raises(RecorderError, match="ENABLE_DUCKDB is off"):
        Analyst().ask(asking("SELECT 1"), ASKED)


def test_a_record_that_is_not_open_is_told_with_its_state(path: Path) -> None:
    with pytest.raises(RecorderError, match="not open yet"):
        Analyst(Recorder(path, "primary")).ask(asking("SELECT 1"), ASKED)


def test_the_answer_has_names_and_rows(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        answer = Analyst(recorder).ask(asking('SELECT 1 AS "oneTwo", NULL AS none'), ASKED)
    assert answer == (("oneTwo", "none"), [(1, None)], False, None)


def test_more_rows_than_allowed_are_another_page_or_an_error(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        analyst = Analyst(recorder)
        assert not analyst.ask(asking("FROM range(10)"), ASKED).more
        page = analyst.ask(asking("FROM range(11) t(i) ORDER BY i", paged=True), ASKED)
        assert page.more and page.rows == [(number,) for number in range(10)]
        after = ASKED._replace(after=(ASKED.since, 10))
        assert analyst.ask(asking("FROM range(11) t(i) ORDER BY i"), after).rows == [(10,)]
        with pytest.raises(TooManyRows, match="more than 10 rows, which is the most"):
            analyst.ask(asking("FROM range(11)"), ASKED)


def test_a_question_that_takes_too_long_is_interrupted(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        analyst = Analyst(recorder, timeout_s=0.2)
        began = time.monotonic()
        with pytest.raises(TookTooLong, match="no answer within 0.2 s"):
            analyst.ask(asking(ENDLESS), ASKED)
        assert time.monotonic() - began < 2.0
        assert analyst.ask(asking("SELECT 1"), ASKED).rows == [(1,)]


def test_a_question_nobody_waits_for_is_interrupted(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        began = time.monotonic()
        with pytest.raises(NobodyWaits):
            Analyst(recorder).ask(asking(ENDLESS), ASKED, lambda: time.monotonic() > began + 0.1)
        assert time.monotonic() - began < 2.0


def test_no_thread_is_left_of_a_question(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        before = threading.active_count()
        with pytest.raises(RecorderError):
            Analyst(recorder, timeout_s=0.1).ask(asking(ENDLESS), ASKED)
        Analyst(recorder).ask(asking("SELECT 1"), ASKED)
        assert threading.active_count() == before


def test_two_may_ask_at_once_and_the_third_is_told_at_once(path: Path) -> None:
    """While the two still ask, however long that takes."""
    analyst = Analyst(Recorder(path, "primary"))

    def third() -> None:
        with analyst.seat():
            pass

    with analyst.seat(), analyst.seat():
        asking = Detached("third", third)
        assert asking.wait(PATIENCE_S)
        with pytest.raises(TooBusy, match="2 questions are being answered"):
            asking.result()
    with analyst.seat():
        pass


def test_parquet_holds_the_same_rows_and_leaves_no_file(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        forgotten = recorder.archive / "answers" / "forgotten.parquet"
        forgotten.parent.mkdir(parents=True)
        forgotten.touch()
        os.utime(forgotten, (0, 0))
        answer = Analyst(recorder).ask(
            asking("FROM range(20) t(i) ORDER BY i", paged=True), ASKED, parquet=True)
        assert list(forgotten.parent.iterdir()) == []
    assert answer.parquet is not None
    copy = path.with_suffix(".parquet")
    copy.write_bytes(answer.parquet)
    with duckdb.connect() as con:
        assert con.execute(f"FROM '{copy}'").fetchall() == answer.rows
    assert len(answer.rows) == 10 and answer.more


def test_a_folder_that_cannot_be_written_is_told(path: Path) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        recorder.archive.write_text("in the way")
        with pytest.raises(RecorderError, match="no Parquet file can be made: "):
            Analyst(recorder).ask(asking("SELECT 1"), ASKED, parquet=True)
        assert Analyst(recorder).ask(asking("SELECT 1"), ASKED).rows == [(1,)]


@pytest.mark.parametrize("sql, told", [
    ("SELECT nonsense", "nonsense"), ("SELECT 'x'::INTEGER", "Could not convert"),
    ("SELECT list(hash(i)) FROM range(100_000_000) t(i)", "more memory than there is"),
])
def test_what_the_database_cannot_do_is_told_in_a_line(path: Path, sql: str, told: str) -> None:
    with recording(path) as recorder:
        wait_open(recorder)
        with pytest.raises(RecorderError) as caught:
            Analyst(recorder).ask(asking(sql), ASKED)
        assert told in str(caught.value) and "\n" not in str(caught.value)
        assert recorder.active


def test_a_question_under_way_when_the_bot_stops_ends_with_it(path: Path) -> None:
    told: list[str] = []

    def look() -> bool:
        begun.set()
        return False

    def ask() -> None:
        try:
            Analyst(recorder).ask(asking(ENDLESS), ASKED, look)
        except RecorderError as error:
            told.append(str(error))

    begun = threading.Event()
    with recording(path) as recorder:
        wait_open(recorder)
        thread = threading.Thread(target=ask)
        thread.start()
        assert begun.wait(5)
    thread.join(5)
    assert not thread.is_alive()
    assert eventually(lambda: told)[0].startswith("the database was closed meanwhile")
