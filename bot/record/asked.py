"""What a question to the record consists of, before there is any SQL."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1)
MOST_ROWS = 10_000
SERVED = "served"  # stands for an exchange where the prices that the bot stood by are meant

Sql = tuple[str, list[object]]


class Asked(NamedTuple):
    """The parameters of a question; all times naive, UTC.

    after: where the last page of ticks ended: a millisecond, and how many rows of it were given.
    """

    since: datetime
    until: datetime
    now: datetime
    symbol: str | None = None
    exchange: str | None = None
    exchanges: tuple[str, ...] = ()
    interval: str = "1m"
    kind: str | None = None
    limit: int = MOST_ROWS
    after: tuple[datetime, int] | None = None


class Past(Protocol):
    """What SQL needs to know about the place of the rows, within one transaction."""

    def rows(self, table: str, since: datetime, until: datetime) -> str:
        """SQL of the rows of a table in [since, until), wherever they are."""

    def counted(
        self, table: str, since: datetime, until: datetime, which: "Conditions"
    ) -> Sql:
        """SQL of (day, rows): how many of which this holds each day of [since, until) has."""

    def barred(self, since: datetime, until: datetime) -> list[date]:
        """Days in [since, until) whose bars are in the archive, in order."""

    def last_good(
        self, symbol: str | None, since: datetime, until: datetime
    ) -> list[tuple[str, datetime]]:
        """When a trusted real price was served last in [since, until), whole days, of each symbol
        or this one."""


class Question(NamedTuple):
    """names: the parameters it takes beside from, to and format. required: those it needs.

    most: the longest time that can be asked about at once. grid: s that from and to are widened to.
    paged: whether more rows than asked for are another page, and no error.
    """

    about: str
    names: tuple[str, ...]
    required: tuple[str, ...]
    most: Callable[[Asked], timedelta]
    build: Callable[[Asked, Past], Sql]
    grid: Callable[[Asked], int] = lambda _: 0
    paged: bool = False


def widened(asked: Asked, seconds: int) -> Asked:
    """From the beginning of the first to the end of the last of the intervals it touches."""
    if not seconds:
        return asked
    grid = timedelta(seconds=seconds)
    since = asked.since - (asked.since - EPOCH) % grid
    until = asked.until + (EPOCH - asked.until) % grid
    return asked._replace(since=since, until=until)


class Conditions:
    """Conditions on rows that hold all at once; the values are bound, never written."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._words = ["true"]

    def add(self, words: str, *values: object) -> "Conditions":
        self._words.append(words)
        self.values.extend(values)
        return self

    def equal(self, column: str, value: object) -> "Conditions":
        """Does nothing for None."""
        return self if value is None else self.add(f"{column} = ?", value)

    def __str__(self) -> str:
        return " AND ".join(self._words)
