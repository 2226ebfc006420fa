"""The record of the daemon put together: who writes, who archives, who answers questions."""

from bot.config import Config
from bot.incidents.ledger import Ledger
from bot.judging.journal import Journal
from bot.model import RecordStatus
from bot.record.analyst import Analyst
from bot.record.archivist import Archivist
from bot.record.recorder import Recorder
from bot.record.snapshots import Snapshots
from bot.worker import Worker

OPEN_S = 2.0  # the start waits so long for the database, and goes on without it


class Recording:
    """recorder: None with ENABLE_DUCKDB off; then nothing is kept, and every question is refused.

    journal: for the judgement. workers: in the order in which they are started.
    """

    def __init__(self, config: Config, ledger: Ledger) -> None:
        self._ledger = ledger
        self.recorder: Recorder | None = None
        self._archivist: Archivist | None = None
        self.journal = Journal()
        self.workers: list[Worker] = []
        if config.enable_duckdb:
            recorder = self.recorder = Recorder(
                config.duckdb_path, config.instance_id, archive=config.archive_dir,
                on_history=ledger.adopt, on_loss=ledger.lost,
                poll_interval_ms=config.poll_interval_ms)
            self._archivist = Archivist(recorder, config.retention_days)
            self.journal = Journal(
                recorder.keep, lambda: recorder.dropped + recorder.rejected + recorder.past.losses,
                config.instance_id)
            self.workers = [recorder, self._archivist]
            ledger.keep(recorder.record_incident)
        self.analyst = Analyst(self.recorder)
        self.snapshots = Snapshots(self.recorder)

    def start(self) -> None:
        """Start, and give the database a moment to open."""
        for worker in self.workers:
            worker.start()
        if self.recorder is not None:
            self.recorder.wait_open(OPEN_S)

    def look(self) -> None:
        """Have rows that were refused told. Thread: main loop only, about every second."""
        if self.recorder is not None:
            self._ledger.refused(self.recorder.dropped, self.recorder.condition)

    @property
    def status(self) -> RecordStatus | None:
        return self._archivist.record() if self._archivist else None
