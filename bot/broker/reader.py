"""Tier 2: the prices of other instances, read from a Kafka topic.

The client of kafka-python is disposable: an outage raises nothing, and after some faults its next
`poll` never returns (3.0.12: whenever a fetched batch could not be decoded). So it is thrown away
after anything it raises, when it is silent and the broker does not answer a question either, and
when the broker has records that it does not bring.
"""

import logging
from collections.abc import Callable
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import msgspec

from bot.backoff import Backoff
from bot.broker.access import Access
from bot.broker.grumbles import GRUMBLES
from bot.broker.hearsay import MAX_AGE_S, TIER, Hearsay
from bot.broker.link import Link
from bot.errors import SourceError, short
from bot.model import LinkStatus, Quote
from bot.worker import Worker

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

log = logging.getLogger(__name__)

NAME = "kafka-reader"
POLL_MS = 200
QUIET_S = 1.5  # without a record, and the broker is asked whether there are any
ASK_MS = 500
GIVE_UP_S = 6.0  # without an answer, and the client is thrown away
CLOSE_MS = 300
BACKOFF_S, BACKOFF_CAP_S = 0.2, 2.0


class TopicReader(Worker):
    """Follows every partition of a topic from its end, and answers as a tier of the chain.

    lag: records that the broker had and that were not read yet, when it was last heard.
    rebuilt: how many clients were thrown away.
    """

    tier = TIER
    synthetic = False

    def __init__(
        self, access: Access, topic: str, hearsay: Hearsay, link: Link,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        super().__init__(NAME)
        self.topic = topic
        self.link = link
        self.hearsay = hearsay
        self._access = access
        self._mono, self._wall = mono, wall
        self._backoff = Backoff(BACKOFF_S, BACKOFF_CAP_S)
        self._consumer: KafkaConsumer | None = None
        self._retry_at = 0.0
        self._heard_at = 0.0  # monotonic s of the last sign of life
        self._seeded = False
        self._skip_backlog = False
        self._next: dict[TopicPartition, int] = {}  # the offset after the last one read
        self._withheld = 0  # times in a row that the broker had more than the client brought
        self.lag = 0
        self.rebuilt = 0

    def quote(self, symbol: str) -> Quote:
        """Raises: NoQuote, StaleQuote, UntrustedQuote. Thread: any."""
        try:
            return self.hearsay.quote(symbol)
        except SourceError as error:
            up, why, _ = self.link.state
            if up:
                raise
            raise type(error)(f"{error}; {why}") from error

    @property
    def status(self) -> LinkStatus:
        counts = msgspec.structs.asdict(self.hearsay.counts)
        return LinkStatus(self.topic, "read", *self.link.state, self.lag,
                          counts | {"rebuilt": self.rebuilt})

    def step(self) -> None:
        now = self._mono()
        if self._consumer is None:
            if now < self._retry_at:
                self.stopping.wait(min(POLL_MS / 1000, self._retry_at - now))
                return
            self._consumer = self._opened(now)
        try:
            self._follow(self._consumer)
        except Exception as error:  # it raises whatever went wrong inside, down to AssertionError
            self._skip_backlog = True  # what cannot be read now cannot be read again either
            self._renew(f"{type(error).__name__}: {short(error)}")
        self.hearsay.judge()

    def close(self) -> None:
        self._dispose()

    def _opened(self, now: float) -> "KafkaConsumer":
        consumer = self._access.consumer(NAME)
        consumer.subscribe([self.topic])
        self._heard_at = now
        self._seeded, self._next, self._withheld = self._skip_backlog, {}, 0
        self._skip_backlog = False
        return consumer

    def _follow(self, consumer: "KafkaConsumer") -> None:
        batches: dict[Any, list[Any]] = consumer.poll(timeout_ms=POLL_MS)
        if batches:
            self.hearsay.take(record for batch in batches.values() for record in batch)
            self._next |= {at: batch[-1].offset + 1 for at, batch in batches.items()}
            self.lag = sum(max(0, (consumer.highwater(at) or 0) - offset)
                           for at, offset in self._next.items())
            self._heard()
        if not self._seeded and consumer.assignment():
            self._seed(consumer)
        now = self._mono()
        if now - self._heard_at >= QUIET_S:
            self._ask(consumer, now)
        if GRUMBLES.storms(NAME):
            self._renew(self._words("its errors storm"))

    def _heard(self) -> None:
        self._heard_at = self._mono()
        self._withheld = 0
        self._backoff.reset()
        self.link.up()

    def _seed(self, consumer: "KafkaConsumer") -> None:
        """Begin with what may still be fresh, so that a price is there at once."""
        since = int((self._wall() - MAX_AGE_S) * 1000)
        found = consumer.offsets_for_times(
            {at: since for at in consumer.assignment()}, timeout_ms=ASK_MS)
        self._seeded = True
        for at, first in found.items():
            if first is not None:
                consumer.seek(at, first.offset)

    def _ask(self, consumer: "KafkaConsumer", now: float) -> None:
        """Nothing came for a while: is the market quiet, or does nobody answer?"""
        try:
            ends = consumer.end_offsets(list(consumer.assignment()), timeout_ms=ASK_MS)
        except Exception as error:
            ends, fault = {}, f"{type(error).__name__}"
        else:
            fault = "its topic is not known yet"
        if not ends:
            self.link.down(self._words(fault))
            if now - self._heard_at >= GIVE_UP_S:
                self._renew(self.link.state[1])
            return
        withheld = sum(end - self._next.setdefault(at, end) for at, end in ends.items())
        if withheld <= 0:
            self._heard()
            return
        self._withheld += 1
        if self._withheld > 2:
            self._renew(f"the broker has {withheld} records that do not arrive")

    def _words(self, otherwise: str) -> str:
        return GRUMBLES.last_words(NAME) or f"no answer from {self._access.words} ({otherwise})"

    def _renew(self, why: str) -> None:
        """Throw the client away; a new one follows after a pause."""
        self.link.down(why)
        self._dispose()
        self.rebuilt += 1
        self._retry_at = self._mono() + self._backoff.next_s()

    def _dispose(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
        except Exception as error:
            log.debug("kafka-python: %s while it was closed", error)
        GRUMBLES.forget(NAME)
