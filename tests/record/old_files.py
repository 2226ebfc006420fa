"""Files as earlier versions of the program left them: frozen, never to be derived from the code."""

from pathlib import Path

import duckdb

UPDATES = """CREATE TABLE updates (received_at TIMESTAMP, event_at TIMESTAMP, exchange VARCHAR,
    symbol VARCHAR, type VARCHAR, price DOUBLE, volume DOUBLE, bid DOUBLE, ask DOUBLE)"""
SERVED = """CREATE TABLE served (served_at TIMESTAMP, symbol VARCHAR, price DOUBLE, bid DOUBLE,
    ask DOUBLE, volume DOUBLE, source VARCHAR, exchange VARCHAR, exchanges VARCHAR,
    event_at TIMESTAMP, received_at TIMESTAMP, age_ms DOUBLE, synthetic BOOLEAN, trusted BOOLEAN,
    reason VARCHAR)"""
EVENTS = """CREATE TABLE events (happened_at TIMESTAMP, kind VARCHAR, source VARCHAR,
    symbol VARCHAR, reason VARCHAR, detail VARCHAR)"""
INCIDENTS = """CREATE TABLE incidents (opened_at TIMESTAMP, id VARCHAR, revision INTEGER,
    source VARCHAR, symbol VARCHAR, cause VARCHAR, rule VARCHAR, closed_at TIMESTAMP,
    duration_ms DOUBLE, detected_after_ms DOUBLE, switched_after_ms DOUBLE, blackout_ms DOUBLE,
    price_step_bps DOUBLE, instance VARCHAR)"""
OPENINGS = """CREATE TABLE openings (opened_at TIMESTAMP, instance VARCHAR, schema_version INTEGER,
    program_version VARCHAR)"""

VERSIONS = {1: (UPDATES, SERVED, EVENTS, OPENINGS),
            2: (UPDATES, SERVED, EVENTS, INCIDENTS, OPENINGS)}
ROWS = (
    "INSERT INTO updates VALUES ('2026-09-01 10:00:00.5', '2026-09-01 10:00:00.4', 'binance',"
    " 'BTCUSDT', 'trade', 50000.5, 0.1, NULL, NULL)",
    "INSERT INTO served VALUES ('2026-09-01 10:00:01', 'BTCUSDT', 50000.5, NULL, NULL, NULL,"
    " 'websocket', 'binance', NULL, NULL, '2026-09-01 10:00:00.5', 500, false, true, 'fresh')",
    "INSERT INTO events VALUES ('2026-09-01 10:00:02', 'start', NULL, NULL, '', NULL)",
)


def leave_file(path: Path, version: int) -> None:
    """Write a file of that version, with a row in each table that is older than incidents."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as con:
        for statement in (*VERSIONS[version], *ROWS):
            con.execute(statement)
        con.execute("INSERT INTO openings VALUES ('2026-09-01 09:00', 'primary', ?, '0.1.0')",
                    [version])
