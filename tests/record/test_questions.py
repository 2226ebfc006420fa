"""What the record answers, against what was put in and against other ways to work it out."""

import gzip
import json
import os
import random
import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot.exchanges import ALL
from bot.incidents.incident import Incident
from bot.model import FeedHealth, MarketDataUpdate, UpdateType
from bot.record.analyst import Analyst, Answer
from bot.record.archivist import Archivist
from bot.record.asked import Asked, Conditions, Past, Sql, widened
from bot.record.bars import WIDTHS
from bot.record.database import Database
from bot.record.questions import QUESTIONS
from bot.record.recorder import Recorder
from bot.record.schema import quoted
from tests.helpers import eventually
from tests.record.test_recorder import quote, recording

FIRST = datetime(2026, 9, 1)
FIRST_MS = 1_788_220_800_000
DAY_MS = 86_400_000
FOLDER = os.environ.get("BOT_RECORDINGS", "")
Bar = dict[str, Any]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    folder = tmp_path / "it's day=1"
    folder.mkdir()
    with recording(folder / "analytics.duckdb") as recorder:
        assert recorder.wait_open(5)
        yield recorder


def update(at_ms: int, price: float = 100.0, exchange: str = "binance", kind: UpdateType = "trade",
           number: int | None = None, lag: int = 20, symbol: str = "BTCUSDT") -> MarketDataUpdate:
    return MarketDataUpdate(exchange, symbol, kind, price, 0.5, None, None, FIRST_MS + at_ms - lag,
                            FIRST_MS + at_ms, 1.0, number)


def keep(recorder: Recorder, *updates: MarketDataUpdate) -> None:
    for one in updates:
        recorder.keep(one)
    eventually(lambda: recorder.pending == 0)


def moment(ms: float) -> datetime:
    return FIRST + timedelta(milliseconds=ms)


def archived(recorder: Recorder, until: datetime) -> None:
    archivist = Archivist(recorder, 30, now=lambda: until + timedelta(minutes=11))
    archivist.archive_due()


def ask(recorder: Recorder, name: str, since: float = 0, until: float = 3_600_000,
        **fields: Any) -> Answer:
    asked = Asked(moment(since), moment(until), moment(2 * DAY_MS), **fields)
    question = QUESTIONS[name]
    return Analyst(recorder).ask(question, widened(asked, question.grid(asked)))


def rows(recorder: Recorder, name: str, *span: float, **fields: Any) -> list[Bar]:
    answer = ask(recorder, name, *span, **fields)
    return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]


BINANCE: dict[str, Any] = {"symbol": "BTCUSDT", "exchange": "binance"}


def test_a_candle_is_made_of_the_trades_whose_stamps_fall_into_it(recorder: Recorder) -> None:
    keep(recorder, update(60_010, 9.0), update(60_030, 1.0), update(61_000, 7.0),
         update(62_000, 3.0, "okx"), update(63_000, 5.0, kind="ticker"), update(119_000, 4.0))
    (before, bar) = rows(recorder, "candles", **BINANCE)
    assert (before["openedAt"], before["open"]) == (FIRST_MS, 9.0)
    assert bar == {"openedAt": FIRST_MS + 60_000, "open": 1.0, "high": 7.0, "low": 1.0,
                   "close": 4.0, "volume": 1.5, "trades": 3, "complete": False}


def test_from_and_to_are_widened_to_whole_bars(recorder: Recorder) -> None:
    keep(recorder, update(60_030, 1.0), update(119_000, 4.0), update(120_030, 5.0))
    (bar,) = rows(recorder, "candles", 90_000, 91_000, **BINANCE)
    assert (bar["open"], bar["close"]) == (1.0, 4.0)


