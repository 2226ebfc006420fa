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
from bot.errors import SourceError, named
from bot.model import LinkStatus, Quote
from bot.worker import Worker

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

log = logging.getLogger(__name__)

NAME = "kafka-reader"
POLL_MS = 200
QUIET_S = 1.5  # without a record, and the broker is asked whether there are any
ASK_EVERY_S = 5.0  # while records flow: a partition of several may be stuck
ASK_MS = 500
STUCK_S = 1.5  # a partition whose records do not arrive
GIVE_UP_S = 6.0  # without an answer, and the client is thrown away
STEADY_S = 5.0  # a client that follows one that raised is believed in after this
SEED_TRIES = 3
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
        self._asked_at = 0.0
        self._believed_at = 0.0  # monotonic s from which a sign of life makes the link good
        self._seeded: set[TopicPartition] = set()
        self._seed_tries = SEED_TRIES
        # the offset a partition stood at, and the same while the broker has more, and since when
        self._stood: dict[TopicPartition, int] = {}
        self._behind: dict[TopicPartition, tuple[int | None, float]] = {}
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

    def open(self) -> None:
        GRUMBLES.forget(NAME)

    def step(self) -> None:
        now = self._mono()
        if self._consumer is None and now < self._retry_at:
            self.stopping.wait(min(POLL_MS / 1000, self._retry_at - now))
            return
        try:
            if self._consumer is None:
                self._consumer = self._opened(now)
            if self._take(self._consumer):
                self._follow(self._consumer)
        except Exception as error:  # it raises whatever went wrong inside, down to AssertionError
            self._renew(named(error))
        self.hearsay.judge()

    def close(self) -> None:
        self._dispose()

    def _opened(self, now: float) -> "KafkaConsumer":
        consumer = self._access.consumer(NAME)
        consumer.subscribe([self.topic])
        self._heard_at = self._asked_at = now
        self._behind, self._stood = {}, {}
        self._seeded = set()
        return consumer

    def _take(self, consumer: "KafkaConsumer") -> bool:
        """Read what there is. Returns: whether the client can be used further."""
        try:
            batches: dict[Any, list[Any]] = consumer.poll(timeout_ms=POLL_MS)
        except Exception as error:
            # what cannot be read now cannot be read again either, and the next may be like it
            self._seed_tries = 0
            self._believed_at = self._mono() + STEADY_S
            self._renew(named(error))
            return False
        if batches:
            self.hearsay.take(record for batch in batches.values() for record in batch)
            self._stood |= {at: batch[-1].offset + 1 for at, batch in batches.items()}
            self.lag = sum(max(0, (consumer.highwater(at) or 0) - batch[-1].offset - 1)
                           for at, batch in batches.items())
            self._heard()
        return True

    def _follow(self, consumer: "KafkaConsumer") -> None:
        """See to it that what is to be read is read. Raises: whatever the library does."""
        if new := consumer.assignment() - self._seeded:
            self._seed(consumer, new)
        now = self._mono()
        if now - self._heard_at >= QUIET_S or now - self._asked_at >= ASK_EVERY_S:
            self._ask(consumer, now)
        if GRUMBLES.storms(NAME):
            self._renew(self._words())

    def _heard(self) -> None:
        self._heard_at = self._mono()
        if self._heard_at < self._believed_at:
            return
        self._backoff.reset()
        self._seed_tries = SEED_TRIES
        if not self.link.is_up:
            GRUMBLES.forget(NAME)
            self.link.up()

    def _seed(self, consumer: "KafkaConsumer", new: "set[TopicPartition]") -> None:
        """Begin with what may still be fresh, so that a price is there at once."""
        since = int((self._wall() - MAX_AGE_S) * 1000)
        found: dict[TopicPartition, Any] = {}
        if self._seed_tries:
            try:
                found = consumer.offsets_for_times({at: since for at in new}, timeout_ms=ASK_MS)
            except Exception as error:  # one leader that is away is enough for that
                self._seed_tries -= 1
                log.debug("kafka-python: %s while it was asked for offsets", named(error))
                return
        self._seeded |= new
        for at, first in found.items():
            if first is not None:
                consumer.seek(at, first.offset)

    def _ask(self, consumer: "KafkaConsumer", now: float) -> None:
        """Nothing came for a while: is the market quiet, or does nobody answer?"""
        self._asked_at = now
        quiet = now - self._heard_at >= QUIET_S
        try:
            ends = consumer.end_offsets(list(consumer.assignment()), timeout_ms=ASK_MS)
        except Exception as error:
            log.debug("kafka-python: %s while it was asked for ends", named(error))
            ends = {}
        if ends:
            if stuck := self._stuck(consumer, ends, now):
                self._renew(f"the broker has records of {stuck} that do not arrive")
            elif quiet and not self._behind:
                self.lag = 0
                self._heard()
        elif quiet:
            self.link.down(self._words())
            if now - self._heard_at >= GIVE_UP_S:
                self._renew(self._words())

    def _stuck(
        self, consumer: "KafkaConsumer", ends: "dict[TopicPartition, int]", now: float
    ) -> str:
        """Names the partitions that stand still and not at their end; markers of transactions are
        no records. One that was thrown back is to be seeded: its topic was created again, and the
        client began at the end of it.
        """
        behind = {}
        for at, end in ends.items():
            position = consumer.position(at, timeout_ms=0)  # None: it does not know where to begin
            if (position or 0) < self._stood.get(at, 0):
                self._seeded.discard(at)
            self._stood[at] = position or 0
            if position != end:
                before, since = self._behind.get(at, (-1, now))
                behind[at] = (position, since if before == position else now)
        self._behind = behind
        return ", ".join(f"partition {at.partition}" for at, (_, since) in behind.items()
                         if now - since >= STUCK_S)

    def _words(self) -> str:
        return GRUMBLES.last_words(NAME) or f"no answer from {self._access.words}"

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
        GRUMBLES.calm(NAME)
