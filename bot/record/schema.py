"""The tables of the recorder's file, and what every column means.

The meanings are also in the file itself, as COMMENTs:
`SELECT table_name, column_name, comment FROM duckdb_columns()`. All times are UTC, in
microseconds. There are no indexes: rows arrive in time order, which prunes as well and costs
nothing (measured: an index makes the file five times as large).
"""

import duckdb

from bot.errors import RecorderError

VERSION = 3  # 2: incidents; 3: verdicts, event ids, samples, days, inputs, states

SEQ = "place in the order in which everything was recorded; a hole is a row that was refused"

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
        "event_id": ("BIGINT", "number of the event in its stream, the same when it is sent "
                               "again; NULL where the exchange gives none"),
        "received_mono": ("DOUBLE", "receipt by the monotonic clock of that run, s"),
        "seq": ("BIGINT", SEQ),
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
        "status": ("VARCHAR", "trusted, degraded, disputed, stale or synthetic"),
        "confidence": ("DOUBLE", "how far from the truth it may be, in price units"),
        "sources_used": ("VARCHAR", "whom price and confidence rest on, comma-separated"),
        "seq": ("BIGINT", SEQ),
    }),
    "samples": ("the state of every source, at each health check", {
        "sampled_at": ("TIMESTAMP", "moment of the health check"),
        "source": ("VARCHAR", "exchange, lower case"),
        "connected": ("BOOLEAN", "whether its WebSocket was open"),
        "active": ("BOOLEAN", "whether it was the active source of the main symbol"),
        "latency_ms": ("DOUBLE", "ping round trip; NULL while not known"),
        "event_lag_ms": ("DOUBLE", "receipt less stamp of its last message, above what is usual"),
        "clock_offset_ms": ("DOUBLE", "how far this machine is ahead of its stamps, as a rule"),
        "messages": ("BIGINT", "normalised updates since the start of the bot"),
        "errors": ("BIGINT", "faults since the start of the bot"),
        "seq": ("BIGINT", SEQ),
    }),
    "events": ("switches, losses, tier changes and the like", {
        "happened_at": ("TIMESTAMP", "moment of the event"),
        "kind": ("VARCHAR", "what happened"),
        "source": ("VARCHAR", "whom it concerns; NULL if no one source"),
        "symbol": ("VARCHAR", "canonical; NULL if no one symbol"),
        "reason": ("VARCHAR", "why, in words"),
        "detail": ("VARCHAR", "further fields as a JSON object; NULL if none"),
        "seq": ("BIGINT", SEQ),
    }),
    "inputs": (
        "what the judgement was told beside updates, and when it judged: with updates and states "
        "all that is needed to judge again", {
            "noted_at": ("TIMESTAMP", "moment, by this machine's clock"),
            "mono": ("DOUBLE", "the same by the monotonic clock of that run, s: judged with"),
            "kind": ("VARCHAR", "begun, connected, disconnected, expected, refused, opinion, "
                                "source, look, judged, asked or cleared; see docs/data.md"),
            "source": ("VARCHAR", "exchange, lower case; NULL if no one source"),
            "symbol": ("VARCHAR", "canonical; NULL if no one symbol"),
            "detail": ("VARCHAR", "further fields as a JSON object; NULL if none"),
            "seq": ("BIGINT", SEQ),
        }),
    "states": ("all that the judgement remembered at a moment: where it can be played again from", {
        "taken_at": ("TIMESTAMP", "moment, by this machine's clock"),
        "mono": ("DOUBLE", "the same by the monotonic clock of that run, s"),
        "instance": ("VARCHAR", "INSTANCE_ID of the bot"),
        "settings": ("VARCHAR", "what it judged by, as a JSON object"),
        "memory": ("BLOB", "msgpack, of the shape of this version of the program"),
        "seq": ("BIGINT", SEQ),
    }),
    "incidents": (
        "every time a source was not fit or a price not trusted: one row when it begins, one for "
        "each further rule that it comes to, one when it leads to a switch, one when it ends; the "
        "highest revision of an id is in force", {
            "opened_at": ("TIMESTAMP", "moment of the judgement"),
            "id": ("VARCHAR", "the same in all rows of an incident"),
            "revision": ("INTEGER", "which telling of the incident this is, from 1"),
            "source": ("VARCHAR", "lower case; NULL for the price served, or the bot itself"),
            "symbol": ("VARCHAR", "canonical; NULL for the bot itself, which stands for all"),
            "cause": ("VARCHAR", "why, in words; begins with drill: for what was rehearsed"),
            "rule": ("VARCHAR", "why, in one word; down: the bot did not run; paused: it stood "
                                "still; unrecorded: rows were refused; lost: rows are not in the "
                                "file any more"),
            "closed_at": ("TIMESTAMP", "moment of the recovery; NULL while it goes on"),
            "duration_ms": ("DOUBLE", "from opened_at to closed_at; NULL while it goes on"),
            "detected_after_ms": ("DOUBLE", "from the last that was good to opened_at"),
            "switched_after_ms": ("DOUBLE", "from opened_at until another source was active"),
            "blackout_ms": ("DOUBLE", "how long the symbol had no trusted price because of it"),
            "price_step_bps": ("DOUBLE", "price of the next source against this, in 1/10000"),
            "instance": ("VARCHAR", "INSTANCE_ID of the bot"),
            "seq": ("BIGINT", SEQ),
        }),
    "days": ("closed days that are in Parquet files, and no longer in this one", {
        "day": ("DATE", "by receipt, or by the moment served, UTC"),
        "table_name": ("VARCHAR", "the table; bars are made of the others"),
        "row_count": ("BIGINT", "rows of that day"),
        "checksum": ("VARCHAR", "sum of the hashes of its rows, the same in the file"),
        "file": ("VARCHAR", "path within the folder of the archive"),
        "exported_at": ("TIMESTAMP", "moment at which the rows were dropped here"),
    }),
    "progress": ("one row: how far the recorder came, to know after a fault what was committed", {
        "batch": ("BIGINT", "number of the last transaction of rows"),
        "seq": ("BIGINT", "the highest seq of any row, archived ones included"),
    }),
    "openings": ("one row each time a bot opened this file, at start or after a fault", {
        "opened_at": ("TIMESTAMP", "moment of opening"),
        "instance": ("VARCHAR", "INSTANCE_ID of the bot"),
        "schema_version": ("INTEGER", "version of these tables"),
        "program_version": ("VARCHAR", "version of the bot"),
        "poll_interval_ms": ("BIGINT", "POLL_INTERVAL of that run: so often each price is "
                                       "served; NULL where not known"),
    }),
}
# Those filled row by row, each with `seq` as its last column.
FILLED = ("updates", "served", "samples", "events", "inputs", "states", "incidents")
# Those that grow with the market and its troubles, with the column that tells the day of a row.
DAILY = {"updates": "received_at", "served": "served_at", "samples": "sampled_at",
         "events": "happened_at", "inputs": "noted_at", "states": "taken_at"}


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the file's tables those above, whichever version they are of.

    A later version adds tables, and columns at the end of a table, and changes nothing else; so
    what is missing is added, and the rows that are there keep NULL in it. All of it in one
    transaction, or nothing. Raises: RecorderError when the file holds tables of these names but of
    another shape, or of a newer version.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"
        " WHERE schema_name = 'main' AND NOT internal ORDER BY column_index"
    ).fetchall():
        found.setdefault(table, []).append((column, kind))
    con.begin()
    for table, (meaning, columns) in TABLES.items():
        there = found.get(table, [])
        shape = [(column, kind) for column, (kind, _) in columns.items()]
        if there[:len(shape)] == shape and len(there) > len(shape):
            raise RecorderError(f"the file was written by a newer version of this program: its "
                                f"table {table!r} has columns that are not known here")
        if there != shape[:len(there)]:
            raise RecorderError(f"the file holds a table {table!r} that is not this program's")
        _complete(con, table, meaning, columns, len(there))
    if "progress" not in found:
        con.execute("INSERT INTO progress VALUES (0, 0)")
    con.commit()


def _complete(
    con: duckdb.DuckDBPyConnection, table: str, meaning: str,
    columns: dict[str, tuple[str, str]], there: int,
) -> None:
    """Create the table, or add the columns that are missing after the first `there`."""
    missing = list(columns.items())[there:]
    if not there:
        shape = ", ".join(f"{column} {kind}" for column, (kind, _) in missing)
        con.execute(f"CREATE TABLE {table} ({shape})")
        con.execute(f"COMMENT ON TABLE {table} IS {quoted(meaning)}")
    for column, (kind, comment) in missing:
        if there:
            con.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        con.execute(f"COMMENT ON COLUMN {table}.{column} IS {quoted(comment)}")


def quoted(value: object) -> str:
    """A text or a path as a literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"
