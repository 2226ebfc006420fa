"""The priority chain, with plain stand-ins for its tiers (D004, D044-D051, D124)."""

import logging
from itertools import product

import pytest

from bot.chain import Chain, in_words
from bot.errors import NoQuote, SourceError, StaleQuote
from bot.model import Quote, Status
from bot.sources.base import NoSource

TIERS = ("websocket", "kafka", "okx", "mock")


class Tier:
    """Gives its price, or raises its fault. `asked` counts."""

    def __init__(self, tier: str, *, fault: Exception | None = None, trusted: bool = True,
                 age_s: float = 0.1, status: Status | None = None) -> None:
        self.tier = tier
        self.synthetic = tier == "mock"
        self.fault = fault
        self.trusted = trusted and not self.synthetic
        self.age_s = age_s
        self.status: Status = status or ("trusted" if self.trusted else "stale")
        self.asked = 0

    def quote(self, symbol: str) -> Quote:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return Quote(symbol=symbol, price=100.0, source=self.tier, received_at=1, age_s=self.age_s,
                     trusted=self.trusted, synthetic=self.synthetic, reason=f"from {self.tier}",
                     status=self.status)


def tier(name: str, up: bool) -> Tier:
    return Tier(name, fault=None if up else NoQuote(f"{name} is down"))


@pytest.mark.parametrize("ups", list(product([True, False], repeat=4)))
def test_first_tier_that_is_up_serves(ups: tuple[bool, ...]) -> None:
    """All 16 combinations. K34: an empty tier is passed over."""
    tiers = [tier(name, up) for name, up in zip(TIERS, ups)]
    quote, passed = Chain(tiers).ask("BTCUSDT")
    first = ups.index(True) if any(ups) else len(ups)
    assert (quote.source if quote else None) == (TIERS[first] if any(ups) else None)
    assert list(passed.items()) == [(name, f"{name} is down") for name in TIERS[:first]]
    assert [each.asked for each in tiers] == [int(place <= first) for place in range(4)], (
        "tiers below the one that serves cost nothing")


def test_poll_raises_with_every_reason_in_the_order_of_the_chain() -> None:
    tiers = [tier(name, up=False) for name in TIERS]
    with pytest.raises(NoQuote) as caught:
        Chain(tiers).poll("BTCUSDT")
    assert list(caught.value.reasons) == list(TIERS)
    assert str(caught.value) == "no price: " + "; ".join(f"{name}: {name} is down"
                                                         for name in TIERS)


def test_poll_gives_what_ask_found() -> None:
    assert Chain([tier("kafka", True)]).poll("ETHUSDT").symbol == "ETHUSDT"


