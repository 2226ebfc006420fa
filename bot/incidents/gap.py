"""The time in which the recorder had to refuse rows, as an incident of the bot itself."""

from datetime import UTC, datetime

import msgspec

from bot.incidents.incident import UNRECORDED, Incident

QUIET_S = 10.0  # so long nothing must have been refused until it is over


class Gap:
    """Not for several threads at once. open: the incident that goes on."""

    def __init__(self, instance: str) -> None:
        self.open: Incident | None = None
        self._instance = instance
        self._refused = 0  # up to the last look
        self._before = 0  # up to the beginning
        self._looked: tuple[float, float] | None = None  # monotonic and epoch s of the last look
        self._began = self._last = 0.0  # monotonic s

    def look(self, refused: int, why: str, mono: float, wall: float) -> Incident | None:
        """refused: rows so far. why: in words, what holds the recorder up.

        Returns: the incident, when it begins (at the last look, before which nothing was refused)
        and when it is over (with the last row).
        """
        looked, self._looked = self._looked or (mono, wall), (mono, wall)
        grown, self._refused = refused - self._refused, refused
        if grown:
            self._last = mono
        if self.open is None:
            return self._begun(refused - grown, refused, why, looked) if grown else None
        if grown or mono - self._last < QUIET_S:
            return None
        told, self.open = self.open, None
        length_s = self._last - self._began
        return msgspec.structs.replace(
            told, revision=2, closed_at=told.opened_at + length_s, duration_ms=length_s * 1000,
            cause=f"{refused - self._before:,} rows were not recorded; {told.cause}")

    def _begun(self, before: int, refused: int, why: str, looked: tuple[float, float]) -> Incident:
        self._before = before
        self._began, opened_at = looked
        stamp = datetime.fromtimestamp(opened_at, UTC).strftime("%Y%m%dT%H%M%S.%f")
        self.open = Incident(
            id=f"{self._instance}-{stamp}-{UNRECORDED}", source=None, symbol=None,
            cause=f"the queue of the recorder was full: {why}", rule=UNRECORDED,
            opened_at=opened_at, instance=self._instance)
        return self.open
