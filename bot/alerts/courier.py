"""The thread that tells people: facts in, messages out. Whoever brings a fact waits for nobody."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic, time

from bot.alerts import letter
from bot.alerts.case import Told
from bot.alerts.cases import Cases
from bot.alerts.delivery import Delivery
from bot.alerts.facts import Facts, Happening, Severity
from bot.alerts.memory import Left, Memory
from bot.alerts.thing import Pace
from bot.logs.facts import clean, facts
from bot.model import AlertStatus, OpenAlert
from bot.worker import Deadline, Worker

log = logging.getLogger(__name__)

CAPACITY = 20_000  # happenings that wait for the thread, which several times a second takes all
TICK_S = 0.25
END_S = 0.5  # for what is still to be told when the bot stops


class Courier(Worker):
    """Thread: alerts, but for `put` and `status`."""

    def __init__(
        self,
        instance: str,
        least: Severity,
        home: str,
        deliveries: Sequence[Delivery],
        pace: Pace = Pace(),
        rehearsed: Callable[[str], bool] = lambda symbol: False,
        memory: Memory | None = None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """least: of what is told. home, rehearsed: see Facts. memory: without one nothing is kept.
        """
        super().__init__("alerts")
        self._least = least
        self._mono, self._wall = mono, wall
        self._deliveries = tuple(deliveries)
        self._facts = Facts(home, rehearsed)
        self._instance = clean(instance)
        self._cases = Cases(self._instance, least, pace)
        self._memory = memory or Memory()
        self._kept = 0  # changes that the memory knows of
        # appended to by any thread, emptied by this one, which a deque allows without a lock
        self._inbox: deque[tuple[Happening, float, float]] = deque()
        self._wake = threading.Event()
        self._dropped = 0
        self._shown: dict[str, OpenAlert] = {}  # what was told and is not over, by its id
        self._status = self._look()

    def put(self, event: Happening) -> None:
        """Thread: any; takes a microsecond."""
        if len(self._inbox) >= CAPACITY:
            self._dropped += 1
            return
        self._inbox.append((event, self._mono(), self._wall()))
        self._wake.set()

    @property
    def status(self) -> AlertStatus:
        """As of the last turn. Thread: any."""
        return self._status

    def stop(self) -> None:
        super().stop()
        self._wake.set()

    def open(self) -> None:
        self._memory.open()

    def step(self) -> None:
        self._wake.wait(TICK_S if self._is_busy else self._memory.rest_s)
        self._wake.clear()
        self._turn()
        # so that what comes in a burst is taken together
        self.stopping.wait(TICK_S / 5)

    def close(self) -> None:
        """What can be told in a moment still is."""
        deadline, pause = Deadline(END_S), threading.Event()
        self._turn()
        while self._is_at_work and not deadline.passed:
            pause.wait(min(TICK_S / 10, deadline.left_s))
            self._turn()
        self._memory.close()
        left = sum(one.status.waiting for one in self._deliveries)
        if left:
            log.warning("📣 [ALERTS] Not told before the stop: %d", left,
                        extra=facts("alerts_unsent", count=left))

    @property
    def _is_at_work(self) -> bool:
        return self._memory.is_busy or any(one.is_sending for one in self._deliveries)

    @property
    def _is_busy(self) -> bool:
        return (self._cases.is_busy or self._facts.is_waiting or self._memory.is_busy
                or not all(one.is_idle for one in self._deliveries))

    def _turn(self) -> None:
        while self._inbox:
            event, now, wall = self._inbox.popleft()
            fact, move = self._facts.of(event)
            if fact is not None:
                self._cases.take(fact, now, wall)
            if move is not None:
                self._cases.move(move, now)
        now, wall = self._mono(), self._wall()
        for fact in self._facts.retold():
            self._cases.take(fact, now, wall)
        for told in self._cases.due(now, wall):
            self._show(told)
            for delivery in self._deliveries:
                delivery.put(told)
        for delivery in self._deliveries:
            delivery.turn()
        self._remember(wall)
        self._status = self._look()

    def _remember(self, wall: float) -> None:
        """Keep what is open now, and close what an earlier life left open."""
        changes = sum(one.changes for one in self._deliveries)
        if changes != self._kept:
            self._kept = changes
            self._memory.keep(known(self._deliveries))
        for left in self._memory.turn():
            told = left.closed(self._instance, wall)
            for delivery in self._deliveries:
                delivery.adopt(left, told)

    def _show(self, told: Told) -> None:
        if told.closed_at is None:
            self._shown[told.id] = OpenAlert(
                told.id, told.severity.word, letter.title(told), told.opened_at)
        else:
            self._shown.pop(told.id, None)

    def _look(self) -> AlertStatus:
        return AlertStatus(self._least.word, tuple(one.status for one in self._deliveries),
                           tuple(self._shown.values()), self._cases.brief, self._dropped)


def known(deliveries: Sequence[Delivery]) -> tuple[Left, ...]:
    """What some of them told and is not over there."""
    found: dict[str, Left] = {}
    for delivery in deliveries:
        for told, messages in delivery.known:
            left = found.setdefault(told.id, Left(
                told.id, told.revision, told.severity, max(0.0, told.opened_at),
                told.before or letter.title(told), {}))
            left.messages[delivery.name] = messages
    return tuple(found.values())
