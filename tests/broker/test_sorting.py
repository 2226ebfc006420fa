"""Which records are looked at, and what became of the others."""

import random
from typing import Any

import msgspec
import pytest

from bot.broker.sorting import MOST_NAMES, NOBODY, PROTECTED_S, Opened, Sorter
from bot.broker.wire import SERVED_SCHEMA, headers, served_record, update_record
from bot.errors import ParseError
from bot.model import MarketDataUpdate, UpdateType
from tests.broker.records import ME, Got, bare, got
from tests.helpers import Clock


def record(
    price: float = 1.0, stamp: int | None = 1000, sequence: int = 1, writer: str = "eins",
    symbol: str = "BTCUSDT", type: UpdateType = "trade", exchange: str = "okx",
    event_id: int | None = None,
) -> Got:
    return got(update_record(
        MarketDataUpdate(exchange, symbol, type, price, None, None, None, stamp, 5, 0.0, event_id),
        writer, sequence))


def opened(sorter: Sorter, *records: Got) -> list[Opened]:
    return [one for one in map(sorter.open, records) if one]


def newest(sorter: Sorter, *records: Got) -> list[float]:
    return [same[0].message.price for same in sorter.newest_first(opened(sorter, *records))]


@pytest.fixture
def sorter() -> Sorter:
    return Sorter(ME, ("BTCUSDT", "ETHUSDT"))


def test_what_is_wanted_is_opened_with_its_writer(sorter: Sorter) -> None:
    (one,) = opened(sorter, record())
    assert (one.symbol, one.writer, one.message.price) == ("BTCUSDT", "eins", 1.0)
    assert msgspec.structs.astuple(sorter.counts) == (0,) * 7


@pytest.mark.parametrize("own", [
    record(writer=ME),
    Got(bare(instance="another").value, headers(b"market-data/1", ME)),  # by its header alone
    bare(instance=ME),  # or by its value alone
    Got(b"\xff", [("instance", ME.encode())]),
    Got(bare(instance=ME).value, [("instance", b"a-mirror")]),
    Got(bare(instance=ME).value, [("instance", None)]),
])
def test_its_own_records_are_no_evidence(sorter: Sorter, own: Got) -> None:
    assert sorter.open(own) is None
    assert sorter.counts.own == 1


@pytest.mark.parametrize("name", ["ME", "me2", "m", " me", "me\u0000"])
def test_another_instance_with_a_like_name_is_not_this_one(sorter: Sorter, name: str) -> None:
    other = Got(bare().value, headers(b"market-data/1", name))
    assert sorter.open(other) is not None and sorter.counts.own == 0


@pytest.mark.parametrize("schema", [
    SERVED_SCHEMA, b"market-data/2", b"", b"market-data/1 ", b"\xff", None, "market-data/1"])
def test_records_of_another_schema_are_no_evidence(sorter: Sorter, schema: Any) -> None:
    with pytest.raises(ParseError, match="is not market-data/1"):
        sorter.open(Got(bare().value, [("schema", schema), ("instance", b"eins")]))


def test_a_price_served_is_no_evidence_with_or_without_headers(sorter: Sorter) -> None:
    told = {"exchange": "okx", "symbol": "BTCUSDT", "price": 1.0, "synthetic": True}
    served = got(served_record("BTCUSDT", told, "eins", 1, 5))
    for one in (served, Got(served.value)):
        with pytest.raises(ParseError, match="served"):
            sorter.open(one)


@pytest.mark.parametrize("headers", [
    [("instance", None)], [("instance", 7)], [("instance", "eins")], [("x", None)], [("", b"")],
    [(str(number), b"x" * 100) for number in range(1000)],
])
def test_odd_headers_harm_nobody(sorter: Sorter, headers: Any) -> None:
    (one,) = opened(sorter, Got(bare().value, headers))
    assert one.writer == NOBODY


def test_a_writer_is_known_by_its_value_where_no_header_names_it(sorter: Sorter) -> None:
    (one,) = opened(sorter, bare(instance="eins"))
    assert one.writer == "eins"


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_poison_and_tombstones_are_told_apart_from_what_is_not_wanted(
    sorter: Sorter, value: bytes | None
) -> None:
    with pytest.raises(ParseError):
        sorter.open(Got(value))


def test_symbols_that_are_not_configured_are_counted_and_left(sorter: Sorter) -> None:
    records = [bare(symbol=symbol) for symbol in ("XRPUSDT", "?", "BTC", "BTCUSD", "x" * 64)]
    assert opened(sorter, *records) == [] and sorter.counts.others == 5


@pytest.mark.parametrize("spelling", ["BTC-USDT", "btc/usdt", "BTC_USDT", "btcusdt", " BTCUSDT "])
def test_a_symbol_may_be_spelled_in_any_way(sorter: Sorter, spelling: str) -> None:
    (one,) = opened(sorter, bare(symbol=spelling))
    assert one.symbol == "BTCUSDT"


def test_of_what_is_read_together_the_newest_is_first_in_whatever_order_it_came(
    sorter: Sorter,
) -> None:
    records = [record(float(n), stamp=n) for n in range(1, 50)]
    random.Random(7).shuffle(records)
    (same,) = sorter.newest_first(opened(sorter, *records))
    assert [one.message.price for one in same] == [float(n) for n in range(49, 0, -1)]


