"""The tables of the recorder's file, and what every column means.

The meanings are also in the file itself, as COMMENTs:
`SELECT table_name, column_name, comment FROM duckdb_columns()`. All times are UTC, in
microseconds. There are no indexes: rows arrive in time order, which prunes as well and costs
nothing (measured: an index makes the file five times as large).
"""

import duckdb

from bot.errors import RecorderError

VERSION = 2  # 2: incidents

TABLES: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "updates": ("every normalised message of an exchange, in order of receipt", {
        "received_at": ("TIMESTAMP", "receipt by this machine"),
        "event_at": ("TIMESTAMP", "the stamp of the exchange; NULL where it sends none"),
        "exchange": ("VARCHAR", "lower case"),
        "symbol": ("VARCHAR", "canonical, such as BTCUSDT"),
        "type": ("VARCHAR", "trade, ticker or orderbook"),
        "price": ("DOUBLE", "last trade price, or the middle of bid and ask (orderbook)"),
        "volume": ("DOUBLE", "size of the trade, or base volume of the last 24 h (ticker)"),
        "bid": ("DOUBLE", "best bid"),
        "ask": ("DOUBLE", "best ask"),
    }),
    "served": ("the price the bot stood by, and why", {
        "served_at": ("TIMESTAMP", "moment of the answer"),
        "symbol": ("VARCHAR", "canonical, such as BTCUSDT"),
        "price": ("DOUBLE", "the price served"),
        "bid": ("DOUBLE", "best bid"),
        "ask": ("DOUBLE", "best ask"),
        "volume": ("DOUBLE", "base volume of the last 24 h"),
        "source": ("VARCHAR", "tier of the chain: websocket, kafka, okx or mock"),
        "exchange": ("VARCHAR", "where the price is from; NULL for an average"),
        "exchanges": ("VARCHAR", "legs of an average, comma-separated; else NULL"),
        "event_at": ("TIMESTAMP", "the stamp of the exchange; NULL where it sends none"),
        "received_at": ("TIMESTAMP", "receipt by this machine"),
        "age_ms": ("DOUBLE", "age of the price when served, on the monotonic clock"),
        "synthetic": ("BOOLEAN", "made up by the mock tier"),
        "trusted": ("BOOLEAN", "fit for a reader who asks for trusted prices"),
        "reason": ("VARCHAR", "why this price, and why trusted or not"),
    }),
    "events": ("switches, losses, tier changes and the like", {
        "happened_at": ("TIMESTAMP", "moment of the event"),
        "kind": ("VARCHAR", "what happened"),
        "source": ("VARCHAR", "whom it concerns; NULL if no one source"),
        "symbol": ("VARCHAR", "canonical; NULL if no one symbol"),
        "reason": ("VARCHAR", "why, in words"),
        "detail": ("VARCHAR", "further fields as a JSON object; NULL if none"),
    }),
    "incidents": (
        "every time a source was not fit or a price not trusted: one row when it begins, one when "
        "it leads to a switch, one when it ends; the highest revision of an id is in force", {
            "opened_at": ("TIMESTAMP", "moment of the judgement"),
            "id": ("VARCHAR", "the same in all rows of an incident"),
            "revision": ("INTEGER", "which telling of the incident this is, from 1"),
            "source": ("VARCHAR", "lower case; NULL for the price served, or the bot itself"),
            "symbol": ("VARCHAR", "canonical; NULL for the bot itself, which stands for all"),
            "cause": ("VARCHAR", "why, in words; begins with drill: for what was rehearsed"),
            "rule": ("VARCHAR", "why, in one word; down: the bot did not run"),
            "closed_at": ("TIMESTAMP", "moment of the recovery; NULL while it goes on"),
            "duration_ms": ("DOUBLE", "from opened_at to closed_at; NULL while it goes on"),
            "detected_after_ms": ("DOUBLE", "from the last that was good to opened_at"),
            "switched_after_ms": ("DOUBLE", "from opened_at until another source was active"),
            "blackout_ms": ("DOUBLE", "how long the symbol had no trusted price because of it"),
            "price_step_bps": ("DOUBLE", "price of the next source against this, in 1/10000"),
            "instance": ("VARCHAR", "INSTANCE_ID of the bot"),
        }),
    "openings": ("one row each time a bot opened this file, at start or after a fault", {
        "opened_at": ("TIMESTAMP", "moment of opening"),
        "instance": ("VARCHAR", "INSTANCE_ID of the bot"),
        "schema_version": ("INTEGER", "version of these tables"),
        "program_version": ("VARCHAR", "version of the bot"),
    }),
}
# Those filled row by row.
COUNTED = ("updates", "served", "events", "incidents")


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Raises: RecorderError when the file holds tables of these names but of another shape."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE schema_name = 'main' AND NOT internal ORDER BY column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    for table, (meaning, columns) in TABLES.items():
        shape = {column: kind for column, (kind, _) in columns.items()}
        if table not in found:
            _create_table(con, table, meaning, columns)
        elif list(found[table].items()) != list(shape.items()):
            raise RecorderError(f"the file holds a table {table!r} that is not this program's")


def _create_table(
    con: duckdb.DuckDBPyConnection, table: str, meaning: str, columns: dict[str, tuple[str, str]]
) -> None:
    con.begin()
    con.execute(f"CREATE TABLE {table} ({', '.join(f'{c} {k}' for c, (k, _) in columns.items())})")
    con.execute(f"COMMENT ON TABLE {table} IS '{meaning}'")
    for column, (_, comment) in columns.items():
        con.execute(f"COMMENT ON COLUMN {table}.{column} IS '{comment}'")
    con.commit()
