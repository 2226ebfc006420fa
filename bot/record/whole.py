"""A table with its past: the rows in the DuckDB file and those in Parquet, as one."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from bot.record.asked import Conditions, Sql
from bot.record.schema import DAILY, quoted


def whole(
    con: duckdb.DuckDBPyConnection, folder: Path, table: str, since: datetime, until: datetime
) -> str:
    """SQL of the rows of `table` in [since, until), to be used within the same transaction: a row
    is in the file until the transaction in which its day is noted as archived.

    since, until: naive, UTC. Raises: duckdb.Error.
    """
    column = "opened_at" if table == "bars" else DAILY[table]
    time = f"{column} >= TIMESTAMP '{since}' AND {column} < TIMESTAMP '{until}'"
    parts = [] if table == "bars" else [f"FROM {table} WHERE {time}"]
    if files := _files(con, folder, table, since, until):
        parts.append(f"FROM read_parquet({files}, hive_partitioning=false, union_by_name=true) "
                     f"WHERE {time}")
    return f"({' UNION ALL BY NAME '.join(parts) or nothing(BARS[1])})"


def counted(
    con: duckdb.DuckDBPyConnection, folder: Path, table: str, since: datetime, until: datetime,
    which: Conditions,
) -> Sql:
    """SQL of (day, rows): how many rows of `table` each day of [since, until) has of which this
    holds; both are midnights. To be used, and raises, as `whole`.

    All rows of a file are of its day, so their moments, which are most of it, need not be read.
    """
    column = DAILY[table]
    sql = (f"SELECT {column}::DATE AS day, count(*) AS rows FROM {table} WHERE {column} >= "
           f"TIMESTAMP '{since}' AND {column} < TIMESTAMP '{until}' AND {which} GROUP BY ALL")
    values = list(which.values)
    if files := _files(con, folder, table, since, until - timedelta(microseconds=1)):
        sql += f"""
            UNION ALL SELECT day, rows FROM (
                SELECT filename, count(*) AS rows FROM read_parquet({files}, filename=true,
                    hive_partitioning=false, union_by_name=true) WHERE {which} GROUP BY ALL
            ) JOIN days ON filename = {quoted(folder)} || '/' || file"""
        values *= 2
    return sql, values


def _files(
    con: duckdb.DuckDBPyConnection, folder: Path, table: str, since: datetime, until: datetime
) -> str:
    """A list in SQL of those with rows of the days of both moments or between; empty for none."""
    found = con.execute(
        "SELECT file FROM days WHERE table_name = ? AND day BETWEEN ?::DATE AND ?::DATE"
        " ORDER BY day", [table, since, until]).fetchall()
    paths = ", ".join(quoted(folder / name) for (name,) in found)
    return f"[{paths}]" if paths else ""


BARS: tuple[str, dict[str, tuple[str, str]]] = (
    "open, high, low, close of closed days, made of trades or of the prices served; only in the "
    "archive", {
        "opened_at": ("TIMESTAMP", "first moment of the bar, by the stamps"),
        "width": ("VARCHAR", "1m, 5m, 1h or 1d"),
        "exchange": ("VARCHAR", "lower case; NULL for the price served"),
        "symbol": ("VARCHAR", "canonical, such as BTCUSDT"),
        "open": ("DOUBLE", "first price in it"),
        "high": ("DOUBLE", "highest price in it"),
        "low": ("DOUBLE", "lowest price in it"),
        "close": ("DOUBLE", "last price in it"),
        "volume": ("DOUBLE", "sum of the sizes of its trades; NULL for the price served"),
        "trades": ("BIGINT", "trades, or prices served"),
        "complete": ("BOOLEAN", "it has ended, neither the bot nor its source was down in it, no "
                                "stamp was of the future"),
    })


def nothing(columns: dict[str, tuple[str, str]]) -> str:
    """SQL of no rows with these columns, beside which those of other rows fall into place."""
    shape = ", ".join(f"NULL::{kind} AS {column}" for column, (kind, _) in columns.items())
    return f"SELECT {shape} WHERE false"
