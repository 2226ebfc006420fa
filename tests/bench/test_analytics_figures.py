"""Questions to a record of 10,000,000 ticks: how long each takes, and that no feed notices."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb
import msgspec
import pytest

from bot.record.analyst import Analyst
from bot.record.archivist import Archivist
from bot.record.recorder import Recorder
from bot.record.schema import VERSION, create_tables
from bot.web.app import create_app
from tests.bench.conftest import Figure, spread
from tests.helpers import eventually
from tests.record.test_recorder import quote, recording, update
from tests.web.fakes import FakeView

pytestmark = pytest.mark.bench

FIRST = datetime(2026, 9, 1)
NOW = FIRST + timedelta(days=2)
NOW_S = (NOW - datetime(1970, 1, 1)).total_seconds()
TICKS = 10_000_000
RUNS = 9
PAUSE = threading.Event().wait
P99_S = 0.01


class Market(NamedTuple):
    """exchange, symbol: SQL, of the tick number i. others: symbols beside BTCUSDT."""

    exchange: str
    symbol: str
    others: int


FIVE = "['binance', 'okx', 'bybit', 'kraken', 'coinbase'][i % 5 + 1]"
MARKETS = {
    "25 symbols of 5 exchanges": Market(
        FIVE, "CASE (i // 5) % 25 WHEN 0 THEN 'BTCUSDT' ELSE 'C' || (i // 5) % 25 || 'USDT' END",
        24),
    "2 symbols, 80 % of 2 exchanges": Market(
        "CASE WHEN i % 10 < 8 THEN ['binance', 'okx'][i % 2 + 1] ELSE 'bybit' END",
        "['BTCUSDT', 'C1USDT'][i // 2 % 2 + 1]", 1)}
UPDATES = f"""
    INSERT INTO updates SELECT moment, moment - INTERVAL (20 + hash(i) % 60) MILLISECOND,
        {{exchange}}, {{symbol}}, if(hash(i) % 3 = 0, 'trade', 'ticker'),
        100 + sin(i / 1e5) + hash(i) % 100 / 1e3, 1.5, 99.5, 100.5, if(hash(i) % 3 = 0, i, NULL),
        500 + i * 0.01728 + hash(i) % 17_000 / 1e9, i * 2
    FROM (SELECT i, TIMESTAMP '{FIRST}' + INTERVAL (i * 17280) MICROSECOND AS moment
          FROM range({TICKS}) t(i))
