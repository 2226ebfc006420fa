"""Whether a topic can be read or written at the moment: one report for each change."""

import threading
from collections.abc import Callable
from time import monotonic, time

from bot.events import LinkChanged

NOT_YET = "not connected yet"
Tell = Callable[[LinkChanged], None]


class Link:
    """Up or down, and why. Changed by its owner's thread, looked at by any.

    For the first PATIENCE_S after the start it is neither, so that a start is no outage.
    """

    PATIENCE_S = 3.0
    REMIND_S = 30.0

    def __init__(self, name: str, tell: Tell, mono: Callable[[], float] = monotonic) -> None:
        """name: what goes over it, such as `reading prices` or `publishing to prices`. tell: called
        with each change.
        """
        self.name = name
        self._tell = tell
        self._mono = mono
        self._lock = threading.Lock()  # guards the four below together
        self._up: bool | None = None
        self._why = NOT_YET
        self._since = mono()
        self._told = ("", mono())  # the last reason told, and monotonic s of it

    @property
    def state(self) -> tuple[bool | None, str, float]:
        """Whether it is up (None: not known yet), why not, and for how many seconds."""
        with self._lock:
            return self._up, self._why, self._mono() - self._since

    @property
    def is_up(self) -> bool:
        return self.state[0] is True

    def up(self) -> None:
        self._change(True, "")

    def down(self, why: str) -> None:
        """why: may differ from call to call; that alone is told at most every REMIND_S."""
        with self._lock:
            waits = self._up is None and self._mono() - self._since < self.PATIENCE_S
            if waits:
                self._why = why
        if not waits:  # no other thread changes it in between
            self._change(False, why)

    def _change(self, up: bool, why: str) -> None:
        with self._lock:
            before, now, lasted_s = self._up, self._mono(), self._mono() - self._since
            self._why = why
            told, told_at = self._told
            if up == before and (up or why == told or now - told_at < self.REMIND_S):
                return
            self._told = why, now
            if up != before:
                self._up, self._since = up, now
        self._tell(LinkChanged(self.name, up, why, time(),
                               None if before in (None, up) else lasted_s))
