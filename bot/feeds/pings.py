"""The round trips of one connection."""

import math
from collections import deque

EVERY_S = 15.0
ANSWER_WITHIN_S = 10.0
WAITING = 8  # unanswered pings, beyond which no more are sent


class Pings:
    """Pings sent and their answers. One for each connection; its reading thread writes.

    latency_s: the last round trip. waiting_since: monotonic s at which the oldest ping without an
    answer was sent. answered_to: monotonic s at which the newest ping with an answer was sent.
    """

    def __init__(self, now: float) -> None:
        self.latency_s: float | None = None
        self.waiting_since: float | None = None
        self.answered_to = -math.inf
        self._unanswered: deque[tuple[bytes, float]] = deque()
        self._next = now

    def due(self, now: float) -> bool:
        return now >= self._next and len(self._unanswered) < WAITING

    def hurry(self, now: float) -> None:
        """Let the next ping be due at once."""
        self._next = min(self._next, now)

    def sent(self, payload: bytes, now: float) -> None:
        self._unanswered.append((payload, now))
        self.waiting_since = self._unanswered[0][1]
        self._next = now + EVERY_S

    def answered(self, payload: bytes | None, at: float) -> None:
        """payload: of the pong frame; None for a text pong, which answers the oldest ping."""
        if payload is not None and all(payload != sent for sent, _ in self._unanswered):
            return  # nobody asked for it
        while self._unanswered:
            sent, when = self._unanswered.popleft()
            if payload is None or payload == sent:
                self.latency_s, self.answered_to = at - when, when
                break
        self.waiting_since = self._unanswered[0][1] if self._unanswered else None

    def overdue(self, now: float, heard_at: float) -> bool:
        """Whether a ping has waited too long while nothing at all was heard."""
        # not the oldest alone: something may have been heard after that one, and then no more
        return any(heard_at < when and now - when > ANSWER_WITHIN_S
                   for _, when in self._unanswered)

    def round_trip_s(self, now: float, heard_at: float) -> float | None:
        """The last round trip, or the waiting time of a ping when that is longer. Thread: any.

        Waiting counts when the peer is known to answer, or when nothing was heard since: one that
        brings data and never answered a ping is no slow one.
        """
        since, latency = self.waiting_since, self.latency_s
        if since is not None and (latency is not None or heard_at < since):
            return max(latency or 0.0, now - since)
        return latency
