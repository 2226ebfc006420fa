"""The connection to one venue, as bot.feeds.feed keeps it, on simulated time."""

import random
from collections.abc import Callable

from bot.backoff import Backoff
from bot.errors import ImplausibleStamp
from bot.feeds.intake import Intake
from bot.feeds.pings import Pings
from bot.model import FeedHealth, MarketDataUpdate
from tests.chaos.voice import Voice

Later = Callable[[float, Callable[[float], None]], None]  # what is called is told the time

NO_DATA_S, SETTLED_S = 60.0, 30.0  # as a feed has them
CHORES_S = 1.0
HANDSHAKE_S = 0.2


class Wire:
    """One source's connection and its intake. The simulation calls it in order of time.

    later: calls something at a time, or as soon after it as this process runs. changed: called
    with every connection made or lost. epoch: counts connections; what was on its way in an older
    one is lost. arrives_at: of the last message sent in this one.
    """

    def __init__(self, voice: Voice, intake: Intake, seed: int,
                 later: Later, changed: Callable[["Wire", float], None]) -> None:
        self.voice = voice
        self.source = voice.venue.name
        self.intake = intake
        self._later = later
        self._changed = changed
        self._backoff = Backoff(uniform=random.Random(f"wire {seed} {self.source}").uniform)
        self._pings = Pings(0.0)
        self._data_at = self._heard_at = 0.0
        self._settled = False
        self.epoch = 0
        self.arrives_at = 0.0
        self.connected_since: float | None = None
        self.received = self.errors = 0
        self.last_update: int | None = None
        self.detail = "not connected yet"

    def health(self, now: float) -> FeedHealth:
        latency = None
        if self.connected_since is not None:
            latency = self._pings.round_trip_s(now, self._heard_at)
        return FeedHealth(
            source=self.source, connected_since=self.connected_since, latency_s=latency,
            event_lag_s=self.intake.event_lag_s, clock_offset_s=self.intake.clock_offset_s,
            messages_received=self.received, errors=self.errors, last_update=self.last_update,
            detail=self.detail)

    def connect(self, now: float) -> None:
        """Try to; if it does not succeed, the next attempt is planned."""
        if self._refused(now):
            self.errors += 1
            self.detail = "refused"
            return self._retry(now)
        self.intake.connected(now)
        self._pings = Pings(now)
        self._data_at = self._heard_at = self.arrives_at = now
        self._settled = False
        self.connected_since, self.detail = now, "connected"
        self._changed(self, now)
        self.chores(now, self.epoch)

    def lose(self, now: float, reason: str) -> None:
        if self.connected_since is None:
            return
        self.epoch += 1
        self.connected_since, self.detail = None, reason
        self.intake.disconnected(now)
        self._changed(self, now)
        self._retry(now)

    def take(self, update: MarketDataUpdate, now: float) -> None:
        """A message has been read."""
        self._heard_at = now
        try:
            if self.intake.take([update], now):
                self._data_at = now
            self.received += 1
            self.last_update = update.received_at
        except ImplausibleStamp:
            self.errors += 1

    def chores(self, now: float, epoch: int) -> None:
        """Pings, and an end of connections that bring nothing."""
        if epoch != self.epoch or self.connected_since is None:
            return
        if now - self._data_at > NO_DATA_S:
            return self.lose(now, "no data")
        if self._pings.overdue(now, self._heard_at):
            return self.lose(now, "no answer to a ping")
        if not self._settled and self._data_at - self.connected_since >= SETTLED_S:
            self._settled = True
            self._backoff.reset()
        if self._pings.due(now):
            self._ping(now, epoch)
        self._later(now + CHORES_S, lambda later: self.chores(later, epoch))

    def _ping(self, now: float, epoch: int) -> None:
        payload = b"%d" % int(now * 1000)
        self._pings.sent(payload, now)
        if self.voice.on(now, "half_open"):
            return
        slow = self.voice.on(now, "ping")
        back_at = now + 2 * self.voice.venue.latency_s + self.voice.extra_s(now) + (
            slow.value if slow else 0.0)
        self._later(back_at, lambda later: self._pong(payload, later, epoch))

    def _pong(self, payload: bytes, now: float, epoch: int) -> None:
        if epoch == self.epoch:
            self._heard_at = now
            self._pings.answered(payload, now)

    def _refused(self, now: float) -> bool:
        flap = self.voice.on(now, "flap")
        return self.voice.on(now, "refuse") is not None or (
            flap is not None and (now - flap.start) % (flap.value + flap.down_s) < flap.down_s)

    def _retry(self, now: float) -> None:
        self._later(now + self._backoff.next_s() + HANDSHAKE_S, self.connect)
