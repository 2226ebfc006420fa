"""The thread that judges the sources: when it is woken, when a time is up, and now and then."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

from bot.logs.facts import facts
from bot.worker import Worker

log = logging.getLogger(__name__)

TICK_S = 0.2
SHORTEST_S = 0.01
STOOD_STILL_S = 1.0
# Judging takes 3 % of a core at most, while a round takes less than TICK_S / REST_FACTOR: there is
# no pause longer than TICK_S, however many symbols there are.
REST_FACTOR = 30.0


class Watchdog(Worker):
    """Calls `judge` at every wake-up, and when the time that it returned is up, TICK_S at the
    latest; and `summarise` every `summary_s` seconds.
    """

    def __init__(
        self,
        judge: Callable[[], float],
        summarise: Callable[[], None],
        summary_s: float,
        mono: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__("watchdog")
        self._judge = judge
        self._summarise = summarise
        self._summary_s = summary_s
        self._mono = mono
        self._woken = threading.Event()
        self._next_summary = 0.0
        self._due_s = 0.0

    def wake(self) -> None:
        """Judge now, not at the next tick. Thread: any."""
        self._woken.set()

    def stop(self) -> None:
        super().stop()
        self.wake()

    def open(self) -> None:
        self._next_summary = self._mono() + self._summary_s

    def step(self) -> None:
        planned = max(SHORTEST_S, min(TICK_S, self._summary_s, self._due_s))
        slept = self._mono()
        self._woken.wait(planned)
        self._woken.clear()
        began = self._mono()
        if began - slept - planned > STOOD_STILL_S:
            # what arrived meanwhile is still unread, and would be taken for silence
            log.warning("⚠️ [WATCHDOG] This process stood still for %.1f s", began - slept,
                        extra=facts("process_paused", duration_ms=(began - slept) * 1000))
            self.stopping.wait(TICK_S)
            began = self._mono()
        due_s = self._judge()
        self._due_s = max(due_s, REST_FACTOR * (self._mono() - began))
        now = self._mono()
        if now >= self._next_summary:
            # from the time planned, so that the period does not drift; a stall is not made up for
            self._next_summary += self._summary_s
            if self._next_summary <= now:
                self._next_summary = now + self._summary_s
            self._summarise()
