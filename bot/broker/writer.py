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
from bot.broker.access import Access
from bot.broker.grumbles import GRUMBLES
from bot.broker.link import Link
from bot.broker.outbox import Numbered, Outbox
from bot.broker.wire import Record, served_record, update_record
from bot.errors import short
from bot.folding import Fold
from bot.model import LinkStatus, MarketDataUpdate
from bot.worker import Deadline, Worker

if TYPE_CHECKING:
    from kafka import KafkaProducer

log = logging.getLogger(__name__)

CAPACITY = 20_000  # records: 20 s at 1,000 a second, in about 10 MB
MOST_OUTSTANDING = 2_000
IDLE_S = 0.25
GATHER_S = 0.02  # a request costs several times what a record in it does
LOOK_S = 0.05
SILENT_S = 5.0  # without an acknowledgement for what is under way
FLUSH_S = 0.8
CLOSE_S = 0.3
BACKOFF_S, BACKOFF_CAP_S = 0.2, 2.0
# Faults of a record and not of the way: it would be refused again.
REFUSED = ("MessageSizeTooLargeError", "RecordTooLargeError", "RecordListTooLargeError",
           "InvalidTimestampError", "InvalidRecordError", "CorruptRecordError")


class Update(msgspec.Struct, frozen=True, gc=False):
    update: MarketDataUpdate

    @property
    def key(self) -> object:
        return self.update.exchange, self.update.symbol, self.update.type

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
Underway = tuple[Numbered[Item], float, Any]  # when it was sent, and kafka-python's future


class TopicWriter(Worker):
    """Sends what `put` is given to one topic.

    `put` is for any thread, costs about a microsecond, and never waits or raises.

    acknowledged, refused: records that the broker has, and that it does not take. rebuilt: how
    many clients were thrown away.
    """

    def __init__(
        self, name: str, access: Access, topic: str, link: Link,
        report: Callable[[str, int], None] = lambda reason, count: None,
        capacity: int = CAPACITY,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        """report: told of refused records, and how often it was seen."""
        super().__init__(name)
        self.topic = topic
        self.link = link
        self._access = access
        self._report = report
        self._mono = mono
        self._fold = Fold()
        self._backoff = Backoff(BACKOFF_S, BACKOFF_CAP_S)
        # microseconds of the start: the numbers of a later run are higher
        self._outbox: Outbox[Item] = Outbox(capacity, int(wall() * 1e6))
        self._awake = threading.Event()
        self._producer: KafkaProducer | None = None
        self._retry_at = 0.0
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

    def step(self) -> None:
        self._awake.wait(LOOK_S if self._underway else IDLE_S)
        self.stopping.wait(GATHER_S)
        self._awake.clear()
        self._turn()

    def close(self) -> None:
        """Send what is left, for FLUSH_S at most."""
        deadline, gather = Deadline(FLUSH_S, self._mono), threading.Event()
        while self.waiting and not deadline.passed and self.link.is_up:
            self._turn()
            gather.wait(GATHER_S)
        if self.waiting:
            log.warning("📨 [KAFKA] %d records for %s were not sent", self.waiting, self.topic)
        self._dispose()

    def _turn(self) -> None:
        now = self._mono()
        self._outbox.gather()
        if self._producer is None and now >= self._retry_at:
            self._producer = self._access.producer(self.name)
        if self._producer is None:
            return
        try:
            self._send(self._producer)
            self._settle(now)
        except Exception as error:  # the library raises whatever went wrong inside it
            self._renew(GRUMBLES.last_words(self.name)
                        or f"{type(error).__name__}: {short(error)}")

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
                raise
            self._underway.append((numbered, self._mono(), future))

    def _settle(self, now: float) -> None:
        """See what became of what is under way, oldest first. Raises: the fault of a record."""
        settled = 0
        while self._underway and self._underway[0][2].is_done:
            future = self._underway[0][2]
            if future.failed() and not self._is_refused(future.exception):
                raise future.exception
            self._underway.popleft()
            self.acknowledged += future.succeeded()
            settled += future.succeeded()
        if settled:
            self._backoff.reset()
            self.link.up()
        elif self._underway and now - self._underway[0][1] >= SILENT_S:
            raise TimeoutError(f"no acknowledgement from {self._access.words} for {SILENT_S:g} s")
        if GRUMBLES.storms(self.name):
            raise TimeoutError("its errors storm")

    def _is_refused(self, error: Exception) -> bool:
        """Whether it is a fault of the record, which is then counted and told."""
        if type(error).__name__ not in REFUSED:
            return False
        self.refused += 1
        if count := self._fold.count(type(error).__name__, self._mono()):
            self._report(f"{self.topic} refuses a record: {short(error)}", count)
        return True

    def _renew(self, why: str) -> None:
        """Throw the client away; a new one follows after a pause, with what this one still had."""
        self.link.down(why)
        self._dispose()
        self.rebuilt += 1
        self._retry_at = self._mono() + self._backoff.next_s()

    def _dispose(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            ended(producer)
            GRUMBLES.forget(self.name)
        # those that were acknowledged in the meantime are sent again: twice is harmless
        self._outbox.give_back([numbered for numbered, _, future in self._underway
                                if not (future.is_done and future.succeeded())])
        self._underway.clear()


def ended(producer: "KafkaProducer") -> None:
    """End a client at once. Its own `close` would wait for brokers that do not answer, then raise
    and leave its thread running (3.0.12); what it held is not lost, for it is held here.
    """
    force_close = getattr(getattr(producer, "_sender", None), "force_close", None)
    try:
        if force_close is not None:
            force_close()
        producer.close(CLOSE_S)
    except Exception as error:
        log.debug("kafka-python: %s while it was closed", error)
