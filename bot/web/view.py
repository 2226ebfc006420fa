"""What the web server needs to know about the daemon, and nothing more."""

from typing import Protocol

from prometheus_client import CollectorRegistry

from bot.drills.rehearsal import Drills
from bot.incidents.ledger import Ledger
from bot.judging.explanation import Explanation
from bot.model import (
    AlertStatus, LinkStatus, ProcessStatus, Quote, RecordStatus, SourceStatus,
)
from bot.record.analyst import Analyst
from bot.record.snapshots import Snapshots
from bot.trail.trail import Trail


class View(Protocol):
    """Every member answers at once, from any thread, without I/O; what the analyst and
    the snapshots are asked, within seconds.
    """

    @property
    def instance(self) -> str:
        """INSTANCE_ID."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Canonical symbols that are served, the main one first."""

    @property
    def feeds_enabled(self) -> bool:
        """Whether ENABLE_WEBSOCKET_FEEDS is on."""

    @property
    def active_source(self) -> str | None:
        """The source that is active for the main symbol."""

    @property
    def healthy(self) -> bool:
        """Whether the active source of the main symbol is fresh."""

    @property
    def ledger(self) -> Ledger:
        """Incidents and availability."""

    @property
    def drills(self) -> Drills:
        """What may be rehearsed, and what the last drill showed."""

    @property
    def analyst(self) -> Analyst:
        """Who answers questions about the record."""

    @property
    def snapshots(self) -> Snapshots:
        """Who copies the record for other processes."""

    @property
    def record(self) -> RecordStatus | None:
        """How the recorder is; None with it switched off."""

    @property
    def alerts(self) -> AlertStatus:
        """Whom people are told through, and what they were told of."""

    @property
    def links(self) -> list[LinkStatus]:
        """What Kafka is used for, and how that goes; none with it switched off."""

    @property
    def registry(self) -> CollectorRegistry:
        """All metrics; they are looked at when they are asked for."""

    @property
    def trail(self) -> Trail:
        """The last hour."""

    @property
    def process(self) -> ProcessStatus:
        """How the daemon does as a process."""

    @property
    def tiers(self) -> dict[str, str | None]:
        """As of Chain."""

    def ask(self, symbol: str) -> tuple[Quote | None, dict[str, str]]:
        """What `quote` gives without a limit, if anything, and why tiers were passed over."""

    def source_statuses(self) -> list[SourceStatus]:
        """One for each of EXCHANGES, in that order."""

    def quote(self, symbol: str, max_age_s: float | None = None) -> Quote:
        """The chain's answer at this moment.

        max_age_s: when given, only a trusted real price that is not older will do.
        Raises: NoQuote, whose `reasons` maps each tier to why it was passed over.
        """

    def explain(self, symbol: str) -> Explanation | None:
        """Why the streams' price of a symbol is what it is, or with the feeds switched off that of
        Kafka; None without either.
        """
