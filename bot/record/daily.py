"""The question what each day was like."""

from bot.causes import TIERS
from bot.model import STATUSES
from bot.record.asked import DAY, Asked, Conditions, Past, Sql
from bot.record.quality import concerned

GAP_DAYS = 7  # a symbol without a good price for longer is served no more

# A pause counts for the day in which it ended; before that, for each day at whose end it was open,
# so far. `before`: the last good price of each symbol in the days before the first.
SUMMARY = """
    WITH heard AS (
        SELECT day, sum(rows)::BIGINT AS updates FROM ({counts}) GROUP BY day
    ), these AS MATERIALIZED (
        SELECT served_at, symbol, source, status, trusted AND NOT synthetic AS good
        FROM {served} WHERE {filter}
    ), told AS (
        SELECT served_at::DATE AS day, count(*) AS served, {columns} FROM these GROUP BY day
    ), good AS (
        SELECT symbol, served_at FROM these WHERE good
        UNION ALL SELECT unnest(?::VARCHAR[]), unnest(?::TIMESTAMP[])
    ), ended AS (
        SELECT served_at::DATE AS day, max(epoch_us(served_at) - epoch_us(before)) AS worst FROM (
            SELECT served_at, lag(served_at) OVER (PARTITION BY symbol ORDER BY served_at) AS before
            FROM good
        ) WHERE before >= served_at::DATE - {gap_days} GROUP BY day
    ), lasts AS (
        SELECT symbol, served_at::DATE AS day, max(served_at) AS last FROM good GROUP BY ALL
    ), open AS (
        SELECT day, max(ending - last) AS worst FROM (
            SELECT grid.day, symbol, max(epoch_us(last)) AS last,
                epoch_us(least(grid.day + INTERVAL 1 DAY, ?::TIMESTAMP)) AS ending
            FROM (SELECT unnest(range(?::TIMESTAMP, least(?, ?::TIMESTAMP), INTERVAL 1 DAY))::DATE
                AS day) grid
                JOIN lasts ON lasts.day BETWEEN grid.day - {gap_days} AND grid.day
            GROUP BY ALL
        ) GROUP BY day
    ), switched AS (
        SELECT happened_at::DATE AS day, count(*) AS switches FROM {events}
        WHERE kind = 'source_switch' AND {filter} GROUP BY day
    ), failed AS (
        SELECT opened_at::DATE AS day, count(DISTINCT id) AS incidents FROM incidents
        WHERE opened_at >= ? AND opened_at < ? AND {concerned} GROUP BY day
    )
    SELECT epoch_ms(day::TIMESTAMP) AS day, coalesce(updates, 0) AS updates,
        coalesce(served, 0) AS served, {zeroes}, coalesce(switches, 0) AS switches,
        coalesce(incidents, 0) AS incidents,
        greatest(ended.worst, open.worst) / 1000 AS "worstGapMs"
    FROM heard FULL JOIN told USING (day) FULL JOIN ended USING (day) FULL JOIN open USING (day)
        FULL JOIN switched USING (day) FULL JOIN failed USING (day) ORDER BY day
"""
# Without a symbol the days in the archive need not be read to be counted.
COUNTED = """
    SELECT day, row_count AS rows FROM days
    WHERE table_name = 'updates' AND day >= ? AND day < ?
    UNION ALL SELECT received_at::DATE, count(*) FROM updates
    WHERE received_at >= ? AND received_at < ? GROUP BY ALL
"""


def summary(asked: Asked, past: Past) -> Sql:
    chosen, whom = Conditions().equal("symbol", asked.symbol), concerned(asked)
    span: list[object] = [asked.since, asked.until]
    counts, counted = (COUNTED, span * 2) if asked.symbol is None else past.counted(
        "updates", asked.since, asked.until, chosen)
    before = past.last_good(asked.symbol, asked.since - GAP_DAYS * DAY, asked.since)
    names = {f"from{tier.title()}": f"source = '{tier}'" for tier in TIERS} | {
        status: f"status = '{status}'" for status in STATUSES}
    return SUMMARY.format(
        counts=counts, served=past.rows("served", asked.since, asked.until), filter=chosen,
        events=past.rows("events", asked.since, asked.until), concerned=whom, gap_days=GAP_DAYS,
        columns=", ".join(f'count_if({words}) AS "{name}"' for name, words in names.items()),
        zeroes=", ".join(f'coalesce("{name}", 0) AS "{name}"' for name in names),
    ), [*counted, *chosen.values, [symbol for symbol, _ in before], [at for _, at in before],
        asked.now, asked.since, asked.until, asked.now, *chosen.values, *span, *whom.values]
