"""What was told and is open, in a small file: so that a later life of the bot can close it."""

import logging
import os
from pathlib import Path
from typing import Annotated

import msgspec

from bot.alerts.case import Told
from bot.alerts.channel import MESSAGE
from bot.alerts.facts import LATEST, Severity
from bot.errors import short
from bot.logs.facts import clean, facts
from bot.worker import Detached

log = logging.getLogger(__name__)

NAME = "alerts.json"  # beside the database
MOST = 200
Message = Annotated[str, msgspec.Meta(pattern=MESSAGE)]


class Left(msgspec.Struct, frozen=True):
    """A case that somebody was told of. at: epoch s of its beginning. title: as it was told last.
    messages: of each channel that knows it, those that show it, the newest last.
    """

    id: str
    revision: int
    severity: Severity
    at: Annotated[float, msgspec.Meta(ge=0.0, le=LATEST)]
    title: str
    messages: dict[str, tuple[Message, ...]]

    def closed(self, instance: str, wall: float) -> Told:
        """Its end, of which is known only that it is not told of any more."""
        return Told(
            id=clean(self.id), revision=self.revision + 1, event="closed", severity=self.severity,
            bells=0, items=(), paths=(), instance=instance, opened_at=self.at, closed_at=wall,
            lasted_s=max(0.0, wall - self.at), before=clean(self.title))


class Memory:
    """For one thread, its owner's, which waits for no disk: each access is on a thread of its own,
    one at a time. What cannot be read or written is said once, and nothing else suffers.
    """

    def __init__(self, path: Path | None = None) -> None:
        """path: None to keep nothing."""
        self._path = path
        self._call: Detached[tuple[Left, ...]] | None = None
        self._wanted: tuple[Left, ...] = ()
        self._written: tuple[Left, ...] | None = ()
        self._said: set[str] = set()
        self._doing = "read"

    def open(self) -> None:
        """Begin to read what an earlier life left."""
        if self._path is not None:
            path = self._path
            self._call = Detached("alerts-memory", lambda: _read(path))

    @property
    def is_busy(self) -> bool:
        """Whether something is read or written, or is to be."""
        return self._call is not None or self._is_behind

    @property
    def _is_behind(self) -> bool:
        return self._path is not None and self._wanted != self._written

    def keep(self, cases: tuple[Left, ...]) -> None:
        self._wanted = cases[:MOST]

    def turn(self) -> tuple[Left, ...]:
        """Write what is to be kept, if it is not there yet. Returns: what an earlier life left, in
        one turn; nothing is written before.
        """
        found: tuple[Left, ...] = ()
        if self._call is not None and self._call.ended:
            if self._call.failure is not None:
                self._failed(self._call.failure)
            elif self._doing == "read":
                found = self._written = self._call.result()
            self._call, self._doing = None, "written"
        elif self._call is None and self._path is not None and self._is_behind:
            path, cases = self._path, self._wanted
            self._written = cases  # what fails is tried again with the next change
            self._call = Detached("alerts-memory", lambda: _write(path, cases))
        return found

    def _failed(self, error: Exception) -> None:
        if self._doing == "read" and not isinstance(error, OSError):
            self._written = None  # damaged: it is to be written anew, whatever is open
        if self._doing not in self._said:
            self._said.add(self._doing)
            why = (error.strerror if isinstance(error, OSError) else None) or short(error)
            log.warning("📣 [ALERTS] %s cannot be %s: %s; what was open when the bot ended stays "
                        "open where it was told", self._path, self._doing, why,
                        extra=facts("alerts_unkept", reason=why))


def _read(path: Path) -> tuple[Left, ...]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Left, ...])[:MOST]
    except FileNotFoundError:
        return ()


def _write(path: Path, cases: tuple[Left, ...]) -> tuple[Left, ...]:
    """At one stroke: whoever reads it finds the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    with draft.open("wb") as file:
        file.write(msgspec.json.encode(cases))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return cases
