"""Lives of a recorder that are cut short: the child that records, and what is looked at afterwards.

    python -m tests.record.lives FILE FIRST CHECKPOINT

records updates numbered from FIRST on, 2,000 a second, while days of 400 of them are closed, moved
to Parquet and forgotten, all in simulated time. It tells on stdout what was committed, and what it
is about.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from bot.incidents.incident import Incident
from bot.incidents.ledger import Ledger
from bot.judging.journal import Input
from bot.model import MarketDataUpdate
from bot.record import rounds as looks
from bot.record.archivist import Archivist
from bot.record.mark import Mark
from bot.record.recorder import Recorder
from bot.record.schema import DAILY
from bot.record.whole import whole

ROOT = Path(__file__).parents[2]
FIRST_DAY = datetime(2022, 1, 1)  # never to come near the present, which counts in `inputs`
FIRST_MS = int((FIRST_DAY - datetime(1970, 1, 1)).total_seconds() * 1000)
A_DAY = 400  # updates
STEP_MS = 86_400_000 // A_DAY
KEPT_DAYS = 20
RATE = 2_000  # a second


def day_of(number: int) -> datetime:
    return FIRST_DAY + timedelta(days=number // A_DAY)


class Seen(NamedTuple):
    """What a kill left: numbers found; reopen_s: how long the file took to open."""

    highest: int
    lowest: int
    rows: int
    reopen_s: float


class Life:
    """One child. told: its lines; acknowledged: the highest number it said is committed."""

    def __init__(self, path: Path, first: int, checkpoint: str) -> None:
        self.began = time.time()
        self.acknowledged, self.offered, self.batches = first - 1, first, 0
        self.doing = "opening"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.record.lives", str(path), str(first), checkpoint],
            cwd=ROOT, text=True, stdout=subprocess.PIPE)
        self.recording = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if not line.endswith("\n"):
                break
            word, *values = line.split()
            if word == "ack":
                self.acknowledged, self.offered = int(values[0]), int(values[1])
                self.batches += 1
                self.recording.set()
            else:
                self.doing = word

    def wait_until(self, doing: str) -> None:
        """Until it says so, or for a second."""
        deadline = time.monotonic() + 1.0
        while self.doing != doing and time.monotonic() < deadline:
            time.sleep(0.0005)

    def kill(self) -> float:
        """Returns: when."""
        self.process.kill()
        at = time.time()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return at


def look(path: Path) -> Seen:
    """Every number once, without a hole but for days that were forgotten; every seq once."""
    began = time.perf_counter()
    with duckdb.connect(str(path), read_only=True) as con:
        took = time.perf_counter() - began
        folder, far = path.parent / "archive", datetime(2100, 1, 1)
        con.begin()
        updates = whole(con, folder, "updates", FIRST_DAY, far)
        ((rows, numbers, low, high),) = con.execute(
            f"SELECT count(*), count(DISTINCT event_id), min(event_id), max(event_id)"
            f" FROM {updates}").fetchall()
        assert rows == numbers, f"{rows - numbers} rows are there twice"
        assert not rows or numbers == high - low + 1, f"{high - low + 1 - numbers} rows are missing"
        assert not rows or low % A_DAY == 0, "a part of a day was forgotten"
        every = [f"SELECT seq FROM {whole(con, folder, table, FIRST_DAY, far)}" for table in DAILY]
        ((twice,),) = con.execute(
            "SELECT count(seq) - count(DISTINCT seq) FROM"
            f" ({' UNION ALL '.join(every)})").fetchall()
        assert not twice, f"{twice} seqs are there twice"
        ((batch, seq),) = con.execute("SELECT batch, seq FROM progress").fetchall()
    mark = Mark(path)
    try:
        assert mark.missing(batch, seq, None) is None
    finally:
        mark.close()
    return Seen(-1 if high is None else high, 0 if low is None else low, rows, took)


class Tally(NamedTuple):
    kills: int
    batches: int
    acknowledged: int
    lost: int
    reopened_s: list[float]
    doing: Counter[str]
    down: int
    uncovered: int


def cut_short(path: Path, kills: int, dice: random.Random, longest_s: float = 0.9) -> Tally:
    """Begin lives and kill them. Fails when a row is there twice or missing in between."""
    first = batches = lost = 0
    reopened: list[float] = []
    doing: Counter[str] = Counter()
    ends: list[tuple[float, float]] = []  # when one was killed, when the next began
    killed_at = None
    for number in range(kills + 1):
        life = Life(path, first, dice.choice(("16MB", "300KB", "1KB")))
        if killed_at is not None:
            ends.append((killed_at, life.began))
        if number and number < kills and dice.random() < 0.15:
            time.sleep(dice.uniform(0.25, 0.7))  # often while it opens the file
        else:
            assert life.recording.wait(20), "it does not record"
            time.sleep(dice.uniform(0.05, longest_s))
            if dice.random() < 0.4:
                life.wait_until(dice.choice(("exporting", "dropping", "forgetting", "committing")))
        killed_at = life.kill()
        doing[life.doing] += 1
        batches += life.batches
        if not path.exists():
            continue
        seen = look(path)
        reopened.append(seen.reopen_s)
        highest = max(seen.highest, first - 1)
        lost += max(0, life.acknowledged - highest)
        oldest = day_of(life.offered) - timedelta(days=KEPT_DAYS - 1)  # one more: it has gone on
        assert not seen.rows or day_of(seen.lowest) <= max(FIRST_DAY, oldest), "forgotten too early"
        first = highest + 1
    spans = down_spans(path)
    uncovered = sum(not any(low <= killed + 0.05 and high >= began for low, high in spans)
                    for killed, began in ends)
    return Tally(kills, batches, first, lost, reopened, doing, len(spans), uncovered)


def down_spans(path: Path) -> list[tuple[float, float]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute("SELECT epoch(opened_at), epoch(closed_at) FROM incidents"
                           " WHERE rule = 'down' ORDER BY 1").fetchall()


# ---- the child


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one line at a time, of any thread


@contextmanager
def doing(what: str) -> Iterator[None]:
    say(what)
    yield
    say("recording")


def told(module: Any, name: str, what: str) -> None:
    """Have it told when this is under way."""
    honest = getattr(module, name)

    def telling(*arguments: Any) -> Any:
        with doing(what):
            return honest(*arguments)

    setattr(module, name, telling)


def main(path: Path, first: int, checkpoint: str) -> None:
    from bot.record import archive, opening
    from bot.record.database import Database
    opening.SETTINGS["checkpoint_threshold"] = checkpoint
    looks.LOOK_EVERY_S, looks.SLICE_S = 0.0, 0.01
    told(archive, "export_rows", "exporting")
    told(Database, "drop", "dropping")
    told(Database, "forget", "forgetting")
    told(Database, "write", "committing")
    ledger = Ledger("primary", ("BTCUSDT",), ())
    incidents = 0
    number = first

    def keep(incident: Incident) -> None:
        nonlocal incidents
        incidents += 1
        recorder.record_incident(incident)

    ledger.keep(keep)
    recorder = Recorder(path, "primary", commit_interval_s=0.05, on_history=ledger.adopt,
                        on_loss=ledger.lost)
    archivist = Archivist(recorder, KEPT_DAYS, now=lambda: FIRST_DAY + timedelta(
        milliseconds=max(0, number - 1) * STEP_MS), settle_s=0.0)
    recorder.start()
    assert recorder.wait_open(10), recorder.state
    archivist.start()
    written = notes = 0
    began, pause = time.monotonic(), threading.Event().wait
    while True:
        until = first + int((time.monotonic() - began) * RATE)
        while number < until:
            at = FIRST_MS + number * STEP_MS
            recorder.keep(MarketDataUpdate("binance", "BTCUSDT", "trade", 1.0 + number % 7, 1.0,
                                           None, None, at - 5, at, 1.0, number))
            number += 1
        recorder.keep(Input("look", time.monotonic(), int(time.time() * 1000), None, None, None))
        notes += 1
        if recorder.written != written:
            written = recorder.written
            # incidents and notes among them are not updates: what is said is the least there is
            say("ack", max(first - 1, first - 1 + written - incidents - notes), number)
        assert recorder.dropped == 0 and archivist.failure is None
        pause(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