@pytest.mark.parametrize("fault", [
    ValueError("broken"), KeyError("x"), ZeroDivisionError(), OSError("disk"), RuntimeError(),
])
def test_defect_in_one_tier_does_not_take_the_others_along(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        quote, passed = Chain([Tier("websocket", fault=fault), tier("okx", True)]).ask("BTCUSDT")
    assert quote is not None and quote.source == "okx"
    assert passed["websocket"].startswith("internal fault")
    assert "tier websocket failed for BTCUSDT" in caplog.text


@pytest.mark.parametrize("fault", [NoQuote("none"), StaleQuote("old"), SourceError("odd")])
def test_tier_without_a_price_is_no_defect_and_is_not_logged(
    fault: SourceError, caplog: pytest.LogCaptureFixture
) -> None:
    _, passed = Chain([Tier("websocket", fault=fault)]).ask("BTCUSDT")
    assert passed == {"websocket": str(fault)} and not caplog.records


def test_untrusted_price_is_served_and_the_next_tier_is_asked_so_that_it_is_warm() -> None:
    held, rest, mock = Tier("websocket", trusted=False), tier("okx", False), tier("mock", True)
    quote, passed = Chain([held, rest, mock]).ask("BTCUSDT")
    assert quote is not None and quote.source == "websocket"
    assert passed == {}, "nothing above the price was passed over"
    assert rest.asked == 1


def test_asking_below_an_untrusted_price_ends_at_the_first_trusted_one() -> None:
    tiers = [Tier("websocket", trusted=False), tier("kafka", True), tier("okx", True)]
    Chain(tiers).ask("BTCUSDT")
    assert [each.asked for each in tiers] == [1, 1, 0]


def test_below_the_streams_an_old_price_gives_way_to_a_trusted_one() -> None:
    tiers = [tier("websocket", False), Tier("kafka", trusted=False), tier("okx", True)]
    quote, passed = Chain(tiers).ask("BTCUSDT")
    assert quote is not None and quote.source == "okx"
    assert passed == {"websocket": "websocket is down",
                      "kafka": "price is not trusted (from kafka)"}


@pytest.mark.parametrize("below", [Tier("okx", trusted=False), tier("okx", False)])
def test_below_the_streams_an_old_price_is_served_where_nobody_has_a_better_one(
    below: Tier
) -> None:
    tiers = [tier("websocket", False), Tier("kafka", trusted=False), below, tier("mock", True)]
    quote, passed = Chain(tiers).ask("BTCUSDT")
    assert quote is not None and quote.source == "kafka"
    assert passed == {"websocket": "websocket is down"}


def test_a_disputed_price_does_not_give_way_to_one_of_those_who_disagree() -> None:
    disputed = Tier("kafka", trusted=False, status="disputed")
    quote, _ = Chain([tier("websocket", False), disputed, tier("okx", True)]).ask("BTCUSDT")
    assert quote is not None and quote.source == "kafka"


@pytest.mark.parametrize("trusted", [True, False])
def test_mock_is_never_asked_while_a_real_price_is_there(trusted: bool) -> None:
    """K36: nothing made up slips in beside a real price, trusted or not."""
    mock = tier("mock", True)
    for real in ("websocket", "kafka", "okx"):
        Chain([Tier(real, trusted=trusted), mock]).ask("BTCUSDT")
    assert mock.asked == 0


def test_mock_is_flagged_when_it_serves() -> None:
    """K36."""
    quote = Chain([tier("okx", False), tier("mock", True)]).poll("BTCUSDT")
    assert quote.synthetic and not quote.trusted


def test_tier_that_is_not_there_only_says_why() -> None:
    """K36: outside simulation this stands in the place of the mock."""
    chain = Chain([tier("okx", False), NoSource("mock", "only in simulation, not in backtest")])
    with pytest.raises(NoQuote) as caught:
        chain.poll("BTCUSDT")
    assert caught.value.reasons["mock"] == "only in simulation, not in backtest"


@pytest.mark.parametrize("first, why", [
    (Tier("websocket", age_s=0.6), "600 ms old, 500 ms allowed"),
    (Tier("websocket", trusted=False), "not trusted (from websocket)"),
])
def test_max_age_passes_over_what_is_old_or_not_trusted(first: Tier, why: str) -> None:
    quote, passed = Chain([first, Tier("okx", age_s=0.5)]).ask("BTCUSDT", max_age_s=0.5)
    assert quote is not None and quote.source == "okx"
    assert why in passed["websocket"]


def test_max_age_fails_closed_rather_than_serve_something_made_up() -> None:
    tiers = [Tier("websocket", age_s=9.0), Tier("okx", age_s=9.0), tier("mock", True)]
    with pytest.raises(NoQuote) as caught:
        Chain(tiers).poll("BTCUSDT", max_age_s=0.5)
    assert list(caught.value.reasons) == ["websocket", "okx", "mock"]
    assert caught.value.reasons["mock"] == "price is synthetic"


def test_max_age_of_zero_is_a_limit_and_not_none() -> None:
    """K11."""
    with pytest.raises(NoQuote):
        Chain([Tier("websocket", age_s=0.1)]).poll("BTCUSDT", max_age_s=0.0)
    assert Chain([Tier("websocket", age_s=0.0)]).poll("BTCUSDT", max_age_s=0.0).age_s == 0.0


def test_empty_chain_has_no_price() -> None:
    with pytest.raises(NoQuote):
        Chain([]).poll("BTCUSDT")


def test_reasons_are_told_in_one_line() -> None:
    assert in_words({"websocket": "stale", "okx": "slow"}) == "websocket: stale; okx: slow"
    assert in_words({}) == ""


def test_a_disputed_price_is_refused_and_no_lower_tier_decides_the_dispute() -> None:
    """The lower tier is one of those that disagree."""
    disputed = Tier("websocket", trusted=False, status="disputed")
    chain = Chain([disputed, Tier("okx")])
    assert chain.poll("BTCUSDT").status == "disputed"
    with pytest.raises(NoQuote) as caught:
        chain.poll("BTCUSDT", max_age_s=10.0)
    assert list(caught.value.reasons) == ["websocket"]
    assert "disputed" in caught.value.reasons["websocket"]


def test_says_which_tiers_there_are_and_why_one_is_not() -> None:
    chain = Chain([tier("okx", True), NoSource("kafka", "switched off (ENABLE_KAFKA)")])
    assert chain.tiers == {"okx": None, "kafka": "switched off (ENABLE_KAFKA)"}
