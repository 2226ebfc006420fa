"""Events reach every listener exactly once, and no listener harms another (D120)."""

import logging
import threading

import pytest

from bot.events import Publisher

NAMES = ("market_data", "source_switch")


def test_each_listener_of_a_name_is_called_once_in_order_of_subscription() -> None:
    publisher, heard = Publisher(NAMES), list[str]()
    publisher.on("market_data", lambda event: heard.append(f"first {event}"))
    publisher.on("source_switch", lambda event: heard.append(f"other {event}"))
    publisher.on("market_data", lambda event: heard.append(f"second {event}"))
    publisher.publish("market_data", "x")
    assert heard == ["first x", "second x"]


def test_listener_is_called_on_the_thread_that_publishes() -> None:
    publisher, heard = Publisher(NAMES), list[str]()
    publisher.on("market_data", lambda _: heard.append(threading.current_thread().name))
    thread = threading.Thread(target=publisher.publish, args=("market_data", 1), name="feed-x")
    thread.start()
    thread.join(5)
    assert heard == ["feed-x"]


def test_failing_listener_is_logged_and_the_next_one_called(
    caplog: pytest.LogCaptureFixture
) -> None:
    publisher, heard = Publisher(NAMES), list[object]()

    def fail(event: object) -> None:
        raise ValueError("broken listener")

    publisher.on("market_data", fail)
    publisher.on("market_data", heard.append)
    with caplog.at_level(logging.ERROR):
        publisher.publish("market_data", "x" * 10_000)
    assert len(heard) == 1
    assert "listener of market_data failed" in caplog.text and "broken listener" in caplog.text
    assert len(caplog.messages[0]) < 500, "the event is shown in part only"


def test_listening_to_a_name_that_is_never_published_is_refused() -> None:
    with pytest.raises(ValueError, match="no event 'markt_data'; there are market_data"):
        Publisher(NAMES).on("markt_data", print)


def test_event_without_a_listener_is_no_fault() -> None:
    Publisher(NAMES).publish("market_data", 1)


def test_listener_may_subscribe_another_while_it_is_called() -> None:
    """A lock held while calling would end here for ever."""
    publisher, heard = Publisher(NAMES), list[object]()
    publisher.on("market_data", lambda _: publisher.on("market_data", heard.append))
    publisher.publish("market_data", 1)
    publisher.publish("market_data", 2)
    assert heard == [2]
