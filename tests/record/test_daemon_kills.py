"""kill -9 of the whole bot, again and again, while it records from the practice exchanges."""

import time
from pathlib import Path
from typing import Any

import duckdb

from bot.record.schema import FILLED
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import Daemon, daemon
from tests.test_daemon import settings

KILLS = 10


def test_a_bot_that_is_killed_again_and_again_keeps_what_it_committed(tmp_path: Path) -> None:
    committed = 0  # rows that some bot said were
    ends: list[float] = []
    with Sandbox(rate=200) as sandbox:
        for number in range(KILLS):
            with daemon(tmp_path, settings(sandbox)) as bot:
                bot.wait_for("Analytics Database Initialized")
                told = eventually(lambda: recorded(bot, 30 + number * 20), 15)
                committed += told["written"]
                assert (told["dropped"], told["rejected"], told["losses"]) == (0, 0, 0)
            ends.append(time.time())  # on leaving it is killed
    with duckdb.connect(str(tmp_path / "data/analytics.duckdb")) as con:
        every = " UNION ALL ".join(f"SELECT seq FROM {table}" for table in FILLED)
        ((rows, places),) = con.execute(
            f"SELECT count(*), count(DISTINCT seq) FROM ({every})").fetchall()
        assert rows == places >= committed
        spans = con.execute("SELECT epoch(opened_at), epoch(closed_at) FROM incidents"
                            " WHERE rule = 'down' ORDER BY 1").fetchall()
        assert con.execute("SELECT count(*) FROM incidents WHERE rule = 'lost'").fetchall() == [
            (0,)]
        assert con.execute("SELECT count(*) FROM openings").fetchall() == [(KILLS,)]
    assert len(spans) == KILLS - 1
    for (opened, closed), end in zip(spans, ends):
        assert opened <= end + 0.1 and closed >= end - 0.1


def recorded(bot: Daemon, rows: int) -> dict[str, Any] | None:
    """How the recorder is, once it has written so many."""
    told = bot.json("/api/v1/recorder")
    return told if told["written"] > rows else None
