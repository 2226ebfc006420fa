"""What the file tells of earlier lives of the bot: a few rows, read once when it is opened.

However many updates there are, their newest time comes from DuckDB's statistics: under 5 ms for
10,000,000 rows.
"""

from datetime import datetime, timedelta

import duckdb

from bot.incidents.incident import Activation, History, Incident

WINDOW = timedelta(days=30)
MOST_INCIDENTS = 20_000
MOST_ACTIVATIONS = 2_000

SIGNS_OF_LIFE = """
    SELECT epoch_us(min(opened_at)), epoch_us(greatest(
        max(opened_at), (SELECT max(served_at) FROM served),
        (SELECT max(received_at) FROM updates), (SELECT max(happened_at) FROM events),
        (SELECT max(noted_at) FROM inputs)))
    FROM openings
"""
# Those that began up to a window before the window may reach into it. Newest telling of each.
INCIDENTS = """
    SELECT * FROM (
        SELECT id, revision, source, symbol, coalesce(cause, ''), coalesce(rule, ''),
            epoch_us(opened_at) / 1e6 AS opened_at, epoch_us(closed_at) / 1e6 AS closed_at,
            duration_ms, detected_after_ms, switched_after_ms, blackout_ms, price_step_bps,
            coalesce(instance, '')
        FROM incidents WHERE opened_at >= ? AND id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1
    ) WHERE coalesce(closed_at >= ?, true) ORDER BY opened_at DESC LIMIT ?
"""
# What is older than the window is there only if it is the last of its symbol.
ACTIVATIONS = """
    SELECT symbol, CASE WHEN kind = 'failover_failed' THEN NULL ELSE source END,
        epoch_us(happened_at) / 1e6, coalesce(reason, '')
    FROM events
    WHERE kind IN ('source_activated', 'source_switch', 'failover_failed') AND symbol IS NOT NULL
        AND happened_at >= ?
    QUALIFY happened_at >= ? OR row_number() OVER (
        PARTITION BY symbol, happened_at >= ? ORDER BY happened_at DESC) = 1
    ORDER BY happened_at DESC LIMIT ?
"""
FIELDS = ("id", "revision", "source", "symbol", "cause", "rule", "opened_at", "closed_at",
          "duration_ms", "detected_after_ms", "switched_after_ms", "blackout_ms",
          "price_step_bps", "instance")


def read_history(con: duckdb.DuckDBPyConnection, now: datetime) -> History:
    """What was before this opening, which is not in `openings` yet. now: UTC, naive.

    Of more incidents than MOST_INCIDENTS the newest are read, and what is known begins with them.
    Raises: duckdb.Error.
    """
    ((first_us, alive_us),) = con.execute(SIGNS_OF_LIFE).fetchall()
    if first_us is None:
        return History(None, None)
    start = now - WINDOW
    start_s = (start - datetime(1970, 1, 1)).total_seconds()
    rows = con.execute(INCIDENTS, [start - WINDOW, start_s, MOST_INCIDENTS]).fetchall()
    incidents = tuple(Incident(**dict(zip(FIELDS, row, strict=True))) for row in reversed(rows))
    since = max(start_s, first_us / 1e6)
    if len(incidents) == MOST_INCIDENTS:
        since = max(since, incidents[0].opened_at)
    return History(since, alive_us / 1e6, incidents, _activations(con, now))


def _activations(con: duckdb.DuckDBPyConnection, now: datetime) -> tuple[Activation, ...]:
    hour = now - timedelta(hours=1)
    rows = con.execute(ACTIVATIONS, [now - timedelta(days=2), hour, hour, MOST_ACTIVATIONS])
    return tuple(Activation(*row) for row in reversed(rows.fetchall()))
