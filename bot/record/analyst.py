"""Answers questions about the record, within limits."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from bot.errors import RecorderError
from bot.record.asked import DAY, Asked, Conditions, Question, Sql
from bot.record.recorder import Recorder
from bot.record.watch import Errands

if TYPE_CHECKING:  # at run time it is loaded by the recorder, if there is one
    from duckdb import DuckDBPyConnection

TIMEOUT_S = 5.0
AT_ONCE = 2  # the API has four threads, and prices come first
MOST_LEFT = 2  # that hang
# Converting rows holds the interpreter, and Python hands it on only every 5 ms; so those who do it
# give way after each chunk.
CHUNK_ROWS = 250
BREATH_S = 0.0005
FORGOTTEN_S = 60.0
NO_RECORD = "nothing is recorded: ENABLE_DUCKDB is off"

Row = tuple[object, ...]

_never = threading.Event()


class TooBusy(RecorderError):
    """As many questions are being answered as there may be."""


class TooManyRows(RecorderError):
    """The answer is longer than it may be."""


class Answer(NamedTuple):
    """more: whether there are rows beyond the limit. parquet: the same rows, if asked for."""

    columns: tuple[str, ...]
    rows: list[Row]
    more: bool
    parquet: bytes | None


class Analyst:
    """recorder: None for a bot that keeps no record. Every method may be called on any thread."""

    def __init__(
        self, recorder: Recorder | None = None, timeout_s: float = TIMEOUT_S, at_once: int = AT_ONCE
    ) -> None:
        self._recorder = recorder
        self._errands = Errands(recorder, MOST_LEFT) if recorder else None
        self._timeout_s = timeout_s
        self._at_once = at_once
        self._seats = threading.BoundedSemaphore(at_once)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """The right to ask, and to make something of the answer. Raises: TooBusy, at once."""
        if not self._seats.acquire(blocking=False):
            raise TooBusy(f"{self._at_once} questions are being answered, which is the most at "
                          "once; ask again")
        try:
            yield
        finally:
            self._seats.release()

    def ask(
        self, question: Question, asked: Asked, gone: Callable[[], bool] = lambda: False,
        parquet: bool = False,
    ) -> Answer:
        """gone: whether nobody waits for the answer any more.

        Raises: TookTooLong, NobodyWaits, TooManyRows; RecorderError with why there is no answer.
        """
        if self._recorder is None or self._errands is None:
            raise RecorderError(NO_RECORD)
        archive = self._recorder.archive
        return self._errands.run(
            lambda con: _answered(con, archive, question, asked, parquet), self._timeout_s, gone,
            f"no answer within {self._timeout_s:g} s; ask about less")


def breathe() -> None:
    """Let the feeds have the interpreter."""
    _never.wait(BREATH_S)


class _Past:
    """Where the rows are, as the transaction of `con` sees it."""

    def __init__(self, con: "DuckDBPyConnection", folder: Path) -> None:
        self._con, self._folder = con, folder

    def rows(self, table: str, since: datetime, until: datetime) -> str:
        from bot.record.whole import whole
        return whole(self._con, self._folder, table, since, until)

    def counted(
        self, table: str, since: datetime, until: datetime, which: Conditions
    ) -> Sql:
        from bot.record.whole import counted
        return counted(self._con, self._folder, table, since, until, which)

    def barred(self, since: datetime, until: datetime) -> list[date]:
        return [day for (day,) in self._con.execute(
            "SELECT DISTINCT day FROM days WHERE table_name = 'bars' AND day >= ?::DATE"
            " AND day < ? ORDER BY day", [since, until]).fetchall()]

    def last_good(
        self, symbol: str | None, since: datetime, until: datetime
    ) -> list[tuple[str, datetime]]:
        step = until - since if symbol is None else DAY  # of one it is the day before, as a rule
        these = Conditions().equal("symbol", symbol).add("trusted AND NOT synthetic")
        while until > since:
            rows = self.rows("served", until - step, until)
            found = self._con.execute(f"SELECT symbol, max(served_at) FROM {rows} WHERE {these}"
                                      " GROUP BY symbol", these.values).fetchall()
            if found:
                return found
            until -= step
        return []


def _answered(
    con: "DuckDBPyConnection", folder: Path, question: Question, asked: Asked, parquet: bool
) -> Answer:
    """Raises: duckdb.Error, TooManyRows, OSError as RecorderError."""
    con.begin()
    try:
        sql, values = question.build(asked, _Past(con, folder))
        _, offset = asked.after or (None, 0)
        limited = f"{sql} LIMIT {asked.limit + 1} OFFSET {offset}"
        if parquet:
            con.execute(f"CREATE TEMP TABLE answer AS {limited}", values)
            limited, values = "FROM answer", []
        columns, rows = _fetched(con, limited, values)
        more = len(rows) > asked.limit
        if more and not question.paged:
            raise TooManyRows(f"the answer has more than {asked.limit} rows, which is the most; "
                              "ask about less")
        file = _as_file(con, folder, asked.limit) if parquet else None
        return Answer(columns, rows[:asked.limit], more, file)
    finally:
        con.rollback()


def _fetched(
    con: "DuckDBPyConnection", sql: str, values: Sequence[object]
) -> tuple[tuple[str, ...], list[Row]]:
    con.execute(sql, values)
    columns = tuple(column[0] for column in con.description or ())
    rows: list[Row] = []
    while chunk := con.fetchmany(CHUNK_ROWS):
        rows += chunk
        if len(chunk) == CHUNK_ROWS:
            breathe()
    return columns, rows


def _as_file(con: "DuckDBPyConnection", folder: Path, limit: int) -> bytes:
    """DuckDB writes Parquet to files only, and may do so in the folder of the archive."""
    from bot.record.schema import quoted
    drafts = folder / "answers"
    try:
        drafts.mkdir(parents=True, exist_ok=True)
        for left in drafts.iterdir():  # by a bot that was killed meanwhile
            if left.stat().st_mtime < time.time() - FORGOTTEN_S:
                left.unlink(missing_ok=True)
        draft = drafts / f"{uuid4().hex}.parquet"
        try:
            con.execute(f"COPY (FROM answer LIMIT {limit}) TO {quoted(draft)} "
                        "(FORMAT parquet, COMPRESSION zstd)")
            return draft.read_bytes()
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise RecorderError(f"no Parquet file can be made: {error.strerror}") from error
