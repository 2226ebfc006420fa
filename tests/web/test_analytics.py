"""Questions to the record over HTTP: what may be asked, and what is said when it may not."""

import base64
import csv
import io
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest
from waitress import create_server

from bot.record.analyst import Analyst
from bot.record.asked import Asked, Past, Question, Sql
from bot.record.questions import QUESTIONS
from bot.record.recorder import Recorder
from bot.record.schema import TABLES
from tests.helpers import eventually
from tests.record.test_recorder import quote, recording
from tests.web.conftest import Serve
from tests.web.fakes import FakeView, get, update
from tests.web.test_app import NOW, ask, problem

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
MS = 1704067200000  # what the fakes were heard at, just before NOW
SPAN = "from=2024-01-01T00:00:00Z&to=2024-01-01T00:01:00Z"
CANDLES = f"candles?symbol=BTCUSDT&exchange=binance&{SPAN}"
ENDLESS = "SELECT count(*) FROM range(100_000_000_000) a, range(1_000_000) b"


@pytest.fixture
def full(view: FakeView, tmp_path: Path) -> Iterator[FakeView]:
    """With a record of a trade, a ticker and a price."""
    with recording(tmp_path / "analytics.duckdb") as recorder:
        assert recorder.wait_open(5)
        recorder.keep(update(50000.1, kind="trade"))
        recorder.keep(update(50001.0, exchange="okx"))
        recorder.record_served(quote(exchange="okx"), MS + 200)
        eventually(lambda: recorder.pending == 0)
        view.analyst = Analyst(recorder)
        yield view


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question without an end."""
    def build(asked: Asked, past: Past) -> Sql:
        return ENDLESS, []

    monkeypatch.setitem(QUESTIONS, "endless", Question(
        "", (), (), lambda _: timedelta(days=1), build))


def answered(view: FakeView, path: str) -> Any:
    answer = ask(view).get(f"/api/analytics/{path}")
    assert answer.status_code == 200, answer.data
    return answer


def refused(view: FakeView, path: str, status: int = 400) -> str:
    detail: str = problem(ask(view).get(f"/api/analytics/{path}"), status)["detail"]
    return detail


def test_the_questions_are_listed_with_what_they_take(view: FakeView) -> None:
    body: Any = ask(view).get("/api/analytics").json
    assert list(body["questions"]) == ["candles", "ticks", "spread", "provenance", "latency",
                                       "incidents", "summary"]
    assert body["questions"]["spread"] == {
        "about": "how far the exchanges were apart, second by second", "required": ["symbol"],
        "parameters": ["from", "to", "symbol", "exchanges", "interval", "type", "format"]}
    assert body["formats"] == ["json", "csv", "parquet"] and body["mostRows"] == 10_000


def test_candles_word_by_word(full: FakeView) -> None:
    assert answered(full, CANDLES).data == (
        b'{"question":"candles","from":1704067200000,"to":1704067260000,"rows":[{"openedAt":'
        b'1704067200000,"open":50000.1,"high":50000.1,"low":50000.1,"close":50000.1,"volume":2.0,'
        b'"trades":1,"complete":false}],"instance":"primary"}')


def test_the_last_hour_is_told_of_unless_asked_for_another(full: FakeView) -> None:
    body = answered(full, "ticks").json
    assert (body["from"], body["to"]) == (int(NOW * 1000) - 3_600_000, int(NOW * 1000))
    assert len(body["rows"]) == 2 and body["next"] is None
    body = answered(full, "ticks?to=1704067200087").json
    assert (body["from"], body["rows"]) == (1704067200087 - 3_600_000, [])


@pytest.mark.parametrize("span", [
    "from=1704067200000&to=1704067260000", "from=2024-01-01&to=2024-01-01T00:01",
    "from=2024-01-01T01:00:00%2B01:00&to=20240101T000100Z"])
def test_a_moment_may_be_written_in_two_ways(full: FakeView, span: str) -> None:
    body = answered(full, f"ticks?{span}").json
    assert (body["from"], body["to"]) == (MS, MS + 60_000)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_in_every_format(
    full: FakeView, name: str, tmp_path: Path
) -> None:
    path = f"{name}?{SPAN}" + "".join(
        f"&{needed}={value}" for needed, value in (("symbol", "btc-usdt"), ("exchange", "okx"))
        if needed in QUESTIONS[name].required)
    rows = answered(full, path).json["rows"]
    text = answered(full, f"{path}&format=csv")
    assert text.mimetype == "text/csv" and text.headers["Content-Disposition"] == (
        f'attachment; filename="{name}.csv"')
    header, *lines = csv.reader(io.StringIO(text.text, newline=""))
    assert len(lines) == len(rows)
    for row, line in zip(rows, lines, strict=True):
        assert header == list(row)
        assert line == ["" if value is None else str(value).lower()
                        if isinstance(value, bool) else str(value) for value in row.values()]
    file = answered(full, f"{path}&format=parquet")
    assert file.mimetype == "application/vnd.apache.parquet"
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(file.data)
    with duckdb.connect() as con:
        assert con.execute(f"FROM '{copy}'").fetchall() == [tuple(row.values()) for row in rows]
        assert [column[0] for column in con.description or ()] == header


@pytest.mark.parametrize("form", ["json", "csv"])
def test_ticks_are_turned_page_by_page_without_loss(
    view: FakeView, tmp_path: Path, form: str
) -> None:
    with recording(tmp_path / "ticks.duckdb") as recorder:
        assert recorder.wait_open(5)
        for number in range(20):  # most within the same millisecond, some quite alike
            recorder.keep(update(1.0 + number // 2))
        eventually(lambda: recorder.pending == 0)
        view.analyst = Analyst(recorder)
        prices: list[float] = []
        cursor, pages = "", 0
        while True:
            answer = answered(view, f"ticks?{SPAN}&limit=3&format={form}{cursor}")
            pages += 1
            if form == "json":
                prices += [row["price"] for row in answer.json["rows"]]
                further = answer.json["next"]
            else:
                prices += [float(row["price"]) for row in csv.DictReader(io.StringIO(answer.text))]
                further = answer.headers.get("Next-Cursor")
            if further is None:
                break
            cursor = f"&cursor={further}"
    assert prices == [1.0 + number // 2 for number in range(20)] and pages == 7


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_long_page_is_whole(view: FakeView, tmp_path: Path, form: str) -> None:
    with recording(tmp_path / "ticks.duckdb") as recorder:
        assert recorder.wait_open(5)
        for number in range(1, 602):
            recorder.keep(update(float(number)))
        eventually(lambda: recorder.pending == 0)
        view.analyst = Analyst(recorder)
        answer = answered(view, f"ticks?{SPAN}&limit=600&format={form}")
    rows = answer.json["rows"] if form == "json" else list(csv.DictReader(io.StringIO(answer.text)))
    assert [float(row["price"]) for row in rows] == [float(number) for number in range(1, 601)]


@pytest.mark.parametrize("path, told", [
    ("candles", "symbol: must be given; candles takes symbol, exchange, interval"),
    ("candles?symbol=BTCUSDT", "exchange: must be given"),
    (f"{CANDLES}&width=1m", "unknown parameter 'width'; there are from, to, symbol, exchange, "
                            "interval, format"),
    (f"{CANDLES}&interval=2m", "interval: must be one of 1d, 1h, 1m, 1s, 5m, got '2m'"),
    ("candles?symbol=XRPUSDT&exchange=okx", "symbol: must be one of BTCUSDT, ETHUSDT"),
    ("candles?symbol=BTCUSDT&exchange=krakken", "exchange: must be one of "),
    ("ticks?exchange=served", "exchange: must be one of "),
    ("ticks?type=book", "type: must be one of orderbook, ticker, trade, got 'book'"),
    ("ticks?limit=0", "limit: must be a whole number from 1 to 10000, got '0'"),
    ("ticks?limit=10001", "limit: must be a whole number from 1 to 10000"),
    ("ticks?limit=%D9%A3", "limit: must be a whole number"),
    ("ticks?limit=1&limit=2", "limit: must be given once"),
    ("ticks?from=yesterday", "from: must be a moment from 2000 to 2099 as epoch ms or ISO 8601"),
    ("ticks?from=20240101", "write from=2026-11-22T09:30:00Z"),
    ("ticks?to=1999-12-31", "to: must be"), ("ticks?to=0001-01-01T00:00:00%2B23:00", "to: must be"),
    ("ticks?to=999999999999999999999", "to: must be"), ("ticks?to=%D9%A3", "to: must be"),
    ("ticks?to=-1", "to: must be"), ("ticks?from=", "from: must be"),
    ("ticks?format=xml", "format: must be one of csv, json, parquet, got 'xml'"),
    ("spread?symbol=BTCUSDT&exchanges=okx", "exchanges: must be two or more, got 'okx'"),
    ("spread?symbol=BTCUSDT&exchanges=okx,okx", "exchanges: must be two or more"),
    ("spread?symbol=BTCUSDT&exchanges=okx,x", "exchanges: must be one of "),
    ("summary?limit=5", "unknown parameter 'limit'; there are from, to, symbol, format"),
])
def test_what_cannot_be_asked_is_refused_with_what_can(
    full: FakeView, path: str, told: str
) -> None:
    assert told in refused(full, path)


@pytest.mark.parametrize("at_ms, allowed", [
    (MS - 1, False), (MS, True), (MS + 59_999, True), (MS + 60_000, False), (MS + 10**9, False)])
def test_a_cursor_leads_to_nothing_outside_of_the_range(
    full: FakeView, at_ms: int, allowed: bool
) -> None:
    cursor = base64.urlsafe_b64encode(f"{at_ms}.0".encode()).decode().rstrip("=")
    if allowed:
        answered(full, f"ticks?{SPAN}&cursor={cursor}")
    else:
        assert "which is not in from..to" in refused(full, f"ticks?{SPAN}&cursor={cursor}", 422)


@pytest.mark.parametrize("path, told", [
    ("ticks?cursor=", "cursor: must be `next` of the page before, got ''"),
    ("ticks?cursor=x", "cursor: must be"), ("ticks?cursor=%FF%00", "cursor: must be"),
    ("ticks?cursor=OTk5OTk5OTk5OTk5OTkuMQ", "cursor: must be"),
    ("ticks?from=2024-01-01&to=2024-01-01",
     "from: must be before to, got 2024-01-01 00:00:00Z and 2024-01-01 00:00:00Z"),
    ("ticks?from=2023-12-01", "ticks tells of at most 7 days at once, got 31"),
    ("latency?from=2023-12-31", "latency tells of at most 24 hours at once"),
    ("candles?symbol=BTCUSDT&exchange=okx&interval=1s&from=2023-12-31",
     "candles tells of at most 2.778 hours at once"),
    ("spread?symbol=BTCUSDT&interval=1h&from=2023-12-30", "spread tells of at most 24 hours"),
    ("summary?from=2023-11-01", "summary tells of at most 31 days at once, got 62 days"),
])
def test_what_cannot_be_asked_together_is_refused_with_the_limit(
    full: FakeView, path: str, told: str
) -> None:
    assert told in refused(full, path, 422)


def test_too_many_rows_are_refused_with_the_limit(
    full: FakeView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.spans.MOST_ROWS", 0)
    assert "more than 0 rows, which is the most" in refused(full, "provenance", 422)


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_a_range_that_is_past_is_not_sent_twice(full: FakeView, form: str) -> None:
    span = "from=2024-01-01T00:00:00Z&to=2024-01-01T00:00:00.400Z"
    path = f"/api/analytics/ticks?{span}&format={form}"
    first = ask(full).get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = ask(full).get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = ask(full).get(f"{path}&limit=1", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200, "another answer has another one"


def test_a_range_that_is_not_past_is_kept_by_nobody(full: FakeView) -> None:
    for span in ("", "?to=2030-01-01&from=2029-12-31"):
        headers = ask(full).get(f"/api/analytics/ticks{span}").headers
        assert headers["Cache-Control"] == "no-store" and "ETag" not in headers


def test_an_unknown_question_is_told_which_there_are(full: FakeView) -> None:
    assert refused(full, "candels", 404).startswith("unknown question 'candels'; there are candle")


def test_a_bot_that_keeps_no_record_says_so(view: FakeView) -> None:
    assert refused(view, "ticks", 503) == "nothing is recorded: ENABLE_DUCKDB is off"


def test_a_record_that_is_not_open_is_told_with_its_state(view: FakeView, tmp_path: Path) -> None:
    view.analyst = Analyst(Recorder(tmp_path / "a.duckdb", "primary"))
    assert refused(view, "ticks", 503) == "not open yet"


def test_a_third_question_is_refused_at_once(full: FakeView) -> None:
    with full.analyst.seat(), full.analyst.seat():
        began = time.monotonic()
        answer = ask(full).get("/api/analytics/ticks")
        assert time.monotonic() - began < 1.0  # nobody gets up meanwhile
    assert "2 questions are being answered" in problem(answer, 503)["detail"]
    assert answer.headers["Retry-After"] == "1"
    answered(full, "ticks")


@pytest.mark.usefixtures("endless")
def test_a_question_that_takes_too_long_is_given_up(full: FakeView) -> None:
    full.analyst._timeout_s = 0.3
    assert refused(full, "endless", 504) == "no answer within 0.3 s; ask about less"


@pytest.mark.usefixtures("endless")
def test_prices_are_answered_while_as_many_ask_as_may(full: FakeView, serve: Serve) -> None:
    full.analyst._timeout_s = 3.0
    web, _ = serve()
    askers = [threading.Thread(target=get, args=[web.port, "/api/analytics/endless"])
              for _ in range(2)]
    for asker in askers:
        asker.start()
    eventually(lambda: full.analyst._seats._value == 0)
    times = []
    for path in ("/api/v1/prices/BTCUSDT", "/api/analytics/ticks", "/healthz") * 10:
        began = time.monotonic()
        status = get(web.port, path).split()[1]
        times.append(time.monotonic() - began)
        assert status == (b"503" if "analytics" in path else b"200")
    for asker in askers:
        asker.join(10)
    assert max(times) < 0.5


@pytest.mark.usefixtures("endless")
def test_a_question_ends_when_its_client_leaves(
    full: FakeView, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a server that looks ahead notices who leaves while the answer is made
    monkeypatch.setattr("bot.web.server.create_server",
                        partial(create_server, channel_request_lookahead=1))
    full.analyst._timeout_s = 30.0
    web, _ = serve()
    with socket.create_connection(("127.0.0.1", web.port)) as sock:
        sock.sendall(b"GET /api/analytics/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        eventually(lambda: full.analyst._seats._value == 1)
    eventually(lambda: full.analyst._seats._value == 2, 5.0)


def test_every_example_of_the_page_about_the_data_is_answered(full: FakeView) -> None:
    asked = re.findall(r"curl 'localhost:3001/api/analytics/?(\S*)'", PAGE)
    for path in asked:
        assert ask(full).get(f"/api/analytics/{path}".rstrip("/")).status_code == 200
    assert {path.partition("?")[0] for path in asked} == {"", *QUESTIONS}


def test_the_page_about_the_data_names_what_every_question_answers(full: FakeView) -> None:
    parts = dict(zip(["", *re.findall(r"^### `(\w+)`$", PAGE, re.M)],
                     re.split(r"^### `\w+`$", PAGE, flags=re.M), strict=True))
    for name in ("candles", "spread", "provenance", "summary"):
        required = "".join(f"{needed}={value}&" for needed, value in (
            ("symbol", "BTCUSDT"), ("exchange", "okx")) if needed in QUESTIONS[name].required)
        header = answered(full, f"{name}?{required}format=csv").text.splitlines()[0]
        for column in header.split(","):
            assert f"`{column}`" in parts[name], f"{name}: {column}"


def test_every_table_and_column_is_on_the_page_about_the_data() -> None:
    for table, (_, columns) in TABLES.items():
        assert f"### `{table}`" in PAGE
        for column, (kind, meaning) in columns.items():
            assert f"| `{column}` | {kind} | {meaning} |" in PAGE
