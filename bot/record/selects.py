"""Questions in SQL to a record that is open for reading: one SELECT, and nothing that writes.

The record cannot be written anyway; but DuckDB may write to a folder that it may read, and that of
the archive holds the past.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import duckdb

from bot.errors import RecorderError

CHUNK_ROWS = 2_000
EXPLAINED = re.compile(r"\s*EXPLAIN\s+(ANALYZE\s+)?", re.IGNORECASE)
LINE = re.compile(r"^LINE (\d+):", re.MULTILINE)
ONLY = "only questions can be asked here: SELECT, FROM, WITH, VALUES, DESCRIBE, SUMMARIZE, SHOW, " \
       "EXPLAIN"
ZONED = "WITH TIME ZONE"

Row = tuple[object, ...]


class NoQuestion(RecorderError):
    """What was asked is not one SELECT."""


class Found(NamedTuple):
    """chunks: the rows, as they come; one answer at a time is read of a connection."""

    columns: tuple[str, ...]
    chunks: Iterator[Sequence[Row]]


def select(con: duckdb.DuckDBPyConnection, sql: str) -> Found:
    """Moments are naive in the answer, and UTC.

    Raises: NoQuestion, duckdb.Error; so do the chunks. On SIGINT duckdb raises RuntimeError.
    """
    sql = _question(con, sql)
    con.execute(sql)
    names = tuple(str(column[0]) for column in con.description or ())
    kinds = [str(column[1]) for column in con.description or ()]
    if any(ZONED in kind for kind in kinds):  # which Python reads with a module that is not here
        con.execute(_without_zones(sql, kinds))
    return Found(names, _chunks(con))


def _question(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The one statement in `sql`. Raises: NoQuestion, duckdb.Error."""
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        raise NoQuestion(f"ask one question at a time, got {len(statements)}")
    text: str = statements[0].query.strip().rstrip(";")
    if statements[0].type == duckdb.StatementType.EXPLAIN:
        match = EXPLAINED.match(text)
        _question(con, text[match.end():] if match else "")
        return text
    if statements[0].type != duckdb.StatementType.SELECT:
        raise NoQuestion(f"{ONLY}, got {statements[0].type.name}")
    _make_sure_it_reads(con, text)
    return text


def _make_sure_it_reads(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """WITH may hold a COPY, but only where the whole is no part of anything."""
    try:
        con.execute(f"EXPLAIN FROM ({text}\n)").fetchall()
    except duckdb.Error as wrong:
        try:
            con.execute(f"EXPLAIN\n{text}").fetchall()
        except duckdb.Error as error:  # what is wrong with the question itself
            raise type(error)(LINE.sub(lambda line: f"LINE {int(line[1]) - 1}:", str(error))
                              ) from error
        raise NoQuestion(ONLY) from wrong


def _without_zones(text: str, kinds: Sequence[str]) -> str:
    names = [f"c{number}" for number in range(len(kinds))]
    columns = ", ".join(
        f"{name} AT TIME ZONE 'UTC'" if kind == f"TIMESTAMP {ZONED}"
        else f"{name}::VARCHAR" if ZONED in kind else name
        for name, kind in zip(names, kinds, strict=True))
    return f"SELECT {columns} FROM ({text}\n) answer({', '.join(names)})"


def _chunks(con: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Row]]:
    while chunk := con.fetchmany(CHUNK_ROWS):
        yield chunk