def test_candles_are_the_same_before_and_after_their_day_was_archived(recorder: Recorder) -> None:
    keep(recorder, *(update(number * 7_001_000, 100 + number % 7, number=number)
                     for number in range(1, 24)))  # into the next day
    for number in range(1, 24):
        recorder.record_served(quote(price=float(number)), FIRST_MS + number * 7_001_000)
    eventually(lambda: recorder.pending == 0)
    asked = [(exchange, width) for exchange in ("binance", "served") for width in WIDTHS]

    def told(exchange: str, width: str) -> list[Bar]:
        return rows(recorder, "candles", 0, 2 * DAY_MS, symbol="BTCUSDT", exchange=exchange,
                    interval=width)

    before = {one: told(*one) for one in asked}
    archived(recorder, FIRST + timedelta(days=1))
    assert len(list(recorder.archive.rglob("*.parquet"))) == 3
    for one in asked:
        assert told(*one) == before[one]
    assert len(before["binance", "1d"]) == 2 and len(before["served", "1s"]) == 23


def test_a_trade_counts_by_its_own_lateness_whatever_is_asked(recorder: Recorder) -> None:
    """Ten minutes late, not less; stamped an hour ahead, not less."""
    keep(recorder, update(60_030, 1.0), update(60_040 + 599_999, 2.0, lag=599_999),
         update(60_050 + 600_000, 3.0, lag=600_000), update(60_060 - 30_000, 4.0, lag=-30_000),
         update(7_260_000 - 3_600_000, 5.0, lag=-3_600_000))
    (bar,) = rows(recorder, "candles", 60_000, 120_000, **BINANCE)
    assert (bar["open"], bar["close"], bar["trades"]) == (1.0, 4.0, 3)
    assert rows(recorder, "candles", 0, DAY_MS, **BINANCE) == [bar]
    archived(recorder, FIRST + timedelta(days=1))
    (bar,) = [one | {"complete": False} for one in rows(recorder, "candles", 0, DAY_MS, **BINANCE)]
    assert (bar["open"], bar["close"], bar["trades"]) == (1.0, 4.0, 3)


def test_a_stamp_of_the_future_makes_its_bar_incomplete(recorder: Recorder) -> None:
    opened_long_ago(recorder)
    keep(recorder, update(60_030), update(120_030), update(125_000, lag=-70_000),
         update(190_000, lag=-59_000))
    found = rows(recorder, "candles", **BINANCE)
    assert [(bar["openedAt"] - FIRST_MS, bar["complete"]) for bar in found] == [
        (60_000, True), (120_000, True), (180_000, False), (240_000, True)]


def opened_long_ago(recorder: Recorder) -> None:
    """Bars before the first opening are not whole."""
    def earlier(database: Database) -> None:
        database._con.execute("UPDATE openings SET opened_at = '2026-08-01'")

    recorder.ask(earlier)
    keep(recorder, update(-1_000_000))
    eventually(lambda: not recorder._tasks)


