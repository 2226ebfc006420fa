"""What the dashboard costs the bot: samples, memory, an answer a second."""

import tracemalloc
from time import perf_counter, process_time
from typing import Any

import pytest

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.events import SourceJudged
from bot.model import MarketDataUpdate
from bot.trail.trail import Trail
from tests.helpers import Clock
from tests.web.fakes import FakeView, quote
from tests.web.test_app import ask

pytestmark = pytest.mark.bench

SOURCES = ("binance", "okx")


def market(count: int) -> tuple[MultiSourceWebSocketAggregator, tuple[str, ...], Clock]:
    """An aggregator that is not connected and holds a price of every symbol and source."""
    clock = Clock()
    aggregator = MultiSourceWebSocketAggregator(exchanges=SOURCES, mono=clock, wall=clock)
    symbols = tuple(f"A{number}USDT" for number in range(count))
    for symbol in symbols:
        aggregator.subscribe(symbol, ["ticker"])
        for source in SOURCES:
            aggregator.feeds[source].intake.take([MarketDataUpdate(
                source, symbol, "ticker", 100.0, 1.0, 99.0, 101.0, None, 1, clock.now)], clock.now)
    return aggregator, symbols, clock


def hour(trail: Trail, aggregator: Any, symbols: tuple[str, ...], clock: Clock) -> float:
    """Live through one with a poll a second. Returns: s of CPU that samples took."""
    spent = 0.0
    for _ in range(3600):
        clock.now += 1.0
        for symbol in symbols:
            trail.served(symbol, quote(symbol), {})
        began = process_time()
        trail.sample(aggregator)
        spent += process_time() - began
    return spent


@pytest.mark.parametrize("count", [1, 20, 500])
def test_an_hour_costs_little_time_and_a_bounded_memory(count: int) -> None:
    """The main loop pays it, at most 1 % of a core."""
    aggregator, symbols, clock = market(count)
    tracemalloc.start()
    trail = Trail(symbols, SOURCES, 1.0, clock, clock)
    spent = hour(trail, aggregator, symbols, clock)
    for number in range(30_000):  # and the worst of changes
        symbol = symbols[number % len(symbols)]
        trail.listeners["source_judged"](SourceJudged(
            "okx", symbol, f"{number} {'x' * 300}", "silence", None, 0.0, 0.0))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"\n{count} symbols: samples take {spent / 3600 * 100:.3f} % of a core, "
          f"{kept / 1e6:.2f} MB are kept")
    assert spent / 3600 < 0.01
    assert kept < 8e6 + 12_000 * 700


def test_a_board_and_a_trail_are_answered_within_their_time() -> None:
    aggregator, symbols, clock = market(2)
    view = FakeView()
    view.symbols = symbols
    view.quotes = {symbol: quote(symbol) for symbol in symbols}
    view.trail = Trail(symbols, SOURCES, 1.0, clock, clock)
    hour(view.trail, aggregator, symbols, clock)
    client = ask(view)
    board, size = timed(client, f"/api/v1/board?after={view.trail.told(symbols[0]).cursor}", 500)
    trail, whole = timed(client, "/api/v1/trail", 50)
    print(f"\nboard: p99 {board:.2f} ms, {size / 1000:.1f} kB; "
          f"trail of a full hour: p99 {trail:.2f} ms, {whole / 1000:.0f} kB")
    assert board < 50 and trail < 50


def timed(client: Any, path: str, times: int) -> tuple[float, int]:
    """Returns: p99 in ms, and the bytes of an answer."""
    taken = []
    for _ in range(times):
        began = perf_counter()
        answer = client.get(path)
        taken.append(perf_counter() - began)
    assert answer.status_code == 200
    return sorted(taken)[int(len(taken) * 0.99)] * 1000, len(answer.data)
