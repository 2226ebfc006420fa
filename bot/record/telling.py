"""What a recorder tells of the lives before: once their history, and each time what is missing."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from bot.incidents.incident import History, Incident
from bot.logs.facts import facts
from bot.record.mark import Loss

if TYPE_CHECKING:  # importing it loads DuckDB, which takes 45 MB
    from bot.record.before import Before

log = logging.getLogger(__name__)


class Teller:
    """losses: told so far. alive_at: last sign of life before the start, epoch s; None if there was
    none, or while nothing was looked at.
    """

    def __init__(self, instance: str, on_history: Callable[[History], None] | None,
                 on_loss: Callable[[Incident], None]) -> None:
        self.losses = 0
        self.alive_at: float | None = None
        self._instance = instance
        self._on_history, self._on_loss = on_history, on_loss
        self._looked = False

    def look(self, before: "Before") -> None:
        """The file was opened. Thread: the recorder's."""
        if not self._looked:
            self._looked, self.alive_at = True, before.alive_at
            if self._on_history is not None and before.history is not None:
                self._on_history(before.history)
        if before.loss is not None:
            self.lost(before.loss)

    def lost(self, loss: Loss) -> None:
        """Rows of a time are not in the record any more. Thread: any."""
        self.losses += 1
        log.error("📊 [DUCKDB] Lost: %s", loss.cause,
                  extra=facts("record_lost", reason=loss.cause))
        self._on_loss(loss.incident(self._instance))
