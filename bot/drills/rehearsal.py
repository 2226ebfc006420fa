"""Rehearsals: a source of the running bot is cut off on purpose, and what readers see is measured.

The fault is put on the feed itself and takes itself off again; everything else is the bot's own
work, with real prices and for real consumers.
"""

import logging
import math
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic, time
from typing import Literal, Protocol, get_args

import msgspec

from bot.drills.witness import Report, Witness
from bot.errors import DrillRunning, NoQuote, shown
from bot.feeds.drill import DrillFault
from bot.incidents.ledger import Ledger
from bot.logs.facts import facts
from bot.model import Quote
from bot.worker import Worker

log = logging.getLogger(__name__)

FAULTS: tuple[DrillFault, ...] = get_args(DrillFault)
SHORTEST_S, LONGEST_S = 1.0, 300.0
SAMPLE_S = 0.005
RECOVER_S = 60.0  # so long after the fault a source is waited for
RETURN_S = 5.0  # and, once it is fit, so much longer than FAILBACK_AFTER for its return


class Drillable(Protocol):
    """A feed, as far as rehearsals are concerned. Both may be called from any thread."""

    def drill(self, fault: DrillFault, seconds: float) -> None:
        """Put the fault on, for so long at most."""

    def end_drill(self) -> None:
        """Take it off, if one is on."""


class Stage(msgspec.Struct, frozen=True):
    """Where rehearsals take place. active, fit: who is active for `symbol`, and whether a source
    is fit. quote: what the chain gives, as of View; failback_s: how long a fit primary waits."""

    symbol: str
    feeds: Mapping[str, Drillable]
    active: Callable[[], str | None]
    fit: Callable[[str], bool]
    quote: Callable[[str, float | None], Quote]
    failback_s: float


class DrillState(msgspec.Struct, frozen=True):
    """started_at: epoch s. report: when it is done."""

    state: Literal["running", "done", "failed"]
    source: str
    fault: str
    seconds: float
    symbol: str
    started_at: float
    report: Report | None


class Rehearsal(Worker):
    """One drill, from the fault to the end of the recovery. report: set when it is over."""

    def __init__(
        self, stage: Stage, ledger: Ledger, source: str, fault: DrillFault, seconds: float,
        mono: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__("drill")
        self.report: Report | None = None
        self._stage, self._ledger = stage, ledger
        self._source, self._fault, self._seconds = source, fault, seconds
        self._mono = mono
        self._ends = self._fit_since = math.inf
        self._witness: Witness | None = None
        self._over = False

    def open(self) -> None:
        now = self._mono()
        self._ends = now + self._seconds
        self._witness = Witness(self._source, now, self._ends)
        self._sample(self._witness)
        log.info("🧪 [DRILL] %s: %s for %g s begins", self._source, self._fault, self._seconds,
                 extra=facts("drill_started", source=self._source, reason=self._fault,
                             duration_ms=self._seconds * 1000))
        self._ledger.drill(self._source, f"drill: {self._fault} for {self._seconds:g} s",
                           self._seconds)
        self._stage.feeds[self._source].drill(self._fault, self._seconds)

    def step(self) -> None:
        if self.stopping.wait(SAMPLE_S):
            return
        assert self._witness is not None, "made in open()"
        self._sample(self._witness)
        now = self._mono()
        waited_enough = now >= min(self._ends + RECOVER_S, self._fit_since + RETURN_S
                                   + self._stage.failback_s)
        if now >= self._ends and (self._witness.back or waited_enough):
            self._over = True
            self.stop()

    def close(self) -> None:
        self._stage.feeds[self._source].end_drill()
        self._ledger.drill_ended()
        if self._witness is not None:
            self.report = self._witness.report(self._mono(), interrupted=not self._over)
            log.info("🧪 [DRILL] %s: %s ended: %s", self._source, self._fault,
                     in_short(self.report),
                     extra=facts("drill_ended", source=self._source, reason=self._fault))

    def _sample(self, witness: Witness) -> None:
        stage = self._stage
        now, fit = self._mono(), stage.fit(self._source)
        if now >= self._ends:
            self._fit_since = min(self._fit_since, now) if fit else math.inf
        witness.sample(now, stage.active(), fit, self._quote(None), self._quote(math.inf))

    def _quote(self, max_age_s: float | None) -> Quote | None:
        try:
            return self._stage.quote(self._stage.symbol, max_age_s)
        except NoQuote:
            return None


def why_refused(enabled: bool, token: str | None) -> str | None:
    """What has to be set before a bot may be drilled; None when it is."""
    missing = [name for name, there in (("ENABLE_DRILL=true", enabled), ("API_TOKEN", bool(token)))
               if not there]
    if not missing:
        return None
    return f"drills are switched off; set {' and '.join(missing)} and start the bot again"


class Drills:
    """At most one drill at a time, and the last one's outcome. Thread: any."""

    def __init__(
        self, stage: Stage, ledger: Ledger, refused: str | None = None,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        """refused: why there are no drills here, and what to do about it."""
        self.refused = refused
        self._stage, self._ledger = stage, ledger
        self._mono, self._wall = mono, wall
        self._lock = Lock()  # guards _drill, _told and _stopped
        self._drill: Rehearsal | None = None
        self._told: DrillState | None = None
        self._stopped = False

    def begin(self, source: str, fault: str, seconds: float) -> DrillState:
        """Start a drill. Raises: ValueError, saying what is allowed; DrillRunning."""
        if source not in self._stage.feeds:
            raise ValueError(f"source: must be one of {', '.join(self._stage.feeds) or 'none'}, "
                             f"got {shown(source)}")
        known = next((word for word in FAULTS if word == fault), None)
        if known is None:
            raise ValueError(f"fault: must be one of {', '.join(FAULTS)}, got {shown(fault)}")
        if not SHORTEST_S <= seconds <= LONGEST_S:  # false for NaN, too
            raise ValueError(f"seconds: must be from {SHORTEST_S:g} to {LONGEST_S:g}, "
                             f"got {seconds:g}")
        with self._lock:
            if self._stopped or self._drill is not None and self._drill.alive:
                raise DrillRunning("a drill is under way, or the bot stops; try again later")
            self._drill = Rehearsal(self._stage, self._ledger, source, known, seconds, self._mono)
            self._told = DrillState("running", source, fault, seconds, self._stage.symbol,
                                    self._wall(), None)
            self._drill.start()
            return self._told

    def state(self) -> DrillState | None:
        """The drill under way, or else the last one; None before the first."""
        with self._lock:
            drill, told = self._drill, self._told
        if drill is None or told is None or drill.alive:
            return told
        word: Literal["done", "failed"] = "failed" if drill.failure else "done"
        return msgspec.structs.replace(told, state=word, report=drill.report)

    def end(self) -> list[Worker]:
        """No drills from now on. Returns: the thread to stop, if one was ever started."""
        with self._lock:
            self._stopped = True
            return [] if self._drill is None else [self._drill]


def in_short(report: Report) -> str:
    """For one line of the log."""
    parts = [f"{report.active_before or 'none'} -> {report.active_during or 'none'}"]
    if report.switched_after_ms is not None:
        parts.append(f"switched after {report.switched_after_ms:.0f} ms")
    parts.append(f"no trusted price for {report.blackout_trusted_ms:.0f} ms")
    if report.interrupted:
        parts.append("interrupted")
    elif report.back_after_ms is not None:
        parts.append(f"all as before {report.back_after_ms / 1000:.1f} s after its end")
    else:
        parts.append("fit again" if report.came_back else "NOT fit again")
    return ", ".join(parts)
