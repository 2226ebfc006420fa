"""Updates on their way out: all of them while there is room, the newest per key when there is not.
"""

from collections import deque
from typing import Generic, Protocol, TypeVar


class Outgoing(Protocol):
    @property
    def key(self) -> object:
        """What a newer one takes the place of."""


T = TypeVar("T", bound=Outgoing)
Numbered = tuple[int, T]


class Outbox(Generic[T]):
    """Bounded to `capacity`, or to two items per key where that is more; while nobody sends to as
    many that came in meanwhile, and one per key.

    `put` is for any thread, never waits and costs under a microsecond; everything else is for the
    one thread that sends. What is sent is numbered when it comes in, so that a reader sees a gap
    where something was dropped. dropped: items whose place a newer one took.
    """

    def __init__(self, capacity: int, first_number: int) -> None:
        self._capacity = capacity
        self._limit = capacity
        self._number = first_number
        # Appending and popping are atomic, so none of these needs a lock. Once the first is full
        # everything goes to the second, until the sender has emptied both: the order per key holds.
        self._inbox: deque[T] = deque()
        self._newest: dict[object, T] = {}
        self._waiting: deque[Numbered[T]] = deque()
        self._replaced = 0
        self._folded = 0

    @property
    def dropped(self) -> int:
        return self._replaced + self._folded

    def __len__(self) -> int:
        return len(self._inbox) + len(self._newest) + len(self._waiting)

    def put(self, item: T) -> None:
        if not self._newest and len(self._inbox) < self._capacity:
            self._inbox.append(item)
            return
        if item.key in self._newest:
            # may be one too many when a feed, or the sender, takes the same key at this moment
            self._replaced += 1
        self._newest[item.key] = item

    def gather(self) -> None:
        """Number what came in; when that is more than there is room for, let the newest win."""
        # Looked at before the inbox is: of a key that is seen here all that is older is there. One
        # that comes in between stays for the next time, or it might overtake what came before it.
        overflown = list(self._newest)
        for _ in range(len(self._inbox)):
            self._queue(self._inbox.popleft())
        for key in overflown:
            self._queue(self._newest.pop(key))
        if len(self._waiting) > self._limit:
            self._fold()

    def take(self) -> Numbered[T] | None:
        """The oldest; None when nothing is waiting."""
        return self._waiting.popleft() if self._waiting else None

    def give_back(self, items: list[Numbered[T]]) -> None:
        """What was taken and not delivered, oldest first."""
        self._waiting.extendleft(reversed(items))

    def _queue(self, item: T) -> None:
        self._waiting.append((self._number, item))
        self._number += 1

    def _fold(self) -> None:
        """Of the older half keep what nothing newer takes the place of; the newer half is whole."""
        waiting = list(self._waiting)
        older, newer = waiting[:len(waiting) // 2], waiting[len(waiting) // 2:]
        keys = {item.key for _, item in newer}
        kept: dict[object, Numbered[T]] = {}
        for numbered in older:
            kept.pop(numbered[1].key, None)  # so that the order is that of the newest
            if numbered[1].key not in keys:
                kept[numbered[1].key] = numbered
        self._folded += len(older) - len(kept)
        self._waiting = deque([*kept.values(), *newer])
        self._limit = max(self._capacity, 2 * (len(kept) + len(keys)))
