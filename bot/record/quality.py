"""Questions about the bot and its sources rather than the market; see questions.py."""

from bot.record.asked import Asked, Conditions, Past, Sql

TIERS = ("websocket", "kafka", "okx", "mock")
STATUSES = ("trusted", "degraded", "disputed", "stale", "synthetic")

# Of each run only its first row is kept, with what is known of the row before it.
PROVENANCE = """
    WITH told AS (
        SELECT served_at, symbol, source, exchange, status, reason,
            lag(served_at) OVER turns AS before, row_number() OVER turns AS number,
            (source, exchange, status) IS DISTINCT FROM
                lag((source, exchange, status)) OVER turns AS turn,
            max(served_at) OVER whole AS last, count(*) OVER whole AS total
        FROM {rows} WHERE {filter}
        WINDOW turns AS (PARTITION BY symbol ORDER BY served_at),
            whole AS (PARTITION BY symbol)
    )
    SELECT epoch_ms(served_at) AS "from", epoch_ms(coalesce(lead(before) OVER runs, last)) AS "to",
        symbol, source, exchange, status,
        coalesce(lead(number) OVER runs, total + 1) - number AS prices, reason
    FROM told WHERE turn WINDOW runs AS (PARTITION BY symbol ORDER BY number)
    ORDER BY served_at, symbol, number
"""
# Most values occur often, so they are counted first: of a day's messages a few thousand values are
# sorted instead of millions, which would not fit into the memory that DuckDB may use.
PERCENTILES = """
    SELECT source, {shares}, max(value) AS "{name}MaxMs" FROM (
        SELECT source, value, sum(n) OVER (PARTITION BY source ORDER BY value) AS upto,
            sum(n) OVER (PARTITION BY source) AS total
        FROM (
            SELECT source, value, count(*) AS n FROM ({values})
            WHERE value IS NOT NULL GROUP BY ALL
        )
    ) GROUP BY source
"""
LAGS = """
    SELECT exchange AS source, (epoch_us(received_at) - epoch_us(event_at)) / 1000 AS value
    FROM {updates} WHERE {filter}
"""
GAPS = """
    SELECT exchange AS source, (epoch_us(received_at) - epoch_us(lag(received_at) OVER (
        PARTITION BY exchange ORDER BY received_at))) / 1000 AS value
    FROM {updates} WHERE {filter}
"""
PINGS = "SELECT source, latency_ms AS value FROM {samples} WHERE {sampled}"
LATENCY = """
    WITH heard AS (
        SELECT exchange AS source, count(*) AS messages FROM {updates} WHERE {filter} GROUP BY ALL
    ), sampled AS (
        SELECT source, count(latency_ms) AS pings FROM {samples} WHERE {sampled} GROUP BY ALL
    ), lags AS ({lags}), gaps AS ({gaps}), pinged AS ({pinged})
    SELECT source, coalesce(messages, 0) AS messages, lags.* EXCLUDE (source),
        gaps.* EXCLUDE (source), coalesce(pings, 0) AS pings, pinged.* EXCLUDE (source)
    FROM heard FULL JOIN sampled USING (source) LEFT JOIN lags USING (source)
        LEFT JOIN gaps USING (source) LEFT JOIN pinged USING (source)
    ORDER BY source
"""
# Newest telling of each, as everywhere.
INCIDENTS = """
    SELECT id, source, symbol, cause, rule, round(epoch_us(opened_at) / 1000)::BIGINT AS "openedAt",
        round(epoch_us(closed_at) / 1000)::BIGINT AS "closedAt",
        duration_ms AS "durationMs", detected_after_ms AS "detectedAfterMs",
        switched_after_ms AS "switchedAfterMs", blackout_ms AS "blackoutMs",
        price_step_bps AS "priceStepBps", instance
    FROM (
        FROM incidents WHERE opened_at < ? AND id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY revision DESC) = 1
    ) WHERE coalesce(closed_at > ?, true) AND {filter} ORDER BY opened_at, id
"""
# A pause counts for the day in which it ended.
SUMMARY = """
    WITH heard AS (
        SELECT day, sum(rows)::BIGINT AS updates FROM ({counts}) GROUP BY day
    ), told AS (
        SELECT served_at::DATE AS day, count(*) AS served, {columns} FROM {served}
        WHERE {filter} GROUP BY day
    ), pauses AS (
        SELECT served_at::DATE AS day, max(pause) AS worst FROM (
            SELECT served_at, epoch_us(served_at) - epoch_us(lag(served_at) OVER (
                PARTITION BY symbol ORDER BY served_at)) AS pause
            FROM {served} WHERE {filter} AND trusted AND NOT synthetic
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
        coalesce(incidents, 0) AS incidents, worst / 1000 AS "worstGapMs"
    FROM heard FULL JOIN told USING (day) FULL JOIN pauses USING (day)
        FULL JOIN switched USING (day) FULL JOIN failed USING (day) ORDER BY day
"""
# Without a symbol the days in the archive need not be read to be counted.
COUNTED = """
    SELECT day, row_count AS rows FROM days
    WHERE table_name = 'updates' AND day >= ? AND day < ?
    UNION ALL SELECT received_at::DATE, count(*) FROM updates
    WHERE received_at >= ? AND received_at < ? GROUP BY ALL
"""


