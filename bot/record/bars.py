"""Open, high, low, close: SQL that makes bars of rows, and of nothing else.

A bar is made of the trades whose stamps fall into it, each counted once however often it was
sent, without those that came too LATE or too EARLY: so it is the same whatever else is asked, today
and in the archive. Where there was no trade there is no bar. For the price served it is made of the
prices the bot stood by, made-up ones left out. A bar is complete when it has ended, neither the bot
nor its source was down in it, and no stamp in it was of the future.
"""

from datetime import date, datetime, timedelta

WIDTHS = {"1s": 1, "1m": 60, "5m": 300, "1h": 3600, "1d": 86_400}  # s
KEPT = ("1m", "5m", "1h", "1d")  # for ever; those of a second are as large as the trades
# A trade that arrives so long after its stamp, or before it, is in no bar; a day is closed, and its
# bars are made, when the first is over. One that is AHEAD of its receipt makes its bar incomplete.
LATE, EARLY, AHEAD = timedelta(minutes=10), timedelta(hours=1), timedelta(minutes=1)

# `{rows}`: a relation with the columns of `updates`. A trade sent again has the same number.
TRADES = """
    SELECT coalesce(event_at, received_at) AS moment, exchange, symbol, price, volume,
        coalesce(event_id, epoch_us(received_at)) AS turn, received_at AS heard
    FROM {rows} WHERE type = 'trade' AND {filter} AND (event_at IS NULL
        OR epoch_us(received_at) - epoch_us(event_at) < {late}
        AND epoch_us(event_at) - epoch_us(received_at) < {early})
    QUALIFY event_id IS NULL OR row_number() OVER (
        PARTITION BY {each}event_id ORDER BY received_at) = 1
"""
# `{rows}`: a relation with the columns of `served`.
PRICES = """
    SELECT served_at AS moment, NULL::VARCHAR AS exchange, symbol, price, NULL::DOUBLE AS volume,
        coalesce(seq, 0) AS turn, served_at AS heard
    FROM {rows} WHERE NOT synthetic AND {filter}
"""
BARS = """
    SELECT time_bucket(INTERVAL {seconds} SECOND, moment) AS opened_at, '{width}' AS width,
        exchange, symbol, arg_min(price, {place}) AS open, max(price) AS high,
        min(price) AS low, arg_max(price, {place}) AS close,
        sum(volume) AS volume, count(*) AS trades,
        max(epoch_us(moment) - epoch_us(heard)) > {ahead} AS ahead
    FROM ({source}) GROUP BY ALL
"""
PLACE = f"epoch_us(moment)::HUGEINT * {2 ** 63} + turn"  # one number compares faster than a pair
# An incident with neither source nor symbol is a time in which the bot did not run, or did not
# record; one without a source is of the price served. It began with the last that was good, some
# time before it was noticed. Incidents are kept for long, so those of the time are taken out first.
# After each start it takes a moment until there are trades again.
WHOLE = """
    SELECT * FROM (
        WITH made AS MATERIALIZED ({bars}),
        troubles AS MATERIALIZED (
            SELECT * FROM (
                SELECT opened_at - to_microseconds(coalesce(detected_after_ms * 1000, 0)::BIGINT)
                    AS opened_at, coalesce(closed_at, 'infinity') AS closed_at, source, symbol
                FROM incidents WHERE id IS NOT NULL
                QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1
            ) WHERE opened_at < (SELECT max(opened_at) FROM made) + INTERVAL {seconds} SECOND
                AND closed_at > (SELECT min(opened_at) FROM made)
            UNION ALL
            SELECT opened_at, opened_at + INTERVAL {start} SECOND, NULL, NULL FROM openings
        )
        SELECT made.* EXCLUDE (ahead), made.opened_at + INTERVAL {seconds} SECOND <= ?::TIMESTAMP
            AND NOT made.ahead AND made.opened_at >= (SELECT min(opened_at) FROM openings)
            AND NOT EXISTS (
                FROM troubles t
                WHERE t.opened_at < made.opened_at + INTERVAL {seconds} SECOND
                    AND t.closed_at > made.opened_at
                    AND (t.symbol IS NULL OR t.symbol = made.symbol)
                    AND (t.source IS NULL AND (t.symbol IS NULL OR made.exchange IS NULL)
                        OR t.source = made.exchange)
            ) AS complete
        FROM made
    )
"""
START_S = 10


def bars(
    width: str, source: str, rows: str, filter: str, each: str = "exchange, symbol, "
) -> str:
    """SQL of bars with `complete`; its parameters: those of `filter`, then the present time (UTC).

    source: TRADES or PRICES. rows: a table or sub-query. filter: a condition on its columns. each:
    the columns beside which a trade has its number; none, which is faster, where `filter` lets one
    value of each through.
    """
    seconds = WIDTHS[width]
    late, early, ahead = (limit // timedelta(microseconds=1) for limit in (LATE, EARLY, AHEAD))
    made_of = source.format(rows=rows, filter=filter, late=late, early=early, each=each)
    made = BARS.format(seconds=seconds, width=width, ahead=ahead, place=PLACE, source=made_of)
    return WHOLE.format(seconds=seconds, bars=made, start=START_S)


def of_day(day: date, now: datetime, updates: str, served: str) -> tuple[str, list[object]]:
    """SQL of every bar of a closed day that is kept, and its parameters. now: UTC. updates, served:
    relations with the rows of that day, and the trades that were received up to EARLY before it and
    LATE after it.
    """
    begin = datetime(day.year, day.month, day.day)
    stamped = "coalesce(event_at, received_at) >= ? AND coalesce(event_at, received_at) < ?"
    parts: list[str] = []
    parameters: list[object] = []
    for width in KEPT:
        parts += [bars(width, TRADES, updates, stamped), bars(width, PRICES, served, "true")]
        parameters += [begin, begin + timedelta(days=1), now, now]
    return f"{' UNION ALL '.join(parts)} ORDER BY width, opened_at", parameters
