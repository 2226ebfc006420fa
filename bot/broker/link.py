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

    def __init__(self, name: str, tell: Tell, mono: Callable[[], float] = monotonic) -> None:
        """name: what goes over it, such as `consume prices`. tell: called with each change."""
        self.name = name
        self._tell = tell
        self._mono = mono
        self._lock = threading.Lock()  # guards the three below together
        self._up: bool | None = None
        self._why = NOT_YET
        self._since = mono()

    @property
    def state(self) -> tuple[bool | None, str, float]:
        """Whether it is up (None: not known yet), why not, and for how many seconds."""
        with self._lock:
            return self._up, self._why, self._mono() - self._since

    @property
    def is_up(self) -> bool:
        return self.state[0] is True

    def up(self) -> None:
        if not self._up:
            self._change(True, "")

    def down(self, why: str) -> None:
        """why: may differ from call to call; that alone is no change."""
        if self.state[0] is not None or self.state[2] >= self.PATIENCE_S:
            self._change(False, why)
        else:
            self._why = why

    def _change(self, up: bool, why: str) -> None:
        with self._lock:
            before, lasted_s = self._up, self._mono() - self._since
            self._why = why
            if up == before:
                return
            self._up, self._since = up, self._mono()
        self._tell(LinkChanged(self.name, up, why, time(),
                               None if before is None else lasted_s))
