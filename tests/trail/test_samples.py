import math
from array import array

import pytest

from bot.judging.fitness import SourceView
from bot.model import FeedHealth
from bot.trail.samples import BYTES, Column, Samples, Served


def health(messages: int, lag_s: float | None = None, source: str = "okx") -> FeedHealth:
    return FeedHealth(source=source, connected_since=0.0, latency_s=None, event_lag_s=lag_s,
                      messages_received=messages, errors=0, last_update=None, detail="")


def view(price: float | None, silent_s: float | None = 0.5, source: str = "okx") -> SourceView:
    return SourceView(source=source, connected_since=0.0, age_s=0.0, silent_s=silent_s,
                      latency_s=None, detail="", price=price)


def samples(*symbols: str, sources: tuple[str, ...] = ("okx",), shortest_s: float = 1.0) -> Samples:
    return Samples(symbols or ("BTCUSDT",), sources, shortest_s)


def filled(count: int) -> Samples:
    made = samples()
    for number in range(1, count + 1):
        made.take(number, 2.0 * number, {"BTCUSDT": Served(100.0 + number, "websocket", "trusted")},
                  {"BTCUSDT": [view(200.0 + number)]}, [health(20 * number, 0.25)])
    return made


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 13])
def test_a_column_keeps_the_newest_in_order(count: int) -> None:
    column = Column("d", 5)
    for number in range(count):
        column.add(float(number))
    assert column.last(99) == [float(number) for number in range(max(0, count - 5), count)]
    assert column.last(2) == column.last(99)[-2:]
    assert column.last(0) == []
    assert list(column.back()) == column.last(99)[::-1] and column.count == min(count, 5)


def test_a_sample_has_what_was_served_and_each_source() -> None:
    made = filled(2)
    assert dict(made.served("BTCUSDT", 9)) == {
        "price": [101.0, 102.0], "tier": [0, 0], "status": [0, 0]}
    own = dict(made.source("BTCUSDT", "okx", 9))
    assert own["price"] == [201.0, 202.0] and own["silent"] == [0.5, 0.5]
    assert own["lag"] == [0.25, 0.25]


def test_the_rate_is_that_since_the_sample_before() -> None:
    made = filled(2)
    first, second = dict(made.source("BTCUSDT", "okx", 9))["rate"]
    assert math.isnan(first) and second == 10.0
    assert made.rate("okx") == 10.0


def test_a_source_of_which_nothing_is_known_has_no_rate() -> None:
    assert filled(1).rate("okx") is None and filled(0).rate("okx") is None
    assert filled(3).rate("kraken") is None


def test_what_is_not_known_is_not_a_number() -> None:
    made = samples()
    made.take(1, 2.0, {}, {"BTCUSDT": [view(None, None)]}, [health(0)])
    served, own = dict(made.served("BTCUSDT", 1)), dict(made.source("BTCUSDT", "okx", 1))
    assert (served["tier"], served["status"]) == ([-1], [-1])
    unknown = [served["price"], own["price"], own["lag"], own["silent"], own["rate"]]
    assert all(math.isnan(value) for (value,) in unknown)


def test_counts_what_is_newer_than_a_serial_and_young_enough() -> None:
    made = filled(5)
    assert [made.after(0, 0.0), made.after(3, 0.0), made.after(0, 7.0), made.after(5, 0.0)] == [
        5, 2, 2, 0]


def test_a_sample_is_due_every_two_seconds_and_a_poll_may_be_a_little_early() -> None:
    made = filled(1)  # taken at 2.0
    assert (made.due(3.5), made.due(3.95), made.due(4.0)) == (False, True, True)
    assert samples(shortest_s=10.0).every_s == 10.0


@pytest.mark.parametrize("symbols, sources", [(1, 2), (100, 2), (500, 2), (500, 5)])
def test_all_of_it_stays_below_its_bytes_whatever_the_number_of_symbols(
    symbols: int, sources: int
) -> None:
    made = Samples([f"S{number}" for number in range(symbols)],
                   [f"x{number}" for number in range(sources)], 1.0)
    rows = 3600 / made.every_s
    each = symbols * (10 + 12 * sources) + 16 + 8 * sources
    assert rows * each <= BYTES * 1.01
    assert made.every_s == 2.0 if symbols == 1 else made.every_s <= 20.0
    assert [array(code).itemsize for code in "dbqf"] == [8, 1, 8, 4], "what that reckons with"
