"""What is told in place of a listing, without a server."""

import pytest

from bot.sandbox.faults import FAULTS, checked
from bot.sandbox.lies import LIES, Lie, told
from bot.sandbox.market import Listing
from bot.symbols import parse_symbol

NOW_MS = 1_800_000_000_000


def listing(price: float = 100.0, event_ms: int = NOW_MS) -> Listing:
    return Listing(parse_symbol("BTCUSDT"), price, event_ms)


def lied(said: Listing, *faults: str, lasted_s: float = 0.0, held: Listing | None = None,
         **values: float | str) -> Listing:
    named = {name: checked(name, None, None)[0] for name in faults} | values
    return told(said, {name: Lie(value, lasted_s, held or said) for name, value in named.items()})


def test_every_lie_is_a_fault() -> None:
    assert set(LIES) < set(FAULTS)


def test_without_a_lie_the_listing_is_told_itself() -> None:
    said = listing()
    assert lied(said) is said


def test_frozen_content_has_new_stamps_and_ids() -> None:
    held, now = listing(100.0, NOW_MS - 5000), listing(120.0)
    now.trade_id, now.book_id, now.volume = 9, 99, 1.0
    said = lied(now, "frozen", held=held)
    assert (said.price, said.bid, said.ask, said.volume) == (
        held.price, held.bid, held.ask, held.volume)
    assert (said.event_ms, said.trade_id, said.book_id) == (NOW_MS, 9, 99)


def test_prices_drift_with_time() -> None:
    assert lied(listing(), "drift", lasted_s=20).price == pytest.approx(100.2)
    assert lied(listing(), drift=-5.0, lasted_s=20).price == pytest.approx(99.0)
    assert lied(listing(), drift=-1000.0, lasted_s=3600).price == pytest.approx(1.0)


def test_prices_are_scaled_and_inverted_with_their_quote() -> None:
    scaled = lied(listing(), "scale")
    assert (scaled.price, scaled.bid, scaled.high) == pytest.approx((1000, 999.999, 1000), abs=0.01)
    true = listing(50.0)
    true.high, true.low = 60.0, 40.0
    inverted = lied(true, "invert")
    assert inverted.price == 0.02
    assert inverted.bid is not None and inverted.ask is not None
    assert inverted.bid < inverted.ask
    assert inverted.low <= inverted.price <= inverted.high


def test_a_crossed_quote_stands_the_wrong_way_round() -> None:
    true = listing()
    said = lied(true, "crossed")
    assert (said.bid, said.ask) == (true.ask, true.bid)
    assert said.bid is not None and said.ask is not None and said.bid > said.ask


def test_an_empty_book_stays_empty_whatever_else_is_told() -> None:
    said = lied(listing(), "empty", "crossed", "invert", "scale", "frozen")
    assert (said.bid, said.ask, said.counted) == (None, None, False)


@pytest.mark.parametrize(("fault", "value", "stamp"), [
    ("ahead", 3600.0, NOW_MS + 3_600_000), ("behind", 0.5, NOW_MS - 500),
    ("unit", "s", NOW_MS // 1000), ("unit", "us", NOW_MS * 1000), ("unit", "ns", NOW_MS * 10**6),
])
def test_stamps_lie_and_prices_do_not(fault: str, value: float | str, stamp: int) -> None:
    said = lied(listing(), **{fault: value})  # type: ignore[arg-type]  # held is not among them
    assert (said.event_ms, said.price) == (stamp, 100.0)


def test_lies_add_up() -> None:
    said = lied(listing(120.0), "frozen", "wrong", "ahead", "unit", held=listing(100.0))
    assert said.price == pytest.approx(100.5)
    assert said.event_ms == (NOW_MS + 3_600_000) * 1000


def test_a_lie_leaves_the_truth_as_it_was() -> None:
    true = listing()
    lied(true, *LIES)
    assert true == listing()
