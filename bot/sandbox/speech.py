"""What one exchange says on its streams: of which prices, and in which messages."""

import copy
import random
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import cycle

from bot.sandbox.faults import Switches, Value
from bot.sandbox.lies import LIES, Lie, told
from bot.sandbox.market import Listing
from bot.sandbox.side import Kind, Listings, Push

SPIKE = 0.05
SWAP_EVERY = 5  # messages of a stream
KEPT_MESSAGES = 50_000  # for a replay


class Lips:
    """Tells listings as the faults want them. Under the venue's lock."""

    def __init__(self, switches: Switches, listings: Listings, seed: str) -> None:
        self._switches = switches
        self._listings = listings
        self._held: dict[str, Listing] = dict(listings)  # as they were when prices froze
        self._random = random.Random(seed)
        self._spiked: set[tuple[Kind, str]] = set()  # whose last message was a spike

    def begins(self, fault: str) -> None:
        if fault == "frozen":
            self._held = {name: copy.copy(one) for name, one in self._listings.items()}

    def told(self, listing: Listing) -> Listing:
        held = self._held[listing.symbol.name]
        lies = {name: Lie(value, lasted_s, held)
                for name, value, lasted_s in self._switches.thrown() if name in LIES}
        return told(listing, lies) if lies else listing

    def stamp(self, event_ms: int) -> int:
        """How an event at that time is stamped."""
        listing = copy.copy(next(iter(self._listings.values())))
        listing.event_ms = event_ms
        return self.told(listing).event_ms

    def message(self, kind: Kind, symbol: str) -> Listing:
        """What the next message of this kind shows."""
        listing, key = self.told(self._listings[symbol]), (kind, symbol)
        if key in self._spiked:
            self._spiked.discard(key)
        elif self._random.random() * 100 < self._switches.number("spike"):
            self._spiked.add(key)
            return listing.scaled(1 + self._random.choice((SPIKE, -SPIKE)))
        return listing


class Order:
    """Which messages are sent when one should be. Under the venue's lock."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._last: dict[str, Push] = {}  # topic -> what was sent last
        self._past: deque[tuple[float, Push]] = deque(maxlen=KEPT_MESSAGES)  # monotonic s
        self._replayed: dict[str, Iterator[Push]] = {}
        self._counts: Counter[tuple[str, str]] = Counter()  # of fault and topic
        self._overtaken: dict[str, Push] = {}

    def begins(self, fault: str, seconds: Value) -> None:
        """A replay is of the last seconds in which there was something to say."""
        if fault == "replay" and isinstance(seconds, float):
            since = self._past[-1][0] - seconds if self._past else 0.0
            past = [push for at, push in self._past if at >= since]
            self._replayed = {topic: cycle([push for push in past if push.topic == topic])
                              for topic in {push.topic for push in past}}

    def instead(self, push: Push) -> Push | None:
        """What a client gets that has just subscribed; None: nothing."""
        dead = self._switches.text("symbol"), self._switches.text("halt")
        if self._switches.on("silence") or push.symbol in dead:
            return None
        return self._last.get(push.topic, push) if self._switches.on("repeat") else push

    def sent(self, push: Push, first: bool = False) -> None:
        """first: upon subscription, out of the stream's order."""
        self._last[push.topic] = push
        if not first and not self._switches.on("replay"):
            self._past.append((time.monotonic(), push))

    def messages(self, push: Push) -> Sequence[Push]:
        """What is sent, in order, in place of `push`."""
        said = self.instead(push)
        if said is None or self._left_out(push.topic):
            return ()
        if self._switches.on("replay"):
            said = next(self._replayed.get(push.topic, iter(())), None)
        messages = [] if said is None else self._swapped(said)
        return [one for one in messages for _ in range(1 + self._switches.on("twice"))]

    def _left_out(self, topic: str) -> bool:
        every = int(self._switches.number("slow"))
        return every > 1 and self._nth("slow", topic) % every != 0

    def _swapped(self, push: Push) -> list[Push]:
        overtaken = self._overtaken.pop(push.topic, None)
        if overtaken is not None:
            return [push, overtaken]
        if self._switches.on("swap") and self._nth("swap", push.topic) % (SWAP_EVERY - 1) == 0:
            self._overtaken[push.topic] = push
            return []
        return [push]

    def _nth(self, fault: str, topic: str) -> int:
        self._counts[fault, topic] += 1
        return self._counts[fault, topic]
