"""How late a source's messages are, with the difference between the two clocks taken out."""

from collections import deque
from collections.abc import Callable
from time import monotonic, time

SAMPLE_EVERY_S = 1.0
SAMPLES = 600  # ten minutes: a delay that lasts shorter is never mistaken for a clock difference
TRUSTED_SAMPLES = 3


class LagMeter:
    """Event lag of one source: receipt minus exchange stamp, above the least that is usual.

    The least usual lag is the clock offset plus the shortest way. It is the lowest twentieth of
    samples over ten minutes, but never the single lowest one, so that one stamp from the future
    does not shift it. Until three samples are there the two clocks are taken to agree: the first
    push after a subscription may be hours old and must not set the scale.

    Our wall clock is read once. A step of it later changes no lag. Feed thread only.
    """

    def __init__(
        self, mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time
    ) -> None:
        self._wall_ahead_s = wall() - mono()
        self._samples: deque[float] = deque(maxlen=SAMPLES)
        self._next_sample = 0.0
        self.offset_s = 0.0

    def excess_s(self, event_ms: int, received_mono: float) -> float:
        """Seconds by which the message of that exchange stamp came late; never negative."""
        raw = self._wall_ahead_s + received_mono - event_ms / 1000.0
        if received_mono >= self._next_sample:
            self._next_sample = received_mono + SAMPLE_EVERY_S
            self._samples.append(raw)
            if len(self._samples) >= TRUSTED_SAMPLES:
                lowest = sorted(self._samples)
                self.offset_s = lowest[max(1, len(lowest) // 20)]
        return max(0.0, raw - self.offset_s)
