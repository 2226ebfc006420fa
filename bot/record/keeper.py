"""What may be recorded, by any thread, without waiting."""

import logging
from collections.abc import Mapping

from bot.incidents.incident import Incident
from bot.judging.journal import Note
from bot.logs.facts import facts
from bot.model import FeedHealth, Quote
from bot.record.pile import Pile
from bot.record.rows import Happened, Sample, Served
from bot.worker import Worker

log = logging.getLogger(__name__)


class Keeper(Worker):
    """`keep` and the `record_` methods may be called from any thread, cost about a microsecond and
    never wait or raise.

    written, dropped, rejected: rows stored, refused by the full or stopped queue, and refused by
    the database for a value in them.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__("recorder")
        self._capacity = capacity
        self._pile = Pile(capacity)
        self._dropped_before, self._refusing = 0, False

    @property
    def pending(self) -> int:
        """Rows accepted and not yet written."""
        return self._pile.pending

    @property
    def written(self) -> int:
        return self._pile.written

    @property
    def dropped(self) -> int:
        return self._pile.dropped

    @property
    def rejected(self) -> int:
        return self._pile.rejected

    def keep(self, note: Note) -> None:
        """Of the journal: updates, and what else the judgement is told."""
        self._pile.put(note)

    def record_served(self, quote: Quote, at_ms: int) -> None:
        """at_ms: moment of the answer, epoch ms."""
        self._pile.put(Served(quote, at_ms))

    def record_event(
        self,
        kind: str,
        *,
        source: str | None,
        symbol: str | None,
        reason: str,
        at_ms: int,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """detail: further fields, stored as JSON; what JSON has no form for is stored as text."""
        copied = None if detail is None else dict(detail)
        self._pile.put(Happened(kind, source, symbol, reason, at_ms, copied))

    def record_sample(self, health: FeedHealth, active: bool, at_ms: int) -> None:
        """The state of a source at a health check. at_ms: epoch ms."""
        self._pile.put(Sample(health, active, at_ms))

    def record_incident(self, incident: Incident) -> None:
        """Kept also when the queue is full: incidents are few, and that is one of them."""
        self._pile.put(incident, spare=True)

    def _tell_of_refusals(self) -> None:
        """One line each time that it begins. Thread: the recorder's."""
        if self.dropped != self._dropped_before and not self._refusing:
            log.warning("📊 [DUCKDB] The queue of %d rows is full: new rows are refused and counted",
                        self._capacity, extra=facts("rows_refused"))
        self._refusing = self.dropped != self._dropped_before
        self._dropped_before = self.dropped
