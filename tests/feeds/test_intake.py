"""What an intake keeps for the replacement of a connection; the rest is seen through feeds."""

import pytest

from bot.aggregator import EVENTS
from bot.errors import ImplausibleStamp
from bot.events import Publisher
from bot.feeds.intake import Intake
from bot.model import MarketDataUpdate
from bot.store import LatestPrices
from tests.helpers import Clock

EPOCH_S = 1_790_000_000.0
HOURS_S = 7.4 * 3600


class Fed:
    """An intake that has been told a trade a second, and knows what is usual."""

    def __init__(self) -> None:
        self.mono = Clock(1000.0)
        self.told: list[MarketDataUpdate] = []
        publisher = Publisher(EVENTS)
        publisher.on("market_data", self.told.append)
        self.store = LatestPrices()
        self.intake = Intake("okx", self.store, publisher, mono=self.mono, wall=Clock(EPOCH_S))
        for number in range(1, 6):
            self.takes(number)

    def takes(self, number: int, old_s: float = 0.0) -> int:
        self.mono.now += 1.0
        stamp = int((EPOCH_S + self.mono.now - 1000.0 - old_s) * 1000)
        trade = MarketDataUpdate("okx", "BTCUSDT", "trade", 100.0 + number, 1.0, None, None,
                                 stamp, 0, self.mono.now, number)
        return self.intake.take([trade], self.mono.now)


def test_the_newest_of_every_stream_is_known_until_the_connection_is_a_new_one() -> None:
    fed = Fed()
    stamp = fed.told[-1].timestamp
    assert fed.intake.last() == {("BTCUSDT", "trade"): (stamp, 5, (105.0, 1.0, None, None))}
    fed.intake.connected(fed.mono())
    assert fed.intake.last() == {("BTCUSDT", "trade"): (None, None, ())}


def test_old_news_is_refused_unless_it_is_a_first_push_and_is_no_price_then_either() -> None:
    fed = Fed()
    with pytest.raises(ImplausibleStamp):
        fed.takes(6, HOURS_S)
    fed.intake.expect_old([("BTCUSDT", "trade")], fed.mono())
    assert fed.takes(6, HOURS_S) == 0
    assert fed.told[-1].price == 106.0
    held = fed.store.get("okx", "BTCUSDT", "trade")
    assert held is not None and held.price == 105.0
    with pytest.raises(ImplausibleStamp):
        fed.takes(7, HOURS_S)


def test_updates_are_counted_by_type_and_lags_without_first_pushes() -> None:
    fed = Fed()
    assert fed.intake.counts == {"trade": 5, "ticker": 0, "orderbook": 0}
    # the first trade is a first push; until the third after it nobody knows what is usual
    before = fed.intake.lags.count
    fed.takes(6)
    fed.takes(7, old_s=3.0)
    assert fed.intake.lags.count == before + 2
    assert fed.intake.lags.sum == pytest.approx(3.0, abs=0.01)
    fed.intake.connected(fed.mono.now)
    fed.takes(8, old_s=HOURS_S)
    assert fed.intake.lags.count == before + 2
