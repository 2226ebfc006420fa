"""What the recorder takes and what it costs."""

import time
from itertools import islice
from pathlib import Path
from statistics import median

import pytest

from tests.bench.conftest import Figure
from tests.bench.market import ticks
from tests.bench.offering import offer, recording
from tests.helpers import eventually

pytestmark = pytest.mark.bench


def rss_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.parametrize("rate", [1_000, 5_000, 20_000, 0])
def test_rows_a_second(figure: Figure, tmp_path: Path, rate: int) -> None:
    seconds = 60.0
    updates = list(islice(ticks(2_000.0), 200_000))
    with recording(tmp_path) as recorder:
        offer(recorder, updates, 1_000, 2.0)  # whatever is made at the first commit
        eventually(lambda: not recorder.pending)
        written, dropped, before = recorder.written, recorder.dropped, rss_mb()
        cpu, began = time.process_time(), time.monotonic()
        given, offering = offer(recorder, updates, rate, seconds)
        eventually(lambda: not recorder.pending, 30)
        took = time.monotonic() - began
        cpu = time.process_time() - cpu - offering
        written, dropped = recorder.written - written, recorder.dropped - dropped
        after, status = rss_mb(), recorder.status()
        commits = sorted(s * 1000 for _, s in recorder._vitals._commits)
    what = f"{rate:,} updates/s for {seconds:.0f} s" if rate else "updates as fast as can be"
    figure(f"{what}: written", f"{written:,} ({written / took:,.0f}/s), {dropped:,} refused",
           "none refused" if rate else "-")
    figure(f"{what}: CPU of the recorder", f"{cpu / written * 1e6:.1f} us a row, "
           f"{cpu / took * 100:.1f} % of a core; offering {offering / given * 1e6:.2f} us", "-")
    figure(f"{what}: commits", f"p50 {median(commits):.1f}, p99 {status.commit_p99_ms:.1f}, "
           f"max {status.commit_max_ms:.1f} ms ({len(commits)})", "-")
    figure(f"{what}: RSS", f"{before:.0f} MB at the begin, {after:.0f} at the end", "-")
    assert written + dropped == given
    assert not rate or not dropped


def test_from_which_rate_on_rows_are_refused(figure: Figure, tmp_path: Path) -> None:
    """Twenty seconds each; the queue takes up 2,500 rows/s too many for so long."""
    updates = list(islice(ticks(2_000.0), 200_000))
    taken = 0
    for rate in range(20_000, 200_001, 20_000):
        with recording(tmp_path) as recorder:
            given, _ = offer(recorder, updates, rate, 20.0)
            if recorder.dropped:
                break
            assert given > rate * 19
            taken = rate
    figure("highest rate at which none is refused", f"{taken:,} updates/s; at {rate:,} "
           f"{recorder.dropped:,} of {given:,} are", "> 5,000")
    assert taken > 5_000
