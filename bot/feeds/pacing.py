"""Staying below an exchange's limit on messages from the client."""

from collections import deque

WINDOW_S = 1.05  # a second, and what the way to the exchange may squeeze out of it


class Pacer:
    """At most `per_second` messages within any second. One thread only."""

    def __init__(self, per_second: int) -> None:
        self._sent: deque[float] = deque(maxlen=per_second)

    def may_send(self, now: float) -> bool:
        """Whether one more may go out now; true counts it as sent. now: monotonic s."""
        if len(self._sent) == self._sent.maxlen and now - self._sent[0] < WINDOW_S:
            return False
        self._sent.append(now)
        return True
