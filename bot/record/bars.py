"""Open, high, low, close: SQL that makes bars of rows, and of nothing else.

A bar is made of the trades whose stamps fall into it, whenever they arrived, each counted once
however often it was sent. Where there was no trade there is no bar. For the price served it is made
of the prices the bot stood by, made-up ones left out. A bar is complete when it has ended and
neither the bot nor its source was down in it.
"""

from datetime import date, datetime, timedelta

WIDTHS = {"1s": 1, "1m": 60, "5m": 300, "1h": 3600, "1d": 86_400}  # s
KEPT = ("1m", "5m", "1h", "1d")  # for ever; those of a second are as large as the trades
# What arrives later than this after midnight is not in the bars of that day; nor what is stamped so
# long after its receipt.
LATE, EARLY = timedelta(minutes=10), timedelta(hours=1)

# `{rows}`: a relation with the columns of `updates`. A trade sent again has the same number.
TRADES = """
    SELECT coalesce(event_at, received_at) AS moment, exchange, symbol, price, volume,
        coalesce(event_id, 0) AS turn, received_at AS heard
    FROM {rows} WHERE type = 'trade' AND {filter}
    QUALIFY event_id IS NULL OR row_number() OVER (
        PARTITION BY exchange, symbol, event_id ORDER BY received_at) = 1
"""
# `{rows}`: a relation with the columns of `served`.
PRICES = """
    SELECT served_at AS moment, NULL::VARCHAR AS exchange, symbol, price, NULL::DOUBLE AS volume,
        0 AS turn, served_at AS heard
    FROM {rows} WHERE NOT synthetic AND {filter}
"""
BARS = """
    SELECT time_bucket(INTERVAL {seconds} SECOND, moment) AS opened_at, '{width}' AS width,
        exchange, symbol, arg_min(price, (moment, turn, heard)) AS open, max(price) AS high,
        min(price) AS low, arg_max(price, (moment, turn, heard)) AS close,
        sum(volume) AS volume, count(*) AS trades
    FROM ({source}) GROUP BY ALL
"""
# An incident with neither source nor symbol is a time in which the bot did not run.
WHOLE = """
    SELECT bars.*, opened_at + INTERVAL {seconds} SECOND <= ?::TIMESTAMP
        AND opened_at >= (SELECT min(opened_at) FROM openings)
        AND NOT EXISTS (
            FROM incidents i
            WHERE i.opened_at < bars.opened_at + INTERVAL {seconds} SECOND
                AND coalesce(i.closed_at, 'infinity') > bars.opened_at
                AND (i.source IS NULL AND i.symbol IS NULL
                    OR i.source = bars.exchange AND i.symbol = bars.symbol)
                AND i.revision = (SELECT max(revision) FROM incidents j WHERE j.id = i.id)
        ) AS complete
    FROM ({bars}) bars
"""


def bars(width: str, source: str, rows: str, filter: str) -> str:
    """SQL of bars with `complete`; its parameters: those of `filter`, after the present time (UTC).

    source: TRADES or PRICES. rows: a table or sub-query. filter: a condition on its columns.
    """
    seconds = WIDTHS[width]
    inner = BARS.format(seconds=seconds, width=width,
                        source=source.format(rows=rows, filter=filter))
    return WHOLE.format(seconds=seconds, bars=inner)


def of_day(day: date, now: datetime, updates: str, served: str) -> tuple[str, list[object]]:
    """SQL of every bar of a closed day that is kept, and its parameters. now: UTC. updates, served:
    relations with the rows of that day, and the trades that were received EARLY or LATE.
    """
    begin = datetime(day.year, day.month, day.day)
    stamped = "coalesce(event_at, received_at) >= ? AND coalesce(event_at, received_at) < ?"
    parts: list[str] = []
    parameters: list[object] = []
    for width in KEPT:
        parts += [bars(width, TRADES, updates, stamped), bars(width, PRICES, served, "true")]
        parameters += [now, begin, begin + timedelta(days=1), now]
    return f"{' UNION ALL '.join(parts)} ORDER BY width, opened_at", parameters
