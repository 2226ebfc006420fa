"""Which bars are whole: each thing that may be missing in one, alone."""

from datetime import datetime, timedelta

import duckdb
import pytest

from bot.record.bars import PRICES, TRADES, bars
from bot.record.schema import create_tables

MINUTE = datetime(2026, 9, 1, 12, 0)
NOW = MINUTE + timedelta(hours=1)


def complete(*incidents: str, source: str = TRADES, opened: str = "11:00:00") -> bool:
    """Of the bar of 12:00. incidents: id, revision, source, symbol, opened_at, closed_at and maybe
    detected_after_ms."""
    with duckdb.connect() as con:
        create_tables(con)
        con.execute(f"INSERT INTO openings (opened_at) VALUES ('2026-09-01 {opened}')")
        con.execute("INSERT INTO updates (received_at, event_at, exchange, symbol, type, price, "
                    "volume, event_id) VALUES ('2026-09-01 12:00:30', '2026-09-01 12:00:30', "
                    "'okx', 'BTCUSDT', 'trade', 100.0, 1.0, 1)")
        con.execute("INSERT INTO served (served_at, symbol, price, synthetic) "
                    "VALUES ('2026-09-01 12:00:30', 'BTCUSDT', 100.0, false)")
        for incident in incidents:
            after = ", detected_after_ms" if incident.count(",") == 6 else ""
            con.execute("INSERT INTO incidents (id, revision, source, symbol, opened_at, "
                        f"closed_at{after}) VALUES ({incident})")
        rows = "updates" if source == TRADES else "served"
        found = con.execute(bars("1m", source, rows, "true"), [NOW])
        names = [column[0] for column in found.description or ()]
        (bar,) = found.fetchall()
        return bool(dict(zip(names, bar, strict=True))["complete"])


BEFORE = "'2026-09-01 11:50:00', '2026-09-01 11:59:59'"
WITHIN = "'2026-09-01 12:00:10', '2026-09-01 12:00:20'"
OPEN = "'2026-09-01 12:00:10', NULL"


@pytest.mark.parametrize("incident, whole, price_whole", [
    (f"'a', 1, NULL, NULL, {WITHIN}", False, False),  # the bot did not run
    (f"'a', 1, NULL, NULL, {OPEN}", False, False),
    (f"'a', 1, NULL, NULL, {BEFORE}", True, True),
    (f"'a', 1, 'okx', 'BTCUSDT', {WITHIN}", False, True),
    (f"'a', 1, 'okx', 'ETHUSDT', {WITHIN}", True, True),
    (f"'a', 1, 'binance', 'BTCUSDT', {WITHIN}", True, True),
    (f"'a', 1, NULL, 'BTCUSDT', {WITHIN}", True, False),  # the price had no trust
    (f"'a', 1, NULL, 'ETHUSDT', {WITHIN}", True, True),
])
def test_a_bar_is_whole_where_nothing_of_it_was_missed(
    incident: str, whole: bool, price_whole: bool
) -> None:
    assert complete(incident) is whole
    assert complete(incident, source=PRICES) is price_whole


@pytest.mark.parametrize("after_ms, whole", [("NULL", True), ("2999", True), ("3500", False)])
def test_an_incident_began_with_the_last_that_was_good(after_ms: str, whole: bool) -> None:
    """A silence is noticed only in the minute after it began."""
    noticed = "'2026-09-01 12:01:03', '2026-09-01 12:01:09'"
    assert complete(f"'a', 1, 'okx', 'BTCUSDT', {noticed}, {after_ms}") is whole


def test_the_newest_telling_of_an_incident_counts() -> None:
    opened = f"'a', 1, NULL, NULL, {'2026-09-01 11:50:00'!r}, NULL"
    assert not complete(opened)
    assert complete(opened, f"'a', 2, NULL, NULL, {BEFORE}")


@pytest.mark.parametrize("opened, whole", [
    ("11:59:49", True), ("11:59:52", False), ("12:00:20", False), ("12:01:00", False)])
def test_after_a_start_it_takes_a_moment_until_trades_come(opened: str, whole: bool) -> None:
    """A bar before the first opening is never whole."""
    assert complete(opened=opened) is whole


def test_many_incidents_cost_little() -> None:
    """They are kept for ever, and a source may come and go all day."""
    with duckdb.connect(config={"memory_limit": "256MB", "threads": 2}) as con:
        create_tables(con)
        con.execute("INSERT INTO openings (opened_at) VALUES ('2026-01-01')")
        con.execute("""
            INSERT INTO incidents (id, revision, source, symbol, opened_at, closed_at)
            SELECT 'i' || i, 1, 'okx', 'BTCUSDT', TIMESTAMP '2026-05-01' + INTERVAL 1 MINUTE * i,
                TIMESTAMP '2026-05-01' + INTERVAL 1 MINUTE * i + INTERVAL 1 SECOND
            FROM range(200000) r(i)""")
        con.execute("""
            INSERT INTO updates (received_at, event_at, exchange, symbol, type, price, volume)
            SELECT m, m, 'okx', 'BTCUSDT', 'trade', 100.0, 1.0 FROM (
                SELECT TIMESTAMP '2026-09-01' + INTERVAL 10 SECOND * i AS m FROM range(8640) r(i))
        """)
        made = con.execute(f"SELECT count(*), count(*) FILTER (complete) FROM "
                           f"({bars('1m', TRADES, 'updates', 'true')})", [NOW]).fetchall()
        assert made == [(1440, 0)]
