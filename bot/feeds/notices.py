"""What becomes of one source's connections: counted, and published."""

from collections.abc import Callable
from time import time

from bot.causes import LossCause
from bot.events import Publisher, SourceConnected, SourceDisconnected, SourceHandedOver
from bot.feeds.tally import Tally


def next_attempt(pause: float | None) -> str:
    """How a reason goes on. pause: s, where there is to be one."""
    if pause is None:
        return ""
    return f"; next attempt in {pause:.0f} s" if pause >= 0.5 else "; next attempt at once"


class Notices:
    """For its feed's thread."""

    def __init__(
        self, source: str, publisher: Publisher, tally: Tally, wall: Callable[[], float] = time
    ) -> None:
        self._source = source
        self._publisher = publisher
        self._tally = tally
        self._wall = wall

    def connected(self) -> None:
        self._publisher.publish(
            "source_connected", SourceConnected(self._source, self._wall(), "connected"))

    def ended(self, reason: str, cause: LossCause | None, pause: float | None) -> None:
        """cause: None when it was asked for. pause: s until it is opened again, if it is."""
        if cause is not None:
            self._tally.losses[cause] += 1
        self._publisher.publish("source_disconnected", SourceDisconnected(
            self._source, self._wall(), reason + next_attempt(pause)))

    def handed_over(self, reason: str, overlap_s: float) -> None:
        self._tally.handovers += 1
        self._publisher.publish("source_handed_over", SourceHandedOver(
            self._source, self._wall(), reason, overlap_s))
