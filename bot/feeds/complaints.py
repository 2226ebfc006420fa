"""What is wrong with one source: all of it counted, and told without repeating itself."""

import math
from collections.abc import Callable
from threading import Event
from time import monotonic, time

from bot.errors import BotError, ImplausibleStamp, ParseError
from bot.events import Publisher, SourceFault
from bot.feeds.tally import Tally
from bot.folding import Fold

# These come in many kinds at once, and the first one tells enough.
KINDS = {ParseError: "unreadable", ImplausibleStamp: "stamp"}


class Complaints:
    """The errors of a source. For its feed's thread; `count`, of all of them, and `tally` may be
    read by any.
    """

    def __init__(
        self, source: str, publisher: Publisher,
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
    ) -> None:
        self.count = 0
        self.tally = Tally()
        self._source = source
        self._publisher = publisher
        self._mono, self._wall = mono, wall
        self._fold = Fold(self._publish)

    def tell(self, error: BotError, after: str = "") -> None:
        """Count it, and publish it as `source_error` when it is worth it. after: what comes next.
        """
        self.count += 1
        self.tally.fault(error)
        reason = str(error).removeprefix(f"{self._source}: ")
        if isinstance(error, ParseError):
            reason = f"unreadable frame: {reason}"
        self._fold.tell(KINDS.get(type(error), str(error)), reason, self._mono(), after)

    def remind(self) -> None:
        """Publish how many there were of what was counted for a minute. To be called often."""
        if self._fold.due < math.inf:
            self._fold.remind(self._mono())

    def pause(self, seconds: float, stopping: Event) -> bool:
        """Wait, and publish what comes due meanwhile. Returns: whether the feed is to stop."""
        while seconds > (turn := max(0.0, self._fold.due - self._mono())):
            if stopping.wait(turn):
                return True
            self.remind()
            seconds -= turn
        return stopping.wait(seconds)

    def _publish(self, words: str, count: int) -> None:
        self._publisher.publish(
            "source_error", SourceFault(self._source, self._wall(), words, count))
