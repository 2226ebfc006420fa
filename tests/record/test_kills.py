"""kill -9 at any moment: nothing that was committed is lost, nothing is there twice."""

import random
from pathlib import Path

from tests.record.lives import cut_short


def test_what_was_committed_survives_every_kill(tmp_path: Path) -> None:
    """The long version of it is in tests/bench."""
    found = cut_short(tmp_path / "analytics.duckdb", 10, random.Random(7), longest_s=0.5)
    assert (found.lost, found.uncovered) == (0, 0)
    assert found.acknowledged > 1_000 and found.batches > 20