"""
SERVED = f"""
    INSERT INTO served SELECT TIMESTAMP '{FIRST}' + INTERVAL (i // {{symbols}}) SECOND,
        CASE i % {{symbols}} WHEN 0 THEN 'BTCUSDT' ELSE 'C' || i % {{symbols}} || 'USDT' END, 100.5,
        100, 101, 5, 'websocket', if(i // {{symbols}} // 3600 % 2 = 0, 'binance', 'okx'), NULL,
        NULL, NULL, 50, false, true, 'fresh', 'trusted', 0.1, 'binance,okx', i * 4 + 1
    FROM range(172_800 * {{symbols}}) t(i)
"""
REST = (
    f"""INSERT INTO samples SELECT TIMESTAMP '{FIRST}' + INTERVAL (i * 2) SECOND, {FIVE}, true,
        i % 5 = 0, 40 + hash(i) % 30, 1, 0, i, 0, i * 4 + 3 FROM range(86_400) t(i)""",
    f"""INSERT INTO incidents SELECT TIMESTAMP '{FIRST}' + INTERVAL (i // 2 * 170) SECOND,
        'a-' || i // 2, 1 + i % 2, {FIVE}, 'BTCUSDT', 'silence', 'silence',
        TIMESTAMP '{FIRST}' + INTERVAL (i // 2 * 170 + 5) SECOND, 5000, 1, 1, 1, 1, 'primary',
        i * 4 + 3
        FROM range(2000) t(i)""",
    f"""INSERT INTO inputs SELECT TIMESTAMP '{FIRST}' + INTERVAL (i // 2 * 200) MILLISECOND,
        500 + i // 2 * 0.2, if(i % 2 = 0, 'look', 'judged'), NULL,
        if(i % 2 = 0, NULL, 'BTCUSDT'), NULL, i * 4 + 1 FROM range(172_800 * 5 * 2) t(i)""",
    f"INSERT INTO openings VALUES ('{FIRST}', 'primary', {VERSION}, 'x', 1000)",
)
HOUR = "from=2026-09-02T12:00:00Z&to=2026-09-02T13:00:00Z"
OLD_HOUR = "from=2026-09-01T12:00:00Z&to=2026-09-01T13:00:00Z"
DAYS = "from=2026-09-01T00:00:00Z&to=2026-09-03T00:00:00Z"
BTC = "symbol=BTCUSDT"
COMMON = {
    "candles 1m, last hour": f"candles?{BTC}&exchange=okx&interval=1m",
    "candles 1s, an hour": f"candles?{BTC}&exchange=okx&interval=1s&{HOUR}",
    "candles 1s, an hour in the archive": f"candles?{BTC}&exchange=okx&interval=1s&{OLD_HOUR}",
    "candles 1m, 2 days": f"candles?{BTC}&exchange=okx&interval=1m&{DAYS}",
    "candles 1h, 2 days": f"candles?{BTC}&exchange=okx&interval=1h&{DAYS}",
    "candles 1m of the price served, 2 days": f"candles?{BTC}&exchange=served&{DAYS}",
    "ticks, first 1,000 of an hour": f"ticks?{BTC}&{HOUR}",
    "ticks, first 1,000 of 2 days": f"ticks?{BTC}&{DAYS}",
    "spread 1s, an hour": f"spread?{BTC}&{HOUR}",
    "spread 1s, an hour in the archive": f"spread?{BTC}&{OLD_HOUR}",
    "provenance, last hour": f"provenance?{BTC}",
    "provenance, 2 days": f"provenance?{BTC}&{DAYS}",
    "latency, last hour": "latency",
    "latency of a symbol, last hour": f"latency?{BTC}",
    "incidents, 2 days": f"incidents?{DAYS}",
    "summary of a symbol, a day": f"summary?{BTC}&{HOUR}",
    "summary of a symbol, 2 days": f"summary?{BTC}&{DAYS}",
}
LONG = {
    "ticks, 10,000 of an hour in the archive": f"ticks?limit=10000&{OLD_HOUR}",
    "spread 1m, 24 hours": f"spread?{BTC}&interval=1m&from=2026-09-02T00:00:00Z",
    "latency, 24 hours": "latency?from=2026-09-02T00:00:00Z",
    "summary of all symbols, 2 days": f"summary?{DAYS}",
    "provenance of all symbols, 2 days": f"provenance?{DAYS}",
}


@contextmanager
def recorded(folder: Path, market: Market) -> Iterator[Recorder]:
    """Two days, of which the first is in the archive."""
    path = folder / "analytics.duckdb"
    with duckdb.connect(str(path)) as con:
        create_tables(con)
        con.execute(UPDATES.format(exchange=market.exchange, symbol=market.symbol))
        con.execute(SERVED.format(symbols=1 + market.others))
        for statement in REST:
            con.execute(statement)
    with recording(path) as recorder:
        assert recorder.wait_open(20)
        archivist = Archivist(recorder, 30, now=lambda: FIRST + timedelta(days=1, hours=1),
                              settle_s=0.0)
        archivist.start()
        eventually(lambda: archivist.archived == 5, 120)
        archivist.stop()
        assert archivist.join(5)
        yield recorder


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with recorded(tmp_path_factory.mktemp("record"), next(iter(MARKETS.values()))) as recorder:
        yield recorder


@pytest.mark.parametrize("which", MARKETS)
def test_how_long_each_question_takes(tmp_path: Path, figure: Figure, which: str) -> None:
    """A common one takes less than 100 ms as a rule: by the median, on a machine that is quiet."""
    view, slow = FakeView(), []
    with recorded(tmp_path, MARKETS[which]) as recorder:
        view.analyst = Analyst(recorder)
        client = create_app(
            view, token=None, trusted_hosts=None, clock=lambda: NOW_S).test_client()
        for what, path in (COMMON | LONG).items():
            times = []
            for _ in range(RUNS if what in COMMON else 3):
                began = time.perf_counter()
                answer = client.get(f"/api/analytics/{path}")
                times.append(time.perf_counter() - began)
                assert answer.status_code == 200, answer.data
            rows = len(msgspec.json.decode(answer.data)["rows"])
            figure(f"{which}: {what} ({rows} rows)", spread(times),
                   "median < 100 ms" if what in COMMON else "median < 5 s")
            if median(times) > (0.1 if what in COMMON else 5.0):
                slow.append((what, times))
    assert not slow


@contextmanager
def lateness() -> Iterator[list[float]]:
    """By how many s a thread that wants to wake every millisecond was late."""
    late: list[float] = []
    over = threading.Event()

    def tick() -> None:
        while not over.is_set():
            began = time.perf_counter()
            PAUSE(0.001)
            late.append(time.perf_counter() - began - 0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    yield late
    over.set()
    thread.join()


def feed(record: Recorder) -> None:
    """1,100 rows/s for ten seconds."""
    for number in range(10_000):
        record.keep(update(number, at=int(NOW_S * 1000) + number))
        if number % 10 == 0:
            record.record_served(quote(), int(NOW_S * 1000) + number)
            PAUSE(0.01)
            assert record.active, record.state


def test_the_heaviest_questions_do_not_delay_a_feed(record: Recorder, figure: Figure) -> None:
    view = FakeView()
    view.analyst = Analyst(record)
    app = create_app(view, token=None, trusted_hosts=None, clock=lambda: NOW_S)
    written, dropped = record.written, record.dropped
    over = threading.Event()
    asked: list[int] = []

    def ask(path: str) -> None:
        client = app.test_client()
        while not over.is_set():
            asked.append(client.get(f"/api/analytics/{path}").status_code)

    rounds = {"nothing": [], **{f"{what}, twice at once": [path] * 2
                                for what, path in LONG.items()}}
    for what, paths in rounds.items():
        over.clear()
        threads = [threading.Thread(target=ask, args=[path]) for path in paths]
        with lateness() as late:
            for thread in threads:
                thread.start()
            feed(record)
            over.set()
            for thread in threads:
                thread.join()
        figure(f"1 ms timer beside: {what}, writing 1,000 rows/s", spread(late),
               f"p99 < {P99_S * 1000:.0f} ms")
        assert sorted(late)[int(len(late) * 0.99)] < P99_S
    assert set(asked) <= {200, 504}  # two at once take longer
    written += len(rounds) * 11_000
    eventually(lambda: record.written == written and record.dropped == dropped)
