"""The daemon's recorder, and updates offered to it at a rate."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bot.model import MarketDataUpdate
from bot.record.recorder import Recorder

PAUSE = threading.Event().wait
SLICE_S = 0.005
CAPACITY = 50_000


@contextmanager
def recording(folder: Path) -> Iterator[Recorder]:
    """As the daemon's."""
    recorder = Recorder(folder / "analytics.duckdb", "primary", capacity=CAPACITY)
    recorder.start()
    try:
        assert recorder.wait_open(10)
        yield recorder
    finally:
        recorder.stop()
        assert recorder.join(30)
        assert recorder.failure is None


def offer(recorder: Recorder, updates: Sequence[MarketDataUpdate], rate: float, seconds: float
          ) -> tuple[int, float]:
    """rate: per s; 0: as fast as can be. Returns: how many, and the CPU s that offering took."""
    began, cpu, given = time.monotonic(), time.thread_time(), 0
    while (passed := time.monotonic() - began) < seconds:
        due = int(passed * rate) if rate else given + 100
        for number in range(given, due):
            recorder.keep(updates[number % len(updates)])
        given = due
        if rate:
            PAUSE(SLICE_S)
    return given, time.thread_time() - cpu
