"""Waiting for a condition, which is what tests do instead of sleeping, and clocks to turn."""

import threading
import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")

LOOK_EVERY_S = 0.005
PATIENCE_S = 10.0


def eventually(
    condition: Callable[[], T | Literal[False] | None], within: float = PATIENCE_S,
    what: str | Callable[[], object] = "",
) -> T:
    """Wait until `condition()` is true. Returns: what it returned. Fails after `within` s.

    what: that is waited for, or a look at how it stands when it did not come.
    """
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, (
            f"not within {within} s: {what() if callable(what) else what or condition}")
        time.sleep(LOOK_EVERY_S)
    return found


class Clock:
    """A clock that stands still until a test turns it: pass it as `mono=` or `wall=`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Pause(threading.Event):
    """A worker's `stopping` whose waits take no time and turn the clock instead."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()
