"""How late a source's messages are, with the difference between the two clocks taken out."""

from collections import deque

import msgspec

from bot.errors import ImplausibleStamp

SAMPLE_EVERY_S = 1.0
WINDOW_S = 300.0
LASTING = 30  # samples: what a source's clock does for less than half a minute changes nothing
TRUSTED_SAMPLES = 3
# Epoch ms of the years 2001 to 2286. Seconds, microseconds and nanoseconds are outside.
LEAST_MS, MOST_MS = 10**12, 10**13
AHEAD_S = 10.0  # stamps this far ahead of the usual are refused, until they have lasted
LASTED_S = 3.0
LASTED_LONG_S = 60.0  # the same for stamps that are old by our own clock too: more likely a replay
STEADY_S = 1.0
OLD_S = 600.0  # a message this late is no news; only a first push may be so old


class LagMeter(msgspec.Struct):
    """Event lag of one source: receipt minus exchange stamp, above what is usual for it.

    What is usual is the clock difference plus the way. It is the median of a sample a second, and
    once there are more than sixty of them the lowest level that lasted thirty seconds in the last
    five minutes. So stamps that run ahead for a while do not make the honest ones after them look
    late, and messages that begin to come late look late for four minutes and a half. A delay that
    was there from the start, or that lasts longer, cannot be told from a clock that is wrong.

    Until three samples are there the two clocks are taken to agree. Our wall clock is read once;
    a step of it later changes no lag. Feed thread only.

    wall_ahead_s: the wall clock less the monotonic clock, at the start. offset_s: what is usual.
    known: whether it rests on samples yet.
    """

    wall_ahead_s: float
    offset_s: float = 0.0
    known: bool = False
    _samples: deque[tuple[float, float]] = msgspec.field(default_factory=deque)  # monotonic s, lag
    _next_sample: float = 0.0
    _stray: tuple[float, float] | None = None  # monotonic s of the first, its lag

    def excess_s(self, event_ms: int, received_mono: float, sample: bool = True) -> float:
        """Seconds by which the message of that exchange stamp came late; never negative.

        sample: False for a message that may be old news and must not set the scale, such as the
        first push after a subscription.
        Raises: ImplausibleStamp for another unit, and once the usual is known for stamps far
        ahead of it and for messages that are old news, until they have kept there steadily for a
        time: then that clock was moved, and what is usual is learnt anew.
        """
        if not LEAST_MS <= event_ms < MOST_MS:
            raise ImplausibleStamp(f"stamp {event_ms} is not in epoch milliseconds")
        raw = self.wall_ahead_s + received_mono - event_ms / 1000.0
        if self.known:
            self._check(raw, received_mono, sample)
        if sample and received_mono >= self._next_sample:
            self._next_sample = received_mono + SAMPLE_EVERY_S
            self._learn(raw, received_mono)
        return max(0.0, raw - self.offset_s)

    def _check(self, raw: float, now: float, sample: bool) -> None:
        excess = raw - self.offset_s
        if excess > OLD_S and not sample:
            return
        if -AHEAD_S <= excess <= OLD_S:
            self._stray = None
            return
        if self._stray is None or abs(raw - self._stray[1]) > STEADY_S:
            self._stray = (now, raw)
        lasted = now - self._stray[0]
        if excess < 0.0:
            if lasted < LASTED_S:
                raise ImplausibleStamp(f"stamp is {-excess:.0f} s ahead of this source's clock")
        elif lasted >= (LASTED_S if abs(raw) < abs(self.offset_s) else LASTED_LONG_S):
            self._restart()
        else:
            raise ImplausibleStamp(f"stamp is {excess:.0f} s old, on a stream of news")

    def _restart(self) -> None:
        self._samples.clear()
        self._next_sample = 0.0
        self.offset_s, self.known = 0.0, False

    def _learn(self, raw: float, now: float) -> None:
        self._samples.append((now, raw))
        while self._samples[0][0] < now - WINDOW_S:
            self._samples.popleft()
        count = len(self._samples)
        if count >= TRUSTED_SAMPLES:
            self.known = True
            self.offset_s = sorted(lag for _, lag in self._samples)[min(count // 2, LASTING)]
