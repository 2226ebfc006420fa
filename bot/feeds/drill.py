"""Faults that a feed plays on itself, to see that everything behind it copes."""

from collections.abc import Callable
from time import monotonic
from typing import Literal, get_args

DrillFault = Literal["cut", "silence"]


class Drill:
    """At most one fault at a time, which ends by itself. Thread: any."""

    def __init__(self, mono: Callable[[], float] = monotonic) -> None:
        self._mono = mono
        self._state: tuple[DrillFault, float, float] | None = None  # fault, s, monotonic end

    def begin(self, fault: DrillFault, seconds: float) -> None:
        """Raises: ValueError for another fault, or no positive time."""
        if fault not in get_args(DrillFault):
            raise ValueError(f"drill must be of {', '.join(get_args(DrillFault))}, got {fault!r}")
        if not 0.0 < seconds < float("inf"):
            raise ValueError(f"a drill lasts a positive number of s, got {seconds!r}")
        self._state = (fault, seconds, self._mono() + seconds)

    def end(self) -> None:
        self._state = None

    def fault(self) -> DrillFault | None:
        """The fault that is on."""
        state = self._state
        return state[0] if state is not None and self._mono() < state[2] else None

    def in_words(self) -> str | None:
        state = self._state
        return f"drill: {state[0]} for {state[1]:g} s" if state and self.fault() else None
