"""Tier 2: the prices of other instances, read from a Kafka topic.

The client of kafka-python is disposable: an outage raises nothing, after some faults its next
`poll` never returns (3.0.12: whenever a fetched batch could not be decoded), and a name look-up
that hangs holds it for as long. So it lives on a hand of its own (bot.broker.follower), and is
thrown away after anything it raises, when it is silent and the broker does not answer a question
either, when the broker has records that it does not bring, and when it does not come back at all.
"""

from collections.abc import Callable
from time import monotonic, time

import msgspec

from bot.backoff import Backoff
from bot.broker.access import Access
from bot.broker.follower import Follower, Round
from bot.broker.grumbles import GRUMBLES
from bot.broker.hearsay import TIER, Hearsay
from bot.broker.link import Link
from bot.errors import SourceError, named
from bot.model import LinkStatus, Quote
from bot.worker import Hand, Stuck, Worker

NAME = "kafka-reader"
ROUND_S = 3.0  # a round that takes longer hangs
HANGING = 3  # clients that hang; with so many no new one is begun
STEADY_S = 5.0  # a client that follows one that raised is believed in after this
BACKOFF_S, BACKOFF_CAP_S = 0.2, 2.0
PAUSE_S = 0.2
LEAVE_S = 0.8  # at the stop a client has so long to close its connections


class TopicReader(Worker):
    """Follows every partition of a topic, and answers as a tier of the chain.

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
        self._hand: Hand | None = None
        self._follower: Follower | None = None
        self._hanging: list[Hand] = []
        self._retry_at = 0.0
        self._believed_at = 0.0  # monotonic s from which a sign of life makes the link good
        self._seed = True
        self._skipped = 0  # by earlier clients
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
        follower = self._follower
        counts = msgspec.structs.asdict(self.hearsay.counts)
        skipped = self._skipped + (follower.skipped if follower else 0)
        return LinkStatus(self.topic, "read", *self.link.state, follower.lag if follower else 0,
                          counts | {"skipped": skipped, "rebuilt": self.rebuilt})

    def open(self) -> None:
        GRUMBLES.forget(NAME)

    def step(self) -> None:
        try:
            found = self._round()
        except Stuck:
            if not self.stopping.is_set():
                self._renew(GRUMBLES.last_words(NAME) or "the client hangs, as it does while a "
                            f"name look-up does ({self._access.words})")
        except Exception as error:  # it raises whatever went wrong inside, down to AssertionError
            self._renew(named(error))
        else:
            if found is not None:
                self._take(found)
        self.hearsay.judge()

    def close(self) -> None:
        self._dispose(LEAVE_S)

    def _round(self) -> Round | None:
        """What the client brings; None during a pause. Raises: Stuck; whatever the library does."""
        now = self._mono()
        if self._follower is None or self._hand is None:
            self._hanging = [hand for hand in self._hanging if not hand.ended]
            if now < self._retry_at or len(self._hanging) >= HANGING:
                self.stopping.wait(PAUSE_S)
                return None
            self._hand = Hand(f"{NAME}-client")
            self._follower = self._hand.do(
                lambda: Follower(self._access, NAME, self.topic, self._seed, self._mono,
                                 self._wall), ROUND_S, self.stopping)
        return self._hand.do(self._follower.round, ROUND_S, self.stopping)

    def _take(self, found: Round) -> None:
        if found.records:
            self.hearsay.take(found.records)
        if found.unreadable:
            # what cannot be read now cannot be read again either, and the next may be like it
            self._seed = False
            self._believed_at = self._mono() + STEADY_S
        if found.over:
            self._renew(found.why)
        elif found.why:
            self.link.down(found.why)
        elif found.alive and self._mono() >= self._believed_at:
            self._backoff.reset()
            self._seed = True
            if not self.link.is_up:
                GRUMBLES.forget(NAME)
                self.link.up()

    def _renew(self, why: str) -> None:
        """Throw the client away; a new one follows after a pause."""
        self.link.down(why)
        self._dispose()
        self.rebuilt += 1
        self._retry_at = self._mono() + self._backoff.next_s()

    def _dispose(self, wait_s: float = PAUSE_S) -> None:
        hand, self._hand = self._hand, None
        follower, self._follower = self._follower, None
        if follower is not None:
            self._skipped += follower.skipped
        if hand is not None:
            hand.let_go(follower.close if follower else lambda: None)
            if not hand.join(wait_s):
                self._hanging.append(hand)
        GRUMBLES.calm(NAME)
