"""Writes every update, and every price served, to Kafka; never on the threads that bring them.

The client of kafka-python is disposable and holds nothing of value: what it has not acknowledged
stays here and is sent again by the next one. So a record may be written twice, with the same number
(instance, sequence), and none is lost before the outbox is full.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import msgspec

from bot.backoff import Backoff
from bot.broker.access import Access, Spoilt, ended, is_records
from bot.broker.grumbles import GRUMBLES
from bot.broker.link import Link
from bot.broker.outbox import Numbered, Outbox
from bot.broker.wire import Record, served_record, update_record
from bot.errors import named, short
from bot.folding import Fold
from bot.logs.facts import facts
from bot.model import LinkStatus, MarketDataUpdate
from bot.worker import Deadline, Worker

if TYPE_CHECKING:
    from kafka import KafkaProducer

log = logging.getLogger(__name__)

CAPACITY = 20_000  # records: 20 s at 1,000 a second, in about 10 MB; up to twice that on the way
MOST_OUTSTANDING = 2_000
IDLE_S = 0.25
GATHER_S = 0.02  # between turns: a request costs several times what a record in it does
LOOK_S = 0.05
QUIET_S = 2.0  # without an acknowledgement of what waits for one, and the link is down
GIVE_UP_S = 6.0  # and the client is thrown away
FLUSH_S = 0.8
BACKOFF_S, BACKOFF_CAP_S = 0.2, 2.0


class Update(msgspec.Struct, frozen=True, gc=False):
    update: MarketDataUpdate

    @property
    def key(self) -> object:
        return self.update.exchange, self.update.symbol, self.update.type

    @property
    def symbol(self) -> str:
        return self.update.symbol

    def record(self, instance: str, sequence: int) -> Record:
        return update_record(self.update, instance, sequence)


class Served(msgspec.Struct, frozen=True):
    """told: as the API tells it. at_ms: epoch ms."""

    symbol: str
    told: Mapping[str, object]
    at_ms: int

    @property
    def key(self) -> object:
        return "served", self.symbol

    def record(self, instance: str, sequence: int) -> Record:
        return served_record(self.symbol, self.told, instance, sequence, self.at_ms)


Item = Update | Served
Underway = tuple[Numbered[Item], Any]  # and kafka-python's future


class TopicWriter(Worker):
    """Sends what `put` is given to one topic.

    `put` is for any thread, costs about a microsecond, and never waits or raises.

    acknowledged, refused: records, by the broker. rebuilt: clients that were thrown away.
    """

    def __init__(
        self, name: str, access: Access, topic: str, link: Link,
        report: Callable[[str, int], None] = lambda reason, count: None,
        capacity: int = CAPACITY,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        """report: told of refused records, and how often it was seen."""
        super().__init__(name)
        self.topic, self.link, self.capacity = topic, link, capacity
        self._access = access
        self._mono = mono
        self._fold = Fold(report)
        self._backoff = Backoff(BACKOFF_S, BACKOFF_CAP_S)
        self._spoilt = Spoilt()
        # microseconds of the start: the numbers of a later run are higher
        self._outbox: Outbox[Item] = Outbox(capacity, int(wall() * 1e6))
        self._awake = threading.Event()
        self._producer: KafkaProducer | None = None
        # monotonic s; heard: the last acknowledgement, or when none was due
        self._retry_at = self._heard_at = self._next_turn = 0.0
        self._underway: deque[Underway] = deque()
        self.acknowledged = self.refused = self.rebuilt = 0

    @property
    def dropped(self) -> int:
        """Records whose place a newer one took."""
        return self._outbox.dropped

    @property
    def waiting(self) -> int:
        return len(self._outbox) + len(self._underway)

    @property
    def status(self) -> LinkStatus:
        return LinkStatus(self.topic, "write", *self.link.state, self.waiting, {
            "acknowledged": self.acknowledged, "dropped": self.dropped, "refused": self.refused,
            "rebuilt": self.rebuilt})

    def put(self, item: Item) -> None:
        self._outbox.put(item)
        if not self._awake.is_set():
            self._awake.set()

    def stop(self) -> None:
        super().stop()
        self._awake.set()

    def open(self) -> None:
        GRUMBLES.forget(self.name)

    def step(self) -> None:
        self._awake.wait(LOOK_S if self._underway else IDLE_S)
        self.stopping.wait(max(0.0, self._next_turn - self._mono()))
        self._awake.clear()
        self._next_turn = self._mono() + GATHER_S
        self._turn()

    def close(self) -> None:
        """Send what is left, for FLUSH_S at most."""
        deadline, gather = Deadline(FLUSH_S, self._mono), threading.Event()
        while self.waiting and not deadline.passed and self.link.is_up:
            self._turn()
            gather.wait(GATHER_S)
        if self.waiting:
            log.warning("📨 [KAFKA] %d records for %s were not sent", self.waiting, self.topic,
                        extra=facts("kafka_unsent", source="kafka", count=self.waiting))
        self._dispose()

    def _turn(self) -> None:
        now = self._mono()
        self._fold.remind(now)
        self._outbox.gather()
        if self._producer is None and now < self._retry_at:
            return
        self._spoilt.turn(self.refused, self.acknowledged)
        try:
            if self._producer is None:
                self._producer = self._access.producer(self.name)
                self._heard_at = now
            self._send(self._producer)
            self._settle()
        except Exception as error:  # the library raises whatever went wrong inside it
            self._dispose()  # all that it had is sent again, in order
            if not self._spoilt.excuses(error, self.refused):
                self._renew(GRUMBLES.last_words(self.name) or named(error))
            return
        self._judge(self._mono())

    def _send(self, producer: "KafkaProducer") -> None:
        """Raises: whatever kafka-python does when it cannot take a record."""
        while len(self._underway) < MOST_OUTSTANDING and (numbered := self._outbox.take()):
            sequence, item = numbered
            record = item.record(self._access.instance, sequence)
            try:
                future = producer.send(self.topic, record.value, record.key, record.headers,
                                       timestamp_ms=record.timestamp_ms)
            except Exception as error:
                if self._is_refused(error):
                    continue
                self._outbox.give_back([numbered])
                if type(error).__name__ == "KafkaTimeoutError":
                    return  # it does not know the topic yet: a log-in from far away takes a while
                raise
            self._underway.append((numbered, future))

    def _settle(self) -> None:
        """See what became of what is under way, oldest first. Raises: the fault of a record."""
        before = self.acknowledged
        while self._underway and (future := self._underway[0][1]).is_done:
            if future.failed() and not self._is_refused(future.exception):
                raise future.exception
            self._underway.popleft()
            self.acknowledged += future.succeeded()
        if self.acknowledged > before:
            self._heard_at = self._mono()
            self._backoff.reset()
            if not self.link.is_up:
                GRUMBLES.forget(self.name)
                self.link.up()

    def _judge(self, now: float) -> None:
        """Is something due for too long?"""
        if not self.waiting:
            self._heard_at = now
        why = GRUMBLES.last_words(self.name) or f"no answer from {self._access.words}"
        if GRUMBLES.storms(self.name) or now - self._heard_at >= GIVE_UP_S:
            self._renew(why)
        elif now - self._heard_at >= QUIET_S:
            self.link.down(why)

    def _is_refused(self, error: Exception) -> bool:
        """Whether it is a fault of the record, which is then counted and told."""
        if not is_records(error):
            return False
        self.refused += 1
        self._fold.tell(type(error).__name__, f"{self.topic} refuses a record: {short(error)}",
                        self._mono())
        return True

    def _renew(self, why: str) -> None:
        """Throw the client away; a new one follows after a pause, with what this one had."""
        self.link.down(why)
        self._dispose()
        self._retry_at = self._mono() + self._backoff.next_s()

    def _dispose(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            ended(producer)
            GRUMBLES.calm(self.name)
            self.rebuilt += 1
        self._outbox.give_back(self._unsettled())
        self._underway.clear()

    def _unsettled(self) -> list[Numbered[Item]]:
        """What has no acknowledgement, and what followed it of its symbol: the newest is last."""
        again: list[Numbered[Item]] = []
        symbols = set()
        for numbered, future in self._underway:
            if future.is_done and future.succeeded() and numbered[1].symbol not in symbols:
                self.acknowledged += 1
            elif not (future.is_done and future.failed() and self._is_refused(future.exception)):
                symbols.add(numbered[1].symbol)
                again.append(numbered)
        return again