def test_of_two_with_the_same_stamp_the_later_event_is_first(sorter: Sorter) -> None:
    assert newest(sorter, record(1.0, event_id=7), record(2.0, event_id=8),
                  record(1.0, event_id=7)) == [2.0]


def test_else_the_higher_number_of_the_writer_tells(sorter: Sorter) -> None:
    """A batch that is sent again ends with what it ended with."""
    assert newest(sorter, record(1.0, sequence=1), record(2.0, sequence=2),
                  record(1.0, sequence=1)) == [2.0]


def test_else_the_one_that_came_later(sorter: Sorter) -> None:
    assert newest(sorter, bare(price=1.0), bare(price=2.0), bare(price=1.5)) == [1.5]


def test_writers_exchanges_symbols_and_kinds_do_not_stand_for_one_another(sorter: Sorter) -> None:
    records = [record(1.0), record(2.0, writer="zwei"), record(3.0, symbol="ETHUSDT"),
               record(4.0, type="ticker"), record(5.0, exchange="binance"), record(6.0, stamp=1001)]
    assert newest(sorter, *records) == [6.0, 2.0, 3.0, 4.0, 5.0]


def test_repetitions_are_counted_and_not_refused(sorter: Sorter) -> None:
    records = [record(sequence=number) for number in (1, 2, 3, 2, 3, 4)]
    assert len(opened(sorter, *records)) == 6
    assert sorter.counts.repeated == 1 + 0 + 0  # the way back is one; then it goes on


def test_an_instance_that_begins_anew_is_not_ignored(sorter: Sorter) -> None:
    opened(sorter, *(record(sequence=number) for number in range(1000, 1100)))
    again = opened(sorter, *(record(sequence=number) for number in range(1, 101)))
    assert len(again) == 100 and sorter.counts.repeated == 1


def unstamped(sequence: int, received: int | None = 5, **changes: Any) -> Got:
    return bare(instance="eins", sequence=sequence, receivedAt=received, **changes)


def test_repetitions_without_a_stamp_of_the_exchange_are_left(sorter: Sorter) -> None:
    """Nothing else would tell that they are old, and the price would go back."""
    numbers = [one.message.sequence for one in opened(
        sorter, *(unstamped(n, 5 + n) for n in (1, 2, 3, 2, 3, 1, 4, 4, 5)))]
    assert numbers == [1, 2, 3, 4, 5] and sorter.counts.repeated == 4


def test_what_another_stream_of_a_writer_brought_makes_no_repetition(sorter: Sorter) -> None:
    records = [unstamped(9, 9), unstamped(8, 8, exchange="okx"), unstamped(7, 7, symbol="ETHUSDT"),
               unstamped(6, 6, updateType="trade"), bare(instance="zwei", sequence=5, receivedAt=5)]
    assert len(opened(sorter, *records)) == 5 and sorter.counts.repeated == 0


@pytest.mark.parametrize("by_record", [False, True])
def test_lower_numbers_of_what_was_received_later_are_a_new_beginning(
    sorter: Sorter, by_record: bool
) -> None:
    """Of an instance that was restarted with its clock set back, for example."""
    def told(number: int, at: int) -> Got:
        one = unstamped(number, None if by_record else at)
        return msgspec.structs.replace(one, timestamp=at if by_record else 1000)
    before = opened(sorter, *(told(1000 + n, 1 + n) for n in range(10)))
    after = opened(sorter, *(told(n, 11 + n) for n in range(10)))
    assert len(before) == len(after) == 10 and sorter.counts.repeated == 1
    assert opened(sorter, told(5, 16)) == []


def test_an_instance_whose_clock_ran_ahead_is_not_ignored_for_long() -> None:
    clock = Clock()
    sorter = Sorter(ME, ("BTCUSDT",), clock)
    opened(sorter, unstamped(1000, 86_400_000))
    assert opened(sorter, unstamped(1, 50)) == []
    clock.now += PROTECTED_S + 0.1
    assert len(opened(sorter, unstamped(2, 60), unstamped(3, 70))) == 2


def test_numbers_of_different_writers_have_nothing_to_do_with_one_another(sorter: Sorter) -> None:
    for number in range(1, 50):
        opened(sorter, record(sequence=number * 1000), record(sequence=number, writer="zwei"))
    assert sorter.counts.repeated == 0


def test_a_flood_of_names_is_bounded_and_changes_nothing_for_the_others(sorter: Sorter) -> None:
    opened(sorter, record(sequence=5))
    for number in range(2 * MOST_NAMES):
        symbol = "BTCUSDT" if number % 2 else f"X{number}USDT"
        opened(sorter, bare(symbol=symbol, instance=f"i{number}", sequence=number))
    assert len(sorter._spellings) <= MOST_NAMES and len(sorter._numbers) <= MOST_NAMES
    for number in range(MOST_NAMES):
        sorter.open(bare(symbol=f"Y{number}USDT"))
        sorter.open(bare(instance=f"j{number}", sequence=1))
    assert len(sorter._spellings) == len(sorter._numbers) == MOST_NAMES
    opened(sorter, record(sequence=5))
    assert sorter.counts.repeated == 1
    (one,) = opened(sorter, bare(symbol="eth/usdt"))  # a spelling that there is no room for
    assert one.symbol == "ETHUSDT"
    assert sorter.open(bare(symbol="z/usdt")) is None
