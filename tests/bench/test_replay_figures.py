"""How fast a record is played again: as the verb does it, in a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.errors import SourceError
from bot.judging.decisions import DECISIONS, Decision
from bot.record.recorder import Recorder
from tests.bench.conftest import Figure
from tests.bench.market import Daemon
from tests.helpers import eventually
from tests.processes import ROOT

pytestmark = pytest.mark.bench

UPDATES = 500_000
RATE = 200.0
SLICE = 10_000
PLAYED = re.compile(r"played (\d+) updates and (\d+) judgements of (\S+) in (\S+) s, (\d+) times")


def taker(recorder: Recorder, as_decision: Callable[[Any], Decision], at: Callable[[], int]
          ) -> Callable[[object], None]:
    def take(event: object) -> None:
        one = as_decision(event)
        recorder.record_event(one.kind, source=one.source, symbol=one.symbol, reason=one.reason,
                              at_ms=at(), detail=one.detail)
    return take


def record(path: Path) -> None:
    """Two symbols of two exchanges, judged five times a second, asked every five seconds."""
    recorder = Recorder(path, "primary", commit_interval_s=0.05)
    recorder.start()
    assert recorder.wait_open(10)
    daemon = Daemon(recorder.keep, rate=RATE)

    def at() -> int:
        return int(daemon.wall() * 1000)

    for event, as_decision in DECISIONS.items():
        daemon.aggregator.on(event, taker(recorder, as_decision, at))

    def poll(symbol: str) -> None:
        try:
            recorder.record_served(daemon.aggregator.quote_on_record(symbol), at())
        except SourceError:
            pass

    for _ in range(UPDATES // SLICE):
        daemon.run(SLICE, poll)
        eventually(lambda: recorder.pending < SLICE)
    daemon.aggregator.judge()
    recorder.stop()
    assert recorder.join(30) and not recorder.dropped and not recorder.rejected


def test_how_fast_a_record_is_played(figure: Figure, tmp_path: Path) -> None:
    path = tmp_path / "analytics.duckdb"
    record(path)
    times = []
    for _ in range(3):
        told = subprocess.run(
            [sys.executable, "-c", "import resource, sys; from bot.__main__ import main\n"
             "try: code = main(sys.argv[1:])\n"
             "except SystemExit as end: code = end.code\n"
             "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
             "sys.exit(code)", "replay", str(path)],
            env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True,
            text=True, timeout=300)
        assert told.returncode == 0, told.stderr
        found = PLAYED.search(told.stderr)
        assert found is not None, told.stderr
        updates, judgements = int(found[1]), int(found[2])
        times.append(float(found[4]))
        peak_mb = int(told.stderr.split()[-1]) / 1024
    took = sorted(times)[1]
    length = UPDATES / RATE
    figure(f"replay of {updates:,} updates, {judgements:,} judgements",
           f"{took:.1f} s, {min(times):.1f} to {max(times):.1f}: {updates / took:,.0f} updates/s, "
           f"{length / took:.0f} times as fast as {RATE:g}/s", "> 50 times")
    figure("  size of that record, peak RSS", f"{path.stat().st_size / 1e6:.1f} MB, "
           f"{peak_mb:.0f} MB", "-")
    assert updates > UPDATES * 0.99 and length / took > 50
