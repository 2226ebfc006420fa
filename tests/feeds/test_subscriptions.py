"""Desired subscriptions outlive connections (K2)."""

import threading

from bot.feeds.subscriptions import Subscriptions
from bot.model import UpdateType
from bot.symbols import Symbol

BTC, ETH = Symbol("BTC", "USDT"), Symbol("ETH", "USDT")


def wanted(subscriptions: Subscriptions) -> list[tuple[str, UpdateType]]:
    return [(symbol.name, kind) for symbol, kinds in subscriptions.rows for kind in kinds]


def test_begins_empty() -> None:
    assert Subscriptions().rows == () and Subscriptions().symbols == ()


def test_symbols_come_in_the_order_in_which_they_were_first_wanted() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(ETH, ["ticker"])
    subscriptions.add(BTC, ["ticker", "trade"])
    subscriptions.add(ETH, ["trade"])
    assert subscriptions.symbols == (ETH, BTC)


def test_rows_taken_before_are_a_prefix_of_the_rows_after() -> None:
    """What a feed has subscribed already it need not send again."""
    subscriptions = Subscriptions()
    subscriptions.add(BTC, ["ticker"])
    before = subscriptions.rows
    subscriptions.add(BTC, ["ticker", "trade"])
    assert before == ((BTC, ("ticker",)),)
    assert subscriptions.rows == ((BTC, ("ticker",)), (BTC, ("trade",)))


def test_adding_the_same_again_changes_nothing() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(BTC, ["ticker", "trade", "ticker"])
    before = subscriptions.rows
    subscriptions.add(BTC, ["trade"])
    subscriptions.add(BTC, [])
    assert subscriptions.rows is before


def test_kind_added_earlier_than_the_last_one_is_not_added_twice() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(BTC, ["ticker"])
    subscriptions.add(BTC, ["trade"])
    subscriptions.add(BTC, ["ticker"])
    assert wanted(subscriptions) == [("BTCUSDT", "ticker"), ("BTCUSDT", "trade")]


def test_no_addition_is_lost_when_threads_add_at_the_same_time() -> None:
    subscriptions = Subscriptions()
    begin = threading.Barrier(8)

    def add(number: int) -> None:
        begin.wait(5)
        for i in range(50):
            subscriptions.add(Symbol(f"C{number}X{i}", "USDT"), ["ticker"])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(subscriptions.symbols) == 400
