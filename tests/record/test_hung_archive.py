"""An archive that does not answer, as on a mount whose server is gone: FIFOs in place of files."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import RecorderError
from bot.record import rounds, watch
from bot.record.analyst import Analyst
from bot.record.archivist import Archivist
from bot.record.asked import Asked
from bot.record.owner import NAME
from bot.record.questions import QUESTIONS
from bot.record.recorder import Recorder
from bot.record.watch import TookTooLong
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import daemon
from tests.record.test_archive import archived, path, restless, trade  # noqa: F401  # fixtures
from tests.record.test_recorder import recording
from tests.test_daemon import settings

YESTERDAY = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0,
                                      microsecond=0) - timedelta(days=1)
YESTERDAY_MS = int(YESTERDAY.replace(tzinfo=UTC).timestamp() * 1000)
ASKED = Asked(YESTERDAY, YESTERDAY + timedelta(days=1), datetime.now(UTC).replace(tzinfo=None))
# A bot whose archive is told of sooner.
QUICK = ("-c", "import sys, bot.__main__, bot.record.rounds as rounds; rounds.HUNG_S = 1.0; "
               "sys.exit(bot.__main__.main([]))")


def fill(recorder: Recorder) -> None:
    for number in range(50):
        recorder.keep(trade(YESTERDAY_MS + number * 1000, number))
    eventually(lambda: recorder.pending == 0)
    archived(recorder, YESTERDAY + timedelta(days=1, hours=1))


@contextmanager
def hung(file: Path) -> Iterator[None]:
    """Whoever opens it waits; at the end they all get their answer."""
    kept = file.rename(file.with_suffix(".kept"))
    os.mkfifo(file)
    try:
        yield
    finally:
        over = threading.Event()

        def release() -> None:
            while not over.wait(0.01):
                os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))

        releasing = threading.Thread(target=release)
        releasing.start()
        eventually(lambda: not any(thread.name in ("question", "archive")
                                   for thread in threading.enumerate()))
        over.set()
        releasing.join()
        file.unlink()
        kept.rename(file)


def asking() -> list[int | None]:
    """The threads that ask the record."""
    return [thread.ident for thread in threading.enumerate() if thread.name == "question"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PATIENCE_S", 0.1)
    monkeypatch.setattr(rounds, "HUNG_S", 0.2)


@pytest.mark.usefixtures("impatient")
def test_who_asks_is_told_so_and_given_back_his_thread(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder)
        analyst = Analyst(recorder, timeout_s=0.1)
        with hung(next(recorder.archive.glob("updates/*/*.parquet"))):
            for _ in range(2):
                with pytest.raises(TookTooLong, match="no end: .*archive, or the disk of .* does"):
                    analyst.ask(QUESTIONS["ticks"], ASKED)
            left = asking()
            with pytest.raises(RecorderError, match="nothing more is asked: 2 before this have"):
                analyst.ask(QUESTIONS["ticks"], ASKED)
            # nothing is begun that one would have to wait for
            assert asking() == left and len(left) == 2 and recorder.active
        analyst = Analyst(recorder)
        assert len(analyst.ask(QUESTIONS["ticks"], ASKED).rows) == 50


@pytest.mark.usefixtures("impatient")
def test_the_archivist_says_so_and_can_be_stopped(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        fill(recorder)
        with hung(recorder.archive / NAME):
            archivist = Archivist(recorder, 30)
            archivist.start()
            eventually(lambda: " has not answered for " in archivist.state)
            assert archivist.record().archive and archivist.looks == 0
            began = time.monotonic()
            archivist.stop()
            assert archivist.join(5) and archivist.failure is None
            assert time.monotonic() - began < 1.5


def test_a_bot_beside_it_goes_on_and_stops_in_time(tmp_path: Path) -> None:
    with recording(tmp_path / "data" / "analytics.duckdb") as recorder:
        assert recorder.wait_open(5)
        for number in range(50):
            recorder.keep(trade(YESTERDAY_MS + number * 1000, number))
        eventually(lambda: recorder.pending == 0)
        archivist = Archivist(recorder, 30, settle_s=0.0)
        archivist.start()
        eventually(lambda: archivist.looks)
        archivist.stop()
        assert archivist.join(5)
        updates = next(recorder.archive.glob("updates/*/*.parquet"))
        for file in (updates, recorder.archive / NAME):
            file.unlink()
            os.mkfifo(file)
    ask = f"/api/analytics/ticks?from={YESTERDAY_MS}&to={YESTERDAY_MS + 86_400_000}"
    with Sandbox(rate=50) as sandbox, daemon(tmp_path, settings(sandbox), program=QUICK) as bot:
        bot.wait_for("is served from websocket")
        told: list[int] = []
        askers = [threading.Thread(target=lambda: told.append(bot.get(ask, patience=10).status_code)
                                   ) for _ in range(2)]
        for asker in askers:
            asker.start()
        eventually(lambda: " has not answered for " in (
            bot.json("/api/v1/recorder")["archive"]["state"] or ""), 15)
        for asker in askers:
            asker.join(15)
        assert told == [504, 504]
        refused = bot.get(ask)
        assert refused.status_code == 503 and "nothing more is asked" in refused.json()["detail"]
        assert bot.price()["trusted"] and bot.json("/api/v1/recorder")["active"]
        began = time.monotonic()
        assert bot.terminate() == 0
        assert time.monotonic() - began < 5.5
