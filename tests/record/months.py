"""A recorder and its archivist through simulated months."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from bot.incidents.incident import Incident
from bot.model import MarketDataUpdate
from bot.record.archivist import Archivist
from bot.record.recorder import Recorder
from tests.helpers import eventually
from tests.record.test_recorder import quote, recording

FIRST = datetime(2026, 1, 1)
FIRST_MS = int((FIRST - datetime(1970, 1, 1)).total_seconds() * 1000)
DAY_MS = 86_400_000


class Months:
    """days_kept: days of updates that are in the archive; archive_bytes: all of it."""

    def __init__(self, path: Path, rows_a_day: int, retention_days: int) -> None:
        self._path = path
        self._rows = rows_a_day
        self._retention_days = retention_days
        self._now = FIRST

    def live(self, days: int) -> list[int]:
        """Returns: the size of the DuckDB file and its log after each day was archived."""
        sizes = []
        with recording(self._path, commit_interval_s=0.005) as recorder:
            assert recorder.wait_open(5)
            archivist = Archivist(recorder, self._retention_days, now=lambda: self._now,
                                  settle_s=0.0)
            for day in range(days):
                self._day(recorder, archivist, day)
                sizes.append(sum(file.stat().st_size for file in self._path.parent.iterdir()
                                 if file.is_file()))
            for _ in range(3):  # a file goes two looks after its day did
                archivist.step()
        return sizes

    def _day(self, recorder: Recorder, archivist: Archivist, day: int) -> None:
        step = DAY_MS // self._rows
        for number in range(self._rows):
            at = FIRST_MS + day * DAY_MS + number * step
            recorder.keep(MarketDataUpdate(
                "binance", "BTCUSDT", "trade", 50_000 + number % 977 / 10, 0.1, None, None, at - 20,
                at, number * 0.001, day * self._rows + number))
            if number % 20 == 0:
                recorder.record_served(quote(), at)
            if number % (self._rows // 20) == 0:
                self._trouble(recorder, at)
        eventually(lambda: recorder.pending == 0, 30)
        self._now = FIRST + timedelta(days=day + 1, minutes=11)
        moved = archivist.archived
        archivist.step()
        assert (archivist.archived, archivist.state) == (moved + 4, "")  # with bars and events

    def _trouble(self, recorder: Recorder, at: int) -> None:
        """A source is lost, and comes back."""
        incident = Incident(
            id=f"primary-{at}", source="okx", symbol="BTCUSDT", cause="no data for 5012 ms",
            rule="silence", opened_at=at / 1000, detected_after_ms=5012.0, instance="primary")
        recorder.record_incident(incident)
        recorder.record_event("source_judged", source="okx", symbol="BTCUSDT", at_ms=at,
                              reason=incident.cause, detail={"rule": "silence"})
        recorder.record_incident(msgspec.structs.replace(
            incident, revision=2, closed_at=at / 1000 + 9, duration_ms=9_000.0))

    @property
    def days_kept(self) -> int:
        return len(list((self._path.parent / "archive" / "updates").iterdir()))

    @property
    def archive_bytes(self) -> int:
        return sum(file.stat().st_size for file in self._path.parent.rglob("*.parquet"))
