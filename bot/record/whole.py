"""A table with its past: the rows in the DuckDB file and those in Parquet, as one."""

from datetime import datetime
from pathlib import Path

import duckdb

from bot.record.schema import DAILY


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
    return f"({' UNION ALL BY NAME '.join(parts) or NO_BARS})"


NO_BARS = """SELECT NULL::TIMESTAMP AS opened_at, NULL::VARCHAR AS width, NULL::VARCHAR AS exchange,
    NULL::VARCHAR AS symbol, NULL::DOUBLE AS open, NULL::DOUBLE AS high, NULL::DOUBLE AS low,
    NULL::DOUBLE AS close, NULL::DOUBLE AS volume, NULL::BIGINT AS trades,
    NULL::BOOLEAN AS complete WHERE false"""


def quoted(path: Path) -> str:
    """As a literal of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
