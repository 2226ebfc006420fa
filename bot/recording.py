"""The record of the daemon put together: who writes, who archives, who answers questions."""

from collections.abc import Callable
from time import time

from bot.config import Config
from bot.events import RecordingChanged
from bot.incidents.incident import History
from bot.incidents.ledger import Ledger
from bot.judging.journal import Journal
from bot.model import RecordStatus
from bot.record.analyst import Analyst
from bot.record.archivist import Archivist
from bot.record.recorder import NOT_OPEN, Recorder
from bot.record.snapshots import Snapshots
from bot.worker import Worker

GOOD = "good"
OPEN_S = 2.0  # the start waits so long for the database, and goes on without it


class Recording:
    """recorder: None with ENABLE_DUCKDB off; then nothing is kept, and every question is refused.

    journal: for the judgement. workers: in the order in which they are started.
    """

    def __init__(
        self, config: Config, ledger: Ledger,
        on_history: Callable[[History], None] = lambda history: None,
    ) -> None:
        """on_history: told, beside the ledger, what earlier lives left. Thread: the recorder's."""
        self._ledger = ledger
        self._was = GOOD
        self.tell: Callable[[RecordingChanged], None] = lambda event: None
        self._on_history = on_history
        self.recorder: Recorder | None = None
        self._archivist: Archivist | None = None
        self.journal = Journal()
        self.workers: list[Worker] = []
        if config.enable_duckdb:
            recorder = self.recorder = Recorder(
                config.duckdb_path, config.instance_id, archive=config.archive_dir,
                on_history=self._look_back, on_loss=ledger.lost,
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

    def _look_back(self, found: History) -> None:
        self._on_history(found)
        self._ledger.adopt(found)

    def look(self) -> None:
        """Have it told when rows are refused, and when nothing is stored or soon will not be.

        Thread: main loop only, about every second.
        """
        if self.recorder is None:
            return
        active, is_low, state = self.recorder.condition
        self._ledger.refused(self.recorder.dropped, state)
        if state == NOT_OPEN:
            return  # a start takes its time; one that fails, or hangs, has another state
        rule = "record" if not active else "disk" if is_low else GOOD
        if rule != self._was:
            self._was = rule
            self.tell(RecordingChanged(rule == GOOD, rule, state, time()))

    @property
    def status(self) -> RecordStatus | None:
        return self._archivist.record() if self._archivist else None
