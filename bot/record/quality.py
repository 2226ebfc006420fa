"""Questions about the bot and its sources rather than the market; see questions.py."""

from bot.record.asked import Asked, Conditions, Past, Sql

PAUSES, LEAST_MS = 3, 2_000  # polls, and at least so long, without an answer end a run
UNKNOWN_MS = 10_000  # the same where the interval is not known
# A run ends with an opening of the file, for there may have been no bot, and where nothing was
# served for a while. Millions of rows pass through the windows, and the recorder needs memory, too:
# so they have only a hash of what is compared, and words are fetched for the first row of each run.
PROVENANCE = """
    WITH lives AS MATERIALIZED (
        SELECT opened_at, poll_interval_ms, coalesce(lead(opened_at) OVER (ORDER BY opened_at),
            'infinity') AS closed FROM openings
        QUALIFY closed > TIMESTAMP '{since}' AND opened_at < TIMESTAMP '{until}'
    ), told AS NOT MATERIALIZED (
        SELECT *, array_to_string(list_sort(string_split(exchanges, ',')), ',') AS legs,
            hash(source, exchange, legs, status) AS whence
        FROM (FROM {rows} WHERE {filter})
    ), turned AS (
        SELECT served_at, symbol, whence, lag(served_at) OVER turns AS before,
            row_number() OVER turns AS number,
            whence IS DISTINCT FROM lag(whence) OVER turns
            OR opened_at IS DISTINCT FROM lag(opened_at) OVER turns
            OR epoch_ms(served_at) - epoch_ms(lag(served_at) OVER turns) > if(
                poll_interval_ms IS NULL, {unknown},
                greatest(poll_interval_ms * {pauses}, {least})) AS turn
        FROM told LEFT JOIN lives ON served_at >= opened_at AND served_at < closed
        WINDOW turns AS (PARTITION BY symbol ORDER BY served_at)
    ), firsts AS MATERIALIZED (
        SELECT served_at, symbol, whence, before, number FROM turned WHERE turn
    ), whole AS (
        SELECT symbol, max(served_at) AS last, count(*) AS total FROM told GROUP BY symbol
    ), words AS (
        SELECT symbol, served_at, whence, any_value(source) AS source,
            any_value(exchange) AS exchange, any_value(legs) AS legs, any_value(status) AS status,
            any_value(reason) AS reason
        FROM told SEMI JOIN firsts USING (symbol, served_at, whence) GROUP BY ALL
    )
    SELECT epoch_ms(served_at) AS "from", epoch_ms(coalesce(lead(before) OVER runs, last)) AS "to",
        symbol, source, exchange, legs AS exchanges, status,
        coalesce(lead(number) OVER runs, total + 1) - number AS prices, reason
    FROM firsts JOIN words USING (symbol, served_at, whence) JOIN whole USING (symbol)
    WINDOW runs AS (PARTITION BY symbol ORDER BY number)
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


def provenance(asked: Asked, past: Past) -> Sql:
    chosen = Conditions().equal("symbol", asked.symbol)
    rows = past.rows("served", asked.since, asked.until)
    return PROVENANCE.format(rows=rows, filter=chosen, since=asked.since, until=asked.until,
                             pauses=PAUSES, least=LEAST_MS, unknown=UNKNOWN_MS), chosen.values


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
    chosen = concerned(asked).equal("source", asked.exchange)
    return INCIDENTS.format(filter=chosen), [asked.until, asked.since, *chosen.values]


def concerned(asked: Asked) -> Conditions:
    """Time without a bot concerns every symbol."""
    chosen = Conditions()
    if asked.symbol is not None:
        chosen.add("(symbol = ? OR symbol IS NULL AND source IS NULL)", asked.symbol)
    return chosen