def provenance(asked: Asked, past: Past) -> Sql:
    chosen = Conditions().equal("symbol", asked.symbol)
    rows = past.rows("served", asked.since, asked.until)
    return PROVENANCE.format(rows=rows, filter=chosen), chosen.values


def latency(asked: Asked, past: Past) -> Sql:
    chosen = Conditions().equal("symbol", asked.symbol).equal("exchange", asked.exchange)
    sampled = Conditions().equal("source", asked.exchange)
    places = {"updates": past.rows("updates", asked.since, asked.until), "filter": str(chosen),
              "samples": past.rows("samples", asked.since, asked.until), "sampled": str(sampled)}
    return LATENCY.format(
        **places, lags=_percentiles("lag", LAGS.format(**places)),
        gaps=_percentiles("gap", GAPS.format(**places)),
        pinged=_percentiles("ping", PINGS.format(**places)),
    ), [*chosen.values, *sampled.values, *chosen.values * 2, *sampled.values]


def _percentiles(name: str, values: str) -> str:
    """Of values that were seen; none in between."""
    shares = ", ".join(f'min(value) FILTER (upto * 100 >= total * {share}) AS "{name}P{share}Ms"'
                       for share in (50, 90, 99))
    return PERCENTILES.format(shares=shares, name=name, values=values)


def incidents(asked: Asked, past: Past) -> Sql:
    chosen = _concerned(asked).equal("source", asked.exchange)
    return INCIDENTS.format(filter=chosen), [asked.until, asked.since, *chosen.values]


def _concerned(asked: Asked) -> Conditions:
    """Time without a bot concerns every symbol."""
    chosen = Conditions()
    if asked.symbol is not None:
        chosen.add("(symbol = ? OR symbol IS NULL AND source IS NULL)", asked.symbol)
    return chosen


def summary(asked: Asked, past: Past) -> Sql:
    chosen, concerned = Conditions().equal("symbol", asked.symbol), _concerned(asked)
    span: list[object] = [asked.since, asked.until]
    counts, counted = COUNTED, span * 2
    if asked.symbol is not None:
        rows = past.rows("updates", asked.since, asked.until)
        counts = (f"SELECT received_at::DATE AS day, count(*) AS rows FROM {rows} "
                  f"WHERE {chosen} GROUP BY ALL")
        counted = list(chosen.values)
    names = {f"from{tier.title()}": f"source = '{tier}'" for tier in TIERS} | {
        status: f"status = '{status}'" for status in STATUSES}
    return SUMMARY.format(
        counts=counts, served=past.rows("served", asked.since, asked.until), filter=chosen,
        events=past.rows("events", asked.since, asked.until), concerned=concerned,
        columns=", ".join(f'count_if({words}) AS "{name}"' for name, words in names.items()),
        zeroes=", ".join(f'coalesce("{name}", 0) AS "{name}"' for name in names),
    ), [*counted, *chosen.values * 3, *span, *concerned.values]
