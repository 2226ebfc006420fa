"""What was before a file was opened: earlier lives, and what is missing of them."""

import logging
import time
from datetime import UTC, datetime
from functools import cached_property

import duckdb
import msgspec

from bot.incidents.incident import History
from bot.logs.facts import facts
from bot.record.history import read_history
from bot.record.mark import Loss, Mark
from bot.record.opening import Opened, in_words

log = logging.getLogger(__name__)


class Before:
    """Asked for while the file is open and this opening is not noted in it yet."""

    def __init__(self, opened: Opened, mark: Mark) -> None:
        self._opened, self._mark = opened, mark

    @cached_property
    def _told(self) -> History | None:
        """What the file tells; None when it cannot be read, which is said in the log."""
        try:
            return read_history(self._opened.con, datetime.now(UTC).replace(tzinfo=None))
        except duckdb.Error as error:
            log.warning("📊 [DUCKDB] What was before this start cannot be read: %s",
                        in_words(error), extra=facts("record_unreadable", reason=str(error)))
            return None

    @property
    def history(self) -> History | None:
        """None when it cannot be read. What is missing in the file was written by a bot that
        lived."""
        found, noted = self._told, self._mark.last
        if found is None or found.alive_at is None or noted is None:
            return found
        is_behind = noted.batch > self._opened.batch
        return msgspec.structs.replace(
            found, ended_in_order=noted.is_end,
            alive_at=max(found.alive_at, noted.at_ms / 1000) if is_behind else found.alive_at)

    @property
    def alive_at(self) -> float | None:
        """The last sign of life, by the file or the mark beside it, epoch s."""
        noted = self._mark.last
        signs = [noted.at_ms / 1000] if noted else []
        if self._told is not None and self._told.alive_at is not None:
            signs.append(self._told.alive_at)
        return max(signs, default=None)

    @property
    def loss(self) -> Loss | None:
        """What was committed before and is not in the file; None if nothing."""
        opened, mark = self._opened, self._mark
        if opened.aside is not None:
            return Loss(f"{opened.aside}; what was not in the archive yet is only there",
                        mark.only_there_s, mark.last.at_ms / 1000 if mark.last else time.time())
        last_there_s = self._told.alive_at if self._told else None
        return mark.missing(opened.batch, opened.seq, last_there_s, opened.existed)
