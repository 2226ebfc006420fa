"""What was told and is open, in a small file: so that a later life of the bot can close it."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Annotated

import msgspec

from bot.alerts.case import Told
from bot.alerts.channel import MESSAGE
from bot.alerts.facts import LATEST, Severity
from bot.alerts.hold import Held, Hold
from bot.errors import short
from bot.logs.facts import clean, facts
from bot.worker import Detached

log = logging.getLogger(__name__)

NAME = "alerts.json"  # beside the database
MOST = 200
AGAIN_S = 30.0  # between attempts at what another bot holds: one that is restarted comes first
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

    It is of one bot at a time. While another one that runs in the same folder has it, nothing is
    read or kept here; once that has ended, this one takes over what it left.
    """

    def __init__(
        self, path: Path | None = None, mono: Callable[[], float] = monotonic
    ) -> None:
        """path: None to keep nothing."""
        self._path = path
        self._mono = mono
        self._hold = Hold(path.with_name(f"{path.name}.lock")) if path is not None else None
        self._call: Detached[tuple[Left, ...]] | None = None
        self._wanted: tuple[Left, ...] = ()
        self._written: tuple[Left, ...] | None = ()
        self._said: set[str] = set()
        self._doing = "read"
        self._again_at: float | None = None  # while another bot has it

    def open(self) -> None:
        """Begin to read what an earlier life left."""
        self._again_at = None
        if self._path is not None and self._hold is not None:
            path, hold = self._path, self._hold
            self._call = Detached("alerts-memory", lambda: _read(path, hold))

    def close(self) -> None:
        """Leave it to whoever comes next."""
        if self._hold is not None:
            self._hold.release()

    @property
    def is_busy(self) -> bool:
        """Whether something is read or written, or is to be."""
        return self._call is not None or self._is_behind or self.rest_s == 0.0

    @property
    def rest_s(self) -> float | None:
        """How long it needs no turn, while another bot has it; None while none does."""
        return None if self._again_at is None else max(0.0, self._again_at - self._mono())

    @property
    def _is_behind(self) -> bool:
        return (self._path is not None and self._again_at is None
                and self._wanted != self._written)

    def keep(self, cases: tuple[Left, ...]) -> None:
        self._wanted = cases[:MOST]

    def turn(self) -> tuple[Left, ...]:
        """Write what is to be kept, if it is not there yet. Returns: what an earlier life left, in
        one turn; nothing is written before.
        """
        if self._call is not None:
            return self._ended(self._call) if self._call.ended else ()
        if self.rest_s == 0.0:
            self.open()
        elif self._path is not None and self._is_behind:
            path, cases = self._path, self._wanted
            self._written = cases  # what fails is tried again with the next change
            self._call = Detached("alerts-memory", lambda: _write(path, cases))
        return ()

    def _ended(self, call: Detached[tuple[Left, ...]]) -> tuple[Left, ...]:
        self._call = None
        if isinstance(call.failure, Held):
            self._held(call.failure)
            return ()
        doing, self._doing = self._doing, "written"
        if call.failure is not None:
            self._failed(doing, call.failure)
        elif doing == "read":
            self._written = call.result()
            self._mended()
            return self._written
        return ()

    def _held(self, error: Held) -> None:
        self._again_at = self._mono() + AGAIN_S
        self._say("held", f"is kept by another process (PID {error.holder}), which is left alone; "
                          f"each bot needs a folder of its own, see DUCKDB_PATH", "held")

    def _failed(self, doing: str, error: Exception) -> None:
        if doing == "read" and not isinstance(error, OSError):
            self._written = None  # damaged: it is to be written anew, whatever is open
        why = (error.strerror if isinstance(error, OSError) else None) or short(error)
        self._say(doing, f"cannot be {doing}: {why}", why)

    def _say(self, about: str, what: str, why: str) -> None:
        if about not in self._said:
            self._said.add(about)
            log.warning("📣 [ALERTS] %s %s; what is open here when the bot ends stays open where "
                        "it was told", self._path, what, extra=facts("alerts_unkept", reason=why))

    def _mended(self) -> None:
        if "held" in self._said:
            self._said.remove("held")
            log.info("📣 [ALERTS] %s is kept by this bot now", self._path,
                     extra=facts("alerts_kept"))


def _read(path: Path, hold: Hold) -> tuple[Left, ...]:
    """Raises: Held; and what reading may raise."""
    hold.take()
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
