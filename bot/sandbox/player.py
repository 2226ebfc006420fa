"""Plays a record to the clients of the practice exchanges, as if it happened now."""

import threading
import time
from collections.abc import Mapping

from bot.sandbox.record import Played, Record
from bot.sandbox.side import Push
from bot.sandbox.venue import Venue, now_ms
from bot.worker import Worker

PAUSE_S = 0.05  # between two rounds of a record that is repeated


class Player(Worker):
    """Begins when a client has subscribed. speed 0: without pauses. Frames that carry no time of
    receipt follow the one before at once.
    """

    def __init__(
        self, record: Record, venues: Mapping[str, Venue], speed: float, loop: bool,
        everything: bool,
    ) -> None:
        super().__init__("sandbox-player")
        self.played = threading.Event()
        self._record = record
        self._venues = {name: venues[name] for name in record.exchanges}
        self._speed = speed
        self._loop = loop
        self._everything = everything
        self._newest: dict[str, int] = {}  # topic -> stamp of the last frame sent
        for name, venue in self._venues.items():
            venue.recorded = record.topics(name)
            venue.catalogue |= venue.recorded

    def step(self) -> None:
        if not any(venue.subscribed.is_set() for venue in self._venues.values()):
            self.stopping.wait(0.02)
            return
        self._play()
        if self.stopping.is_set():
            return
        self.played.set()
        self.stopping.wait(PAUSE_S if self._loop else None)

    def _play(self) -> None:
        began, first_ms = time.monotonic(), None
        for frame in self._record.frames:
            if frame.at_ms is not None and self._speed:
                first_ms = frame.at_ms if first_ms is None else first_ms
                due = began + (frame.at_ms - first_ms) / 1000 / self._speed
                self.stopping.wait(max(0.0, due - time.monotonic()))
            if self.stopping.is_set():
                return
            self._send(frame)

    def _send(self, frame: Played) -> None:
        venue = self._venues[frame.exchange]
        if not (self._everything or venue.wanted(frame.topic)):
            return
        now = now_ms()
        listing = venue.listings.get(frame.symbol)
        if listing is not None and frame.price is not None:  # what REST will answer
            listing.price, listing.event_ms = frame.price, now
            listing.quote_around(frame.price, listing.seller)
        push = Push(frame.topic, frame.symbol, self._restamped(frame, now), frame.price)
        venue.push(push, self._everything)

    def _restamped(self, frame: Played, now: int) -> bytes:
        """As late as it was in the record, not counting the recorder's clock error.

        But never before the frame sent before it: at another speed than the record's the pauses
        shrink and the lags do not, and an exchange's stamps do not step back.
        """
        then, stamp = frame.at_ms, frame.stamp_ms()
        if stamp is None:
            return frame.payload
        by = now - stamp if then is None else round(now - then + self._record.skew_ms)
        by = max(by, self._newest.get(frame.topic, 0) - stamp)
        self._newest[frame.topic] = stamp + by
        return frame.moved(by)