@pytest.mark.parametrize("seed", range(3))
def test_candles_of_made_up_trades_are_what_plain_python_makes_of_them(
    recorder: Recorder, seed: int
) -> None:
    """In any order, sent twice, late, early, among other symbols and types; hot and archived."""
    dice = random.Random(seed)
    trades = []
    for number in range(3_000):
        stamp = dice.randrange(DAY_MS - 600_000, DAY_MS + 600_000)
        lag = dice.choice([dice.randrange(0, 300), dice.randrange(0, 800_000),
                           -dice.randrange(0, 4_000_000)])
        trades.append((stamp, lag, round(100 + dice.gauss(0, 5), 2), number))
    sent = sorted(trades + dice.sample(trades, 500), key=lambda one: one[0] + one[1])
    for stamp, lag, price, number in sent:
        recorder.keep(update(stamp + lag, price, number=number, lag=lag))
        recorder.keep(update(stamp + lag, 1.0, kind="ticker", lag=lag))
        recorder.keep(update(stamp + lag, 2.0, "okx", number=number, lag=lag))
    eventually(lambda: recorder.pending == 0)
    good = sorted((stamp, number, price) for stamp, lag, price, number in trades
                  if -3_600_000 < lag < 600_000)
    for place in ("hot", "archived"):
        for width, seconds in WIDTHS.items():
            expected: dict[int, list[float]] = {}
            for stamp, _, price in good:
                expected.setdefault(stamp // (seconds * 1000), []).append(price)
            found = rows(recorder, "candles", DAY_MS - 3_600_000, DAY_MS + 3_600_000,
                         interval=width, **BINANCE)
            assert [[bar[key] for key in ("openedAt", "open", "high", "low", "close", "volume",
                                          "trades")] for bar in found] == [
                [FIRST_MS + at * seconds * 1000, prices[0], max(prices), min(prices), prices[-1],
                 len(prices) * 0.5, len(prices)] for at, prices in sorted(expected.items())], place
        archived(recorder, FIRST + timedelta(days=1))


def test_days_without_bars_are_made_of_their_rows(recorder: Recorder) -> None:
    """Whatever the days after them have."""
    keep(recorder, *(update(day * DAY_MS + 60_000 * number, 100 + number, number=day * 10 + number)
                     for day in range(5) for number in range(1, 4)))
    asked: list[tuple[float, float]] = [(0, 5 * DAY_MS), (DAY_MS, 3 * DAY_MS),
                                        (3.5 * DAY_MS, 5 * DAY_MS), (0, DAY_MS + 90_000)]
    before = {(span, width): whole_bars(recorder, span, width)
              for span in asked for width in WIDTHS if width != "1s"}
    archived(recorder, FIRST + timedelta(days=4))

    def forget(database: Database) -> None:
        database.disown([f"bars/day=2026-09-{day:02}/bars.parquet" for day in (1, 2, 4)])

    recorder.ask(forget)
    keep(recorder, update(4 * DAY_MS + 600_000, symbol="ETHUSDT"))
    eventually(lambda: not recorder._tasks)
    for (span, width), bars in before.items():
        assert whole_bars(recorder, span, width) == bars


def whole_bars(recorder: Recorder, span: tuple[float, float], width: str) -> list[Bar]:
    """But for whether they are complete, which changes with the time."""
    asked = Asked(moment(span[0]), moment(span[1]), moment(6 * DAY_MS), interval=width, **BINANCE)
    question = QUESTIONS["candles"]
    answer = Analyst(recorder).ask(question, widened(asked, question.grid(asked)))
    return [dict(zip(answer.columns, row, strict=True)) | {"complete": None}
            for row in answer.rows]


def test_the_candles_of_what_was_served_leave_out_what_was_made_up(recorder: Recorder) -> None:
    recorder.record_served(quote(price=5.0), FIRST_MS + 1000)
    recorder.record_served(quote(price=9.0, synthetic=True), FIRST_MS + 2000)
    eventually(lambda: recorder.pending == 0)
    (bar,) = rows(recorder, "candles", symbol="BTCUSDT", exchange="served")
    assert (bar["high"], bar["volume"], bar["trades"]) == (5.0, None, 1)


def trades(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(receipt, trade) as it stands in the frames, read independently of the product."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            frame = json.loads(line)
            data = json.loads(frame["raw"])["data"]
            if data.get("e") == "trade":
                yield int(frame["recv_ms"]), data


def computed(path: Path, seconds: int) -> dict[int, list[float]]:
    """Open, high, low, close, volume and count of each bar, by epoch ms; in plain Python."""
    seen = {data["t"]: (data["E"], data["t"], float(data["p"]), float(data["q"]))
            for _, data in trades(path)}
    bars: dict[int, list[float]] = {}
    for at, _, price, size in sorted(seen.values()):
        bar = bars.setdefault(at // (seconds * 1000) * seconds * 1000,
                              [price, price, price, price, 0.0, 0])
        bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
        bar[4] += size
        bar[5] += 1
    return bars


@pytest.mark.skipif(not FOLDER, reason="BOT_RECORDINGS does not name a folder with recordings")
@pytest.mark.parametrize("place", ["hot", "archived"])
@pytest.mark.parametrize("symbol", ["btcusdt", "ethusdt"])
def test_candles_of_recorded_trades_are_what_plain_python_makes_of_them(
    recorder: Recorder, symbol: str, place: str
) -> None:
    (path,) = Path(FOLDER).glob(f"binance/hftbacktest_{symbol}_*.jsonl.gz")
    name = symbol.upper()
    days: set[int] = set()
    for number, (heard, data) in enumerate(trades(path)):
        (one,) = ALL["binance"].parse(json.dumps(data).encode(), {name: name}, heard, 1.0)
        for _ in range(1 + number % 2):  # every other one is sent twice
            recorder.keep(one)
        days.add(heard // DAY_MS * DAY_MS)
    eventually(lambda: recorder.pending == 0)
    (day,) = days
    if place == "archived":
        archived(recorder, moment(day - FIRST_MS) + timedelta(days=1))
    for width, seconds in WIDTHS.items():
        expected = computed(path, seconds)
        # the clock of this machine was behind: by the stamps they go on past midnight
        assert {at // DAY_MS * DAY_MS for at in expected} == {day, day + DAY_MS}
        found = rows(recorder, "candles", day - FIRST_MS, day - FIRST_MS + 2 * DAY_MS,
                     symbol=name, exchange="binance", interval=width)
        assert [bar["openedAt"] for bar in found] == sorted(expected)
        for bar in found:
            told = [bar[key] for key in ("open", "high", "low", "close", "volume", "trades")]
            assert told == pytest.approx(expected[bar["openedAt"]], rel=1e-12)


def test_ticks_come_oldest_first_and_as_they_were_received(recorder: Recorder) -> None:
    keep(recorder, update(2000, 2.0, number=7), update(1000, 1.0, "okx", "ticker"))
    first, second = rows(recorder, "ticks")
    assert first["exchange"] == "okx" and first["eventId"] is None
    assert second == {
        "receivedAt": FIRST_MS + 2000, "eventAt": FIRST_MS + 1980, "exchange": "binance",
        "symbol": "BTCUSDT", "type": "trade", "price": 2.0, "volume": 0.5, "bid": None,
        "ask": None, "eventId": 7}
    assert rows(recorder, "ticks", 0, 2000) == [first]
    assert rows(recorder, "ticks", kind="ticker") == rows(recorder, "ticks", exchange="okx") == [
        first]
    assert rows(recorder, "ticks", symbol="ETHUSDT") == []


def test_the_spread_compares_the_last_price_of_each_exchange_at_every_second(
    recorder: Recorder
) -> None:
    keep(recorder, update(500, 90.0), update(900, 100.0), update(1500, 101.0, "okx"),
         update(3200, 100.5, "okx"), update(3300, 99.0, "bybit", symbol="ETHUSDT"))
    found = rows(recorder, "spread", 0, 20_000, symbol="BTCUSDT", interval="1s")
    # the first price is compared for ten seconds, and not alone
    assert [bar["openedAt"] - FIRST_MS for bar in found] == list(range(1000, 10_000, 1000))
    assert [round(bar["worstBps"], 6) for bar in found] == [100.0] * 2 + [50.0] * 7
    assert (found[0]["lowExchange"], found[0]["highExchange"]) == ("binance", "okx")
    assert (found[0]["low"], found[0]["high"], found[0]["seconds"]) == (100.0, 101.0, 1)


def test_the_spread_of_an_interval_tells_its_mean_and_its_worst(recorder: Recorder) -> None:
    keep(recorder, update(500, 100.0), update(1500, 101.0, "okx"), update(3200, 100.5, "okx"),
         update(3300, 200.0, "bybit"))
    (bar,) = rows(recorder, "spread", symbol="BTCUSDT", interval="1m",
                  exchanges=("binance", "okx"))
    assert bar["openedAt"] == FIRST_MS and bar["worstAt"] == FIRST_MS + 2000
    assert bar["seconds"] == 9
    assert bar["meanBps"] == pytest.approx((2 * 100 + 7 * 50) / 9)


def test_the_spread_knows_the_prices_from_before_its_time(recorder: Recorder) -> None:
    keep(recorder, update(59_000, 100.0), update(60_500, 101.0, "okx"))
    found = rows(recorder, "spread", 60_000, 62_000, symbol="BTCUSDT", interval="1s")
    assert [bar["openedAt"] - FIRST_MS for bar in found] == [60_000, 61_000]


def test_runs_of_the_same_provenance_are_one_row(recorder: Recorder) -> None:
    for second, exchange in enumerate(["binance"] * 3 + ["okx"] * 2 + ["binance"]):
        recorder.record_served(quote(exchange=exchange, reason=f"at {second}"),
                               FIRST_MS + second * 1000)
        recorder.record_served(quote(symbol="ETHUSDT"), FIRST_MS + second * 1000)
    eventually(lambda: recorder.pending == 0)
    found = rows(recorder, "provenance", symbol="BTCUSDT")
    assert [(row["from"] - FIRST_MS, row["to"] - FIRST_MS, row["exchange"], row["prices"],
             row["reason"]) for row in found] == [
        (0, 2000, "binance", 3, "at 0"), (3000, 4000, "okx", 2, "at 3"),
        (5000, 5000, "binance", 1, "at 5")]
    assert found[0]["source"] == "websocket" and found[0]["status"] == "trusted"
    assert len(rows(recorder, "provenance")) == 4


def test_the_legs_of_an_average_tell_its_runs_apart(recorder: Recorder) -> None:
    for second, legs in enumerate((("okx", "binance"), ("binance", "okx"), ("okx",), ("okx",))):
        recorder.record_served(quote(exchanges=legs), FIRST_MS + second * 1000)
    eventually(lambda: recorder.pending == 0)
    assert [(row["exchange"], row["exchanges"], row["prices"])
            for row in rows(recorder, "provenance")] == [
        (None, "binance,okx", 2), (None, "okx", 2)]


@pytest.mark.parametrize("poll_s, splits", [(None, 11), (1, 4), (5, 16), (3600, 10801)])
def test_a_run_ends_where_nothing_was_served_for_some_polls(
    tmp_path: Path, poll_s: int | None, splits: int
) -> None:
    """As after a kill. How long that is depends on how often a price is served."""
    interval = poll_s and poll_s * 1000
    with recording(tmp_path / "analytics.duckdb", poll_interval_ms=interval) as recorder:
        assert recorder.wait_open(5)
        opened(recorder, -10)
        for second in (0, splits - 1, 2 * splits - 1):
            recorder.record_served(quote(exchange="okx"), FIRST_MS + second * 1000)
        eventually(lambda: recorder.pending == 0)
        found = rows(recorder, "provenance", 0, DAY_MS)
    assert [(row["from"], row["to"], row["prices"]) for row in found] == [
        (FIRST_MS, FIRST_MS + (splits - 1) * 1000, 2),
        (FIRST_MS + (2 * splits - 1) * 1000, FIRST_MS + (2 * splits - 1) * 1000, 1)]


def test_a_run_ends_where_the_file_was_opened_again(recorder: Recorder) -> None:
    """However short the time without a bot was."""
    opened(recorder, -10)
    opened(recorder, 2)
    for second in range(4):
        recorder.record_served(quote(exchange="okx"), FIRST_MS + second * 1000)
    eventually(lambda: recorder.pending == 0)
    assert [row["prices"] for row in rows(recorder, "provenance")] == [2, 2]


def opened(recorder: Recorder, second: float) -> None:
    """At that second, by a bot with the same settings."""
    done = threading.Event()

    def enter(database: Database) -> None:
        database._con.execute("INSERT INTO openings BY NAME SELECT * REPLACE (? AS opened_at) "
                              "FROM openings LIMIT 1", [moment(second * 1000)])
        done.set()

    recorder.ask(enter)
    assert done.wait(5)


def test_the_spread_takes_the_last_price_also_within_a_millisecond(recorder: Recorder) -> None:
    for number in range(40):
        keep(recorder, update(500, 100.0 + number % 7, number=number))
    keep(recorder, update(500, 103.0, number=41), update(500, 103.0, "okx"))
    (first, *_) = rows(recorder, "spread", 0, 20_000, symbol="BTCUSDT", interval="1s")
    assert first["worstBps"] == 0.0


def test_files_of_an_earlier_shape_are_read_with_null_for_what_they_lack(
    recorder: Recorder
) -> None:
    keep(recorder, update(500, 7.0, number=3), update(700, 8.0, number=4))
    archived(recorder, FIRST + timedelta(days=1))
    (file,) = recorder.archive.glob("updates/*/*.parquet")
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT * EXCLUDE (event_id, received_mono, seq) FROM {quoted(file)}) "
                    f"TO {quoted(file)} (FORMAT parquet)")
    keep(recorder, update(DAY_MS + 500, 9.0, "okx", number=5))
    told = rows(recorder, "ticks", 0, 2 * DAY_MS)
    assert [(tick["price"], tick["eventId"]) for tick in told] == [
        (7.0, None), (8.0, None), (9.0, 5)]
    (bar,) = rows(recorder, "candles", 0, 3_600_000, interval="1s", **BINANCE)
    assert (bar["open"], bar["close"], bar["trades"]) == (7.0, 8.0, 2)
    assert rows(recorder, "spread", 0, DAY_MS, symbol="BTCUSDT") == []
    keep(recorder, update(900, 10.0, number=6))  # which joins them in a new file
    archived(recorder, FIRST + timedelta(days=1))
    assert [tick["eventId"] for tick in rows(recorder, "ticks", 0, DAY_MS)] == [None, None, 6]


def sample(recorder: Recorder, at_ms: int, latency_s: float | None, source: str = "okx") -> None:
    recorder.record_sample(FeedHealth(
        source=source, connected_since=1.0, latency_s=latency_s, event_lag_s=None,
        messages_received=5, errors=0, last_update=None, detail=""), True, FIRST_MS + at_ms)


def test_latency_tells_percentiles_that_plain_python_finds_too(recorder: Recorder) -> None:
    lags = [(number * 37) % 101 for number in range(200)]
    times = [number * 100 + (number * number) % 97 for number in range(200)]
    keep(recorder, *(update(at, lag=lag) for at, lag in zip(times, lags, strict=True)))
    sample(recorder, 0, 0.05)
    sample(recorder, 1000, None)
    eventually(lambda: recorder.pending == 0)
    binance, okx = rows(recorder, "latency")
    gaps = sorted(b - a for a, b in zip(sorted(times), sorted(times)[1:]))
    for name, values in (("lag", sorted(lags)), ("gap", gaps)):
        for share in (50, 90, 99):
            place = -(-len(values) * share // 100) - 1
            assert binance[f"{name}P{share}Ms"] == values[place]
        assert binance[f"{name}MaxMs"] == values[-1]
    assert (binance["messages"], binance["pings"], binance["pingP50Ms"]) == (200, 0, None)
    assert (okx["messages"], okx["lagP50Ms"], okx["pings"]) == (0, None, 1)
    assert okx["pingP99Ms"] == okx["pingMaxMs"] == 50.0


def test_incidents_are_told_as_they_stand_now(recorder: Recorder) -> None:
    def incident(id: str, at: float, **fields: Any) -> None:
        values: dict[str, Any] = {
            "id": id, "source": "okx", "symbol": "BTCUSDT", "cause": "silence", "rule": "silence",
            "opened_at": FIRST_MS / 1000 + at, "instance": "primary"}
        recorder.record_incident(Incident(**(values | fields)))

    incident("a-1", -10)
    incident("a-1", -10, revision=2, closed_at=FIRST_MS / 1000 + 5, duration_ms=15_000.0)
    incident("a-0", -90, closed_at=FIRST_MS / 1000 - 1)
    incident("a-2", 60, source=None, symbol=None)
    incident("a-3", 70, symbol="ETHUSDT", source="binance")
    incident("a-4", 3600)
    eventually(lambda: recorder.pending == 0)
    found = rows(recorder, "incidents")
    assert [row["id"] for row in found] == ["a-1", "a-2", "a-3"]
    assert found[0]["closedAt"] == FIRST_MS + 5000 and found[1]["closedAt"] is None
    assert [row["id"] for row in rows(recorder, "incidents", symbol="BTCUSDT")] == ["a-1", "a-2"]
    assert [row["id"] for row in rows(recorder, "incidents", exchange="binance")] == ["a-3"]


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
@pytest.mark.parametrize("place", ["hot", "archived"])
def test_a_summary_counts_each_day(recorder: Recorder, place: str, symbol: str | None) -> None:
    for at, changes in ((0, {}), (1000, {}), (5000, {}), (7000, {"trusted": False,
                        "status": "stale", "source": "okx"}), (DAY_MS + 1000, {})):
        recorder.record_served(quote(**changes), FIRST_MS + at)
    recorder.record_event("source_switch", source="okx", symbol="BTCUSDT", reason="",
                          at_ms=FIRST_MS)
    recorder.record_event("tier_change", source="okx", symbol="BTCUSDT", reason="",
                          at_ms=FIRST_MS)
    recorder.record_incident(Incident(
        id="a-1", source="okx", symbol="BTCUSDT", cause="x", rule="x",
        opened_at=FIRST_MS / 1000 + 1, instance="primary"))
    keep(recorder, update(1000), update(2000, kind="ticker"), update(DAY_MS + 3000),
         update(2 * DAY_MS + 20), *[update(3000, symbol="ETHUSDT")] * (symbol is not None))
    if place == "archived":
        archived(recorder, FIRST + timedelta(days=3))
    first, second = rows(recorder, "summary", 5, DAY_MS + 5, symbol=symbol)
    assert (first["day"], first["updates"], first["served"]) == (FIRST_MS, 2, 4)
    assert (first["fromWebsocket"], first["fromOkx"], first["fromMock"]) == (3, 1, 0)
    assert (first["trusted"], first["stale"], first["disputed"]) == (3, 1, 0)
    assert (first["switches"], first["incidents"], first["worstGapMs"]) == (1, 1, DAY_MS - 5000)
    assert (second["day"], second["updates"], second["switches"]) == (FIRST_MS + DAY_MS, 1, 0)
    assert second["worstGapMs"] == DAY_MS - 1000  # which is still open


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
@pytest.mark.parametrize("place", ["hot", "archived"])
def test_the_worst_gap_of_a_day_does_not_depend_on_the_range(
    recorder: Recorder, place: str, symbol: str | None
) -> None:
    """With the day in which it begins, the days without a price, and the one in which it ends."""
    hour = 3_600_000
    for at in [*range(0, DAY_MS, hour // 2), 3 * DAY_MS + hour, 3 * DAY_MS + 2 * hour,
               *range(4 * DAY_MS, 5 * DAY_MS, hour)]:
        if at // (hour // 2) not in (9, 10):
            recorder.record_served(quote(), FIRST_MS + at)
    recorder.record_served(quote(trusted=False, status="stale"), FIRST_MS + 2 * DAY_MS)
    eventually(lambda: recorder.pending == 0)
    if place == "archived":
        archived(recorder, FIRST + timedelta(days=4))

    def gaps(since: int, until: int) -> dict[int, float]:
        asked = Asked(moment(since * DAY_MS), moment(until * DAY_MS), moment(4.5 * DAY_MS),
                      symbol=symbol)
        answer = Analyst(recorder).ask(QUESTIONS["summary"], asked)
        told: list[Bar] = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        return {(row["day"] - FIRST_MS) // DAY_MS: row["worstGapMs"] / hour for row in told}

    whole = gaps(0, 6)
    assert whole == {0: 1.5, 1: 24.5, 2: 48.5, 3: 49.5, 4: 22.0}
    for since in range(6):
        for until in range(since + 1, 7):
            assert gaps(since, until) == {day: gap for day, gap in whole.items()
                                          if since <= day < until}


def test_nothing_was_recorded_is_an_answer(recorder: Recorder) -> None:
    for name in QUESTIONS:
        assert rows(recorder, name, symbol="BTCUSDT", exchange="binance") == []


class Nowhere:
    """A past whose rows are all elsewhere."""

    def rows(self, table: str, since: datetime, until: datetime) -> str:
        return "x"

    def counted(self, table: str, since: datetime, until: datetime, which: Conditions) -> Sql:
        return f"SELECT NULL::DATE AS day, 0 AS rows WHERE {which}", which.values

    def barred(self, since: datetime, until: datetime) -> list[date]:
        return []

    def last_good(
        self, symbol: str | None, since: datetime, until: datetime
    ) -> list[tuple[str, datetime]]:
        return []


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_value_from_outside_stands_in_the_sql(name: str) -> None:
    past: Past = Nowhere()
    evil = "'; DROP TABLE updates; --"
    asked = Asked(FIRST, FIRST + timedelta(hours=1), FIRST, symbol=evil, exchange=evil,
                  exchanges=(evil, evil), kind=evil)
    sql, values = QUESTIONS[name].build(asked, past)
    assert "DROP" not in sql and sql.count("?") == len(values)
    assert evil in values
