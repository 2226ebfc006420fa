"""A table with its past: the rows in the DuckDB file and those in Parquet, as one."""

from datetime import datetime
from pathlib import Path

import duckdb

from bot.record.schema import DAILY, quoted


def whole(
    con: duckdb.DuckDBPyConnection, folder: Path, table: str, since: datetime, until: datetime
) -> str:
    """SQL of the rows of `table` in [since, until), to be used within the same transaction: a row
    is in the file until the transaction in which its day is noted as archived.

    since, until: naive, UTC. Raises: duckdb.Error.
    """
    files = con.execute(
        "SELECT file FROM days WHERE table_name = ? AND day BETWEEN ?::DATE AND ?::DATE"
        " ORDER BY day", [table, since, until]).fetchall()
    column = "opened_at" if table == "bars" else DAILY[table]
    time = f"{column} >= TIMESTAMP '{since}' AND {column} < TIMESTAMP '{until}'"
    parts = [] if table == "bars" else [f"FROM {table} WHERE {time}"]
    if files:
        paths = ", ".join(quoted(folder / name) for (name,) in files)
        parts.append(f"FROM read_parquet([{paths}], hive_partitioning=false, union_by_name=true) "
                     f"WHERE {time}")
    return f"({' UNION ALL BY NAME '.join(parts) or nothing(BARS[1])})"


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
