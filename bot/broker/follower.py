"""One client of kafka-python that follows a topic: what it brings, and what is the matter with it.

All of it is done on one thread, that of its hand; what it remembers is of this client alone, so one
that was given up, and wakes later, disturbs nothing.
"""

import logging
from collections.abc import Callable
from time import monotonic, time
from typing import TYPE_CHECKING, Any

import msgspec

from bot.broker.access import Access
from bot.broker.grumbles import GRUMBLES
from bot.broker.hearsay import MAX_AGE_S
from bot.errors import named

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition

log = logging.getLogger(__name__)

POLL_MS = 200
QUIET_S = 1.5  # without a record, and the broker is asked whether there are any
ASK_EVERY_S = 5.0  # while records flow: a partition of several may be stuck
ASK_MS = 500
STUCK_S = 1.5  # a partition whose records do not arrive
GIVE_UP_S = 6.0  # without an answer, and the client is thrown away
SKIP_LAG = 500  # records that wait behind one that is too old: they are not worth reading
SKIP_EVERY_S = 5.0
SEED_TRIES = 3
CLOSE_MS = 300


class Round(msgspec.Struct, frozen=True):
    """What one round brought. alive: the broker gave a sign of life. why: why it is not well, empty
    if nothing is known. over: it is to be thrown away. unreadable: because of what it read.
    """

    records: list[Any] = []
    alive: bool = False
    why: str = ""
    over: bool = False
    unreadable: bool = False


class Follower:
    """lag: records that the broker had and that were not read yet, when it was last heard.
    skipped: records that were passed over because they were too old.
    """

    def __init__(
        self, access: Access, name: str, topic: str, seed: bool,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        """seed: whether to begin with what may still be fresh, and not at the end."""
        self._name, self._words_else = name, f"no answer from {access.words}"
        self._mono, self._wall = mono, wall
        self._consumer: KafkaConsumer = access.consumer(name)
        self._consumer.subscribe([topic])
        self._heard_at = self._asked_at = mono()
        self._skip_again_at: dict[TopicPartition, float] = {}
        self._seeded: set[TopicPartition] = set()
        self._seed_tries = SEED_TRIES if seed else 0
        # the offset a partition stood at, and the same while the broker has more, and since when
        self._stood: dict[TopicPartition, int] = {}
        self._behind: dict[TopicPartition, tuple[int | None, float]] = {}
        self._lags: dict[TopicPartition, int] = {}
        self.skipped = 0

    @property
    def lag(self) -> int:
        return sum(list(self._lags.values()))

    def round(self) -> Round:
        """Read what there is, and see to it that what is to be read is read. About 1 s at most,
        unless a name look-up hangs: the library waits for that. Raises: whatever the library does.
        """
        try:
            batches: dict[Any, list[Any]] = self._consumer.poll(timeout_ms=POLL_MS)
        except Exception as error:
            # never again: after some faults its next `poll` spins for ever
            return Round(why=named(error), over=True, unreadable=True)
        records = [record for batch in batches.values() for record in batch]
        if batches:
            self._count(batches)
            self._heard_at = self._mono()
        if new := self._consumer.assignment() - self._seeded:
            self._seed(new)
        found = Round(records, alive=bool(records))
        now = self._mono()
        if now - self._heard_at >= QUIET_S or now - self._asked_at >= ASK_EVERY_S:
            found = self._ask(records, now)
        if GRUMBLES.storms(self._name):
            return Round(records, why=self._words(), over=True)
        return found

    def close(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
        except Exception as error:
            log.debug("kafka-python: %s while it was closed", error)

    def _count(self, batches: "dict[TopicPartition, list[Any]]") -> None:
        for at, batch in batches.items():
            last = batch[-1].offset + 1
            self._stood[at] = last
            self._lags[at] = max(0, (self._consumer.highwater(at) or 0) - last)
            self._skip(at, batch[-1])

    def _skip(self, at: "TopicPartition", last: Any) -> None:
        """Pass over what is too old to be served: this reader cannot keep up, or stood still."""
        now, oldest_ms = self._mono(), int((self._wall() - MAX_AGE_S) * 1000)
        if self._lags[at] <= SKIP_LAG or last.timestamp >= oldest_ms or (
                now < self._skip_again_at.get(at, 0.0)):
            return
        self._skip_again_at[at] = now + SKIP_EVERY_S
        try:
            first = self._consumer.offsets_for_times({at: oldest_ms}, timeout_ms=ASK_MS)[at]
        except Exception as error:
            log.debug("kafka-python: %s while it was asked for offsets", named(error))
            return
        target = first.offset if first is not None else self._consumer.highwater(at)
        if target is not None and target > last.offset + 1:
            self._consumer.seek(at, target)
            self._stood[at], self._lags[at] = target, 0
            self.skipped += target - last.offset - 1

    def _seed(self, new: "set[TopicPartition]") -> None:
        """Begin with what may still be fresh, so that a price is there at once."""
        since = int((self._wall() - MAX_AGE_S) * 1000)
        found: dict[TopicPartition, Any] = {}
        if self._seed_tries:
            try:
                found = self._consumer.offsets_for_times({at: since for at in new},
                                                         timeout_ms=ASK_MS)
            except Exception as error:  # one leader that is away is enough for that
                self._seed_tries -= 1
                log.debug("kafka-python: %s while it was asked for offsets", named(error))
                return
        self._seeded |= new
        for at, first in found.items():
            if first is not None:
                self._consumer.seek(at, first.offset)

    def _ask(self, records: list[Any], now: float) -> Round:
        """Nothing came for a while: is the market quiet, or does nobody answer?"""
        self._asked_at = now
        quiet = now - self._heard_at >= QUIET_S
        try:
            ends = self._consumer.end_offsets(list(self._consumer.assignment()),
                                              timeout_ms=ASK_MS)
        except Exception as error:
            log.debug("kafka-python: %s while it was asked for ends", named(error))
            ends = {}
        if ends:
            if stuck := self._stuck(ends, now):
                return Round(records, why=f"the broker has records of {stuck} that do not arrive",
                             over=True)
            if quiet and not self._behind:
                self._heard_at = now
                return Round(records, alive=True)
        elif quiet:
            return Round(records, why=self._words(), over=now - self._heard_at >= GIVE_UP_S)
        return Round(records, alive=bool(records))

    def _stuck(self, ends: "dict[TopicPartition, int]", now: float) -> str:
        """Names the partitions that stand still and not at their end; markers of transactions are
        no records. One that was thrown back is to be seeded: its topic was created again, and the
        client began at the end of it.
        """
        behind = {}
        for at, end in ends.items():
            position = self._consumer.position(at, timeout_ms=0)  # None: it has none yet
            if (position or 0) < self._stood.get(at, 0):
                self._seeded.discard(at)
            self._stood[at] = position or 0
            self._lags[at] = max(0, end - (position or 0)) if position is not None else 0
            if position != end:
                before, since = self._behind.get(at, (-1, now))
                behind[at] = (position, since if before == position else now)
        self._behind = behind
        return ", ".join(f"partition {at.partition}" for at, (_, since) in behind.items()
                         if now - since >= STUCK_S)

    def _words(self) -> str:
        return GRUMBLES.last_words(self._name) or self._words_else
