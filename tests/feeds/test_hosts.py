"""Which of several addresses is tried next."""

import pytest

from bot.errors import ConnectError
from bot.feeds.hosts import Hosts
from tests.helpers import Clock, eventually
from tests.servers import raw_server, say, swallow

URLS = ["ws://127.0.0.1:1", "ws://127.0.0.1:2", "ws://127.0.0.1:3"]


def refused(hosts: Hosts, url: str) -> ConnectError:
    hosts.dial(url)
    with pytest.raises(ConnectError) as told:
        eventually(lambda: hosts.poll(0.1))
    assert not hosts.dialling
    return told.value


def test_they_are_tried_in_turn() -> None:
    clock = Clock()
    hosts, tried = Hosts(URLS, mono=clock), []
    for _ in range(4):
        clock.now += 1.0
        tried.append(hosts.in_turn())
        refused(hosts, tried[-1])
    assert tried == [*URLS, URLS[0]]


def test_the_first_is_preferred_unless_it_has_just_failed() -> None:
    hosts = Hosts(URLS)
    assert hosts.preferred() == URLS[0]
    refused(hosts, URLS[0])
    assert hosts.preferred() == URLS[1]
    hosts.blame(URLS[1])
    assert hosts.preferred() == URLS[2]
    refused(hosts, URLS[2])
    assert hosts.preferred() == URLS[0]  # all have failed: begin anew


def test_only_those_before_the_present_one_are_better() -> None:
    hosts = Hosts(URLS)
    assert hosts.preferred(before=URLS[0]) is None
    assert hosts.preferred(before=URLS[2]) == URLS[0]
    refused(hosts, URLS[0])
    assert hosts.preferred(before=URLS[2]) == URLS[1]
    assert hosts.preferred(before=URLS[1]) == URLS[0]


def test_one_that_asked_to_be_left_alone_is() -> None:
    clock = Clock()
    limited = b"HTTP/1.1 429 Too Many\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
    with raw_server(say(limited)) as server:
        url = f"ws://127.0.0.1:{server.port}"
        hosts = Hosts([url], mono=clock)
        refused(hosts, url)
    assert hosts.pause_s() == 30.0 and hosts.preferred() is None
    clock.now += 30.0
    assert hosts.pause_s() == 0.0 and hosts.preferred() == url


def test_an_attempt_can_be_given_up_and_one_that_takes_too_long_is() -> None:
    with raw_server(swallow) as server:
        url = f"ws://127.0.0.1:{server.port}"
        hosts = Hosts([url], handshake_s=0.1)
        hosts.dial(url)
        assert hosts.poll(0.0) is None
        hosts.abandon()
        assert not hosts.dialling
        words = str(refused(hosts, url))
        assert "no answer within 0.1 s" in words or "timed out" in words
