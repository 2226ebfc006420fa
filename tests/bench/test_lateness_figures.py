"""By how much the work on the record delays the threads of the feeds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb
import pytest

from bot.record.analyst import Analyst
from bot.record.archive import export
from bot.record.recorder import Recorder
from bot.record.schema import create_tables
from bot.record.snapshots import Snapshots
from bot.web.app import create_app
from tests.bench.conftest import Figure, spread
from tests.bench.market import FIFTY, THREE, Daemon, ticks
from tests.bench.offering import PAUSE, offer, recording
from tests.web.fakes import FakeView

pytestmark = pytest.mark.bench

TODAY = datetime(2026, 9, 22)
TODAY_S = TODAY.replace(tzinfo=UTC).timestamp()
YESTERDAY = TODAY - timedelta(days=1)
DAY_ROWS = 2_500_000
P99_S = 0.01
DAY = f"""
    INSERT INTO updates SELECT moment, moment - INTERVAL (20 + hash(i) % 60) MILLISECOND,
        ['binance', 'okx'][i % 2 + 1], if(hash(i // 3) % 2 = 0, 'BTCUSDT', 'ETHUSDT'),
        if(hash(i) % 5 = 0, 'ticker', 'trade'), round(50_000 + 100 * sin(i / 1e5), 1)
            + hash(i) % 100 / 1e2, round(exp(hash(i) % 1_000 / 100 - 8), 5),
        if(hash(i) % 5 = 0, 50_000, NULL), if(hash(i) % 5 = 0, 50_000.1, NULL),
        if(hash(i) % 5 = 0, NULL, 6_684_854_489 + i),
        500 + i * 86_400 / {DAY_ROWS} + hash(i) % 17_000 / 1e9, i
    FROM (SELECT i, date_trunc('milliseconds', TIMESTAMP '{YESTERDAY}'
        + INTERVAL (i * 86_400_000_000 // {DAY_ROWS}) MICROSECOND) AS moment
        FROM range({DAY_ROWS}) t(i))
"""


class Beside:
    """A timer that wants to wake every millisecond, and counts only what it sees while told to.

    late: by how many s it was. took: how long what it counted for took.
    """

    def __init__(self) -> None:
        self.late: list[float] = []
        self.took: list[float] = []
        self._counts = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def counting(self) -> Iterator[None]:
        self._counts, began = True, time.perf_counter()
        yield
        self.took.append(time.perf_counter() - began)
        self._counts = False

    def _tick(self) -> None:
        while not self._over.is_set():
            counted, before, began = self._counts, len(self.took), time.perf_counter()
            PAUSE(0.001)
            if counted or self._counts or len(self.took) > before:
                self.late.append(time.perf_counter() - began - 0.001)


class Scene(NamedTuple):
    recorder: Recorder
    folder: Path
    daemon: Daemon  # 50 symbols of three exchanges, on the same record
    client: Any


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A record of a whole day, open, at the beginning of the next."""
    folder = tmp_path_factory.mktemp("beside")
    with duckdb.connect(str(folder / "analytics.duckdb")) as con:
        create_tables(con)
        con.execute(DAY)
        con.execute(f"UPDATE progress SET seq = {DAY_ROWS}")
    with recording(folder) as recorder:
        daemon = Daemon(recorder.keep, FIFTY, THREE)
        daemon.fill(310.0)
        view = FakeView()
        view.analyst = Analyst(recorder)
        view.snapshots = Snapshots(recorder, young_s=0.0)
        app = create_app(view, token=None, trusted_hosts=None, clock=lambda: TODAY_S)
        yield Scene(recorder, folder, daemon, app.test_client())


def nothing(scene: Scene, beside: Beside) -> None:
    with beside.counting():
        PAUSE(1.0)


def checkpoint(scene: Scene, beside: Beside) -> None:
    """On the recorder's thread, which is the only one that makes them, at its next turn."""
    done = threading.Event()

    def task(database: Any) -> None:
        with beside.counting():
            database._con.execute("CHECKPOINT")
        done.set()

    scene.recorder.ask(task)
    assert done.wait(30)


def export_of_the_day(scene: Scene, beside: Beside) -> None:
    with scene.recorder.reading() as con, beside.counting():
        closed = export(con, scene.folder / "archive", "updates", YESTERDAY.date())
    assert closed.rows == DAY_ROWS
    (scene.folder / "archive" / closed.file).unlink()


def snapshot(scene: Scene, beside: Beside) -> None:
    with beside.counting():
        answer = scene.client.post("/api/v1/snapshot", json={})
    assert answer.status_code == 200, answer.data


def asking(path: str) -> Callable[[Scene, Beside], None]:
    def ask(scene: Scene, beside: Beside) -> None:
        with beside.counting():
            answer = scene.client.get(f"/api/analytics/{path}from={YESTERDAY.isoformat()}Z"
                                      f"&to={TODAY.isoformat()}Z")
        assert answer.status_code == 200, answer.data
    return ask


def state(scene: Scene, beside: Beside) -> None:
    with beside.counting():
        scene.daemon.note_state()
    PAUSE(0.02)  # a blob each time; the recorder must have its turn, too


BESIDE: dict[str, Callable[[Scene, Beside], None]] = {
    "nothing else": nothing, "checkpoints": checkpoint,
    f"exports of a day of {DAY_ROWS / 1e6:g} M rows": export_of_the_day, "snapshots": snapshot,
    "latency of 24 hours": asking("latency?"),
    "spread of 24 hours": asking("spread?symbol=BTCUSDT&interval=1m&"),
    "noting a State of 50 symbols, 50/s": state,
}


@pytest.mark.parametrize("what", BESIDE)
def test_how_late_a_feed_is_beside_other_work(figure: Figure, scene: Scene, what: str) -> None:
    """The recorder writes 2,000 rows/s all the time. Only what falls within the work counts."""
    recorder, over = scene.recorder, threading.Event()
    updates = list(islice(ticks(2_000.0), 30_000))

    def write() -> None:
        while not over.is_set():
            offer(recorder, updates, 2_000, 1.0)

    dropped = recorder.dropped
    writer = threading.Thread(target=write)
    with Beside() as beside:
        writer.start()
        PAUSE(2.0)
        until = time.monotonic() + 15.0
        while time.monotonic() < until:
            BESIDE[what](scene, beside)
            PAUSE(0.05)
        over.set()
        writer.join()
    each = f", {len(beside.took)} of {median(beside.took) * 1000:.1f} ms"
    figure(f"1 ms timer beside 2,000 rows/s and {what}{each}", spread(beside.late),
           f"p99 < {P99_S * 1000:.0f} ms")
    assert recorder.dropped == dropped
    assert sorted(beside.late)[int(len(beside.late) * 0.99)] < P99_S


def test_a_timer_beside_nothing(figure: Figure) -> None:
    """What the machine itself contributes to the figures above."""
    with Beside() as beside:
        with beside.counting():
            PAUSE(10.0)
    figure("1 ms timer beside nothing at all", spread(beside.late), "-")
