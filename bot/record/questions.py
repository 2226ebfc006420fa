"""The questions that can be asked of the record: SQL of each, made of words that stand here.

What comes from outside is bound as a value or chosen from a closed list (the interval, which names
a width). Names of the columns are those of the answer; moments are epoch ms. Each ends with its
ORDER BY, to which LIMIT is added.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from bot.record import daily, quality
from bot.record.asked import DAY, MOST_ROWS, SERVED, Asked, Conditions, Past, Question, Sql
from bot.record.bars import EARLY, KEPT, LATE, PRICES, TRADES, WIDTHS, bars

CARRIED_S = 10  # a price is not compared with others for longer than this

CANDLES = """
    SELECT epoch_ms(opened_at) AS "openedAt", open, high, low, close, volume, trades, complete
    FROM ({parts}) ORDER BY opened_at
"""
ARCHIVED = """
    SELECT * FROM {rows}
    WHERE width = ? AND symbol = ? AND exchange IS NOT DISTINCT FROM ?::VARCHAR
"""
# By every column, so that it is the same order whenever it is asked; equal rows are alike.
TICKS = """
    SELECT epoch_ms(received_at) AS "receivedAt", epoch_ms(event_at) AS "eventAt", exchange, symbol,
        type, price, volume, bid, ask, event_id AS "eventId"
    FROM {rows} WHERE {filter}
    ORDER BY received_at, exchange, symbol, type, event_id, event_at, price, volume, bid, ask
"""
# Each price counts from the second in which it came until the next one of its exchange: what an
# as-of join with a grid would find, without the grid (which DuckDB joins by a nested loop).
SPREAD = """
    WITH last AS (
        SELECT time_bucket(INTERVAL 1 SECOND, received_at) AS second, exchange,
            arg_max(price, (received_at, seq)) AS price
        FROM {rows} WHERE {filter} GROUP BY ALL
    ), spans AS (
        SELECT *, least(lead(second) OVER (PARTITION BY exchange ORDER BY second),
            second + INTERVAL {carried} SECOND, TIMESTAMP '{until}') AS ending
        FROM last
    ), points AS (
        SELECT unnest(range(second, ending, INTERVAL 1 SECOND)) AS second, exchange, price
        FROM spans
    ), grid AS (
        SELECT second, min(price) AS low, max(price) AS high,
            arg_min(exchange, (price, exchange)) AS low_at,
            arg_max(exchange, (price, exchange)) AS high_at,
            (max(price) - min(price)) / min(price) * 10_000 AS bps
        FROM points WHERE second >= TIMESTAMP '{since}' GROUP BY second HAVING count(*) > 1
    )
    SELECT epoch_ms(time_bucket(INTERVAL {seconds} SECOND, second)) AS "openedAt",
        avg(bps) AS "meanBps", max(bps) AS "worstBps",
        epoch_ms(arg_max(second, (bps, second))) AS "worstAt",
        arg_max(low_at, (bps, second)) AS "lowExchange", arg_max(low, (bps, second)) AS low,
        arg_max(high_at, (bps, second)) AS "highExchange", arg_max(high, (bps, second)) AS high,
        count(*) AS seconds
    FROM grid GROUP BY 1 ORDER BY 1
"""


def candles(asked: Asked, past: Past) -> Sql:
    """Bars of each closed day as the archive keeps them; where it has none, from the rows."""
    # one of the future is of a clock that was wrong
    until = max(asked.since, min(asked.until, asked.now.replace(hour=0, minute=0, second=0,
                                                                microsecond=0)))
    days = past.barred(asked.since, until) if asked.interval in KEPT else []
    parts: list[str] = []
    values: list[object] = []
    if days:
        kept = past.rows("bars", asked.since, min(asked.until, _after(days[-1])))
        parts.append(ARCHIVED.format(rows=kept))
        values += [asked.interval, asked.symbol,
                   None if asked.exchange == SERVED else asked.exchange]
    for since, until in _between(days, asked.since, asked.until):
        sql, more = _fresh(asked._replace(since=since, until=until), past)
        parts.append(sql)
        values += more
    return CANDLES.format(parts=" UNION ALL BY NAME ".join(parts)), values


def _between(
    days: Sequence[date], since: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The spans of [since, until) that are not of these days."""
    for day in days:
        if since < _after(day) - DAY:
            yield since, _after(day) - DAY
        since = _after(day)
    if since < until:
        yield since, until


def _after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day) + DAY


def _fresh(asked: Asked, past: Past) -> Sql:
    chosen = Conditions().equal("symbol", asked.symbol)
    if asked.exchange == SERVED:
        source, rows = PRICES, past.rows("served", asked.since, asked.until)
    else:
        source, rows = TRADES, past.rows("updates", asked.since - EARLY, asked.until + LATE)
        chosen.equal("exchange", asked.exchange).add(
            "coalesce(event_at, received_at) >= ? AND coalesce(event_at, received_at) < ?",
            asked.since, asked.until)
    return bars(asked.interval, source, rows, str(chosen), each=""), [*chosen.values, asked.now]


def ticks(asked: Asked, past: Past) -> Sql:
    chosen = _chosen(asked)
    since, _ = asked.after or (asked.since, 0)
    rows = past.rows("updates", max(since, asked.since), asked.until)
    return TICKS.format(rows=rows, filter=chosen), chosen.values


def spread(asked: Asked, past: Past) -> Sql:
    chosen = _chosen(asked)
    if asked.exchanges:
        marks = ", ".join("?" * len(asked.exchanges))
        chosen.add(f"exchange IN ({marks})", *asked.exchanges)
    rows = past.rows("updates", asked.since - timedelta(seconds=CARRIED_S), asked.until)
    return SPREAD.format(
        rows=rows, filter=chosen, carried=CARRIED_S, since=asked.since, until=asked.until,
        seconds=WIDTHS[asked.interval]), chosen.values


def _chosen(asked: Asked) -> Conditions:
    return (Conditions().equal("symbol", asked.symbol).equal("exchange", asked.exchange)
            .equal("type", asked.kind))


def _width(asked: Asked) -> int:
    return WIDTHS[asked.interval]


def _bars(asked: Asked) -> timedelta:
    return timedelta(seconds=MOST_ROWS * _width(asked))


QUESTIONS: dict[str, Question] = {
    "candles": Question(
        "bars made of trades, or of the prices served", ("symbol", "exchange", "interval"),
        ("symbol", "exchange"), _bars, candles, _width),
    "ticks": Question(
        "every update that was received, oldest first, in pages",
        ("symbol", "exchange", "type", "limit", "cursor"), (), lambda _: 7 * DAY, ticks,
        paged=True),
    "spread": Question(
        "how far the exchanges were apart, second by second",
        ("symbol", "exchanges", "interval", "type"), ("symbol",),
        lambda asked: min(DAY, _bars(asked)), spread, _width),
    "provenance": Question(
        "where the price served came from, and when that changed", ("symbol",), (),
        lambda _: 7 * DAY, quality.provenance),
    "latency": Question(
        "percentiles of delays and pauses of each source", ("symbol", "exchange"), (),
        lambda _: DAY, quality.latency),
    "incidents": Question(
        "every time a source was not fit or a price not trusted", ("symbol", "exchange"), (),
        lambda _: 400 * DAY, quality.incidents),
    "summary": Question(
        "what each day (UTC) was like", ("symbol",), (), lambda _: 31 * DAY, daily.summary,
        lambda _: WIDTHS["1d"]),
}
