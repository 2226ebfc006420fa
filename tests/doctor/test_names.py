"""Name look-up: what is found, and what is suspicious about it."""

import socket

import pytest

from bot.doctor.names import REMEDY, SLOW_S, has_route_6, judged, look
from bot.doctor.place import Host
from bot.worker import Deadline
from tests.doctor.helpers import only

HOST = Host("stream.example.com", 9443, "binance", "BINANCE_WS_URL", secure=True)
SOON = Deadline(1.0)


def test_a_name_that_is_found_is_well() -> None:
    finding = only(look(HOST._replace(name="localhost"), SOON))
    assert finding.level == "ok" and "127.0.0.1" in finding.words


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "192.0.2.7"])
def test_an_address_is_not_looked_up(name: str) -> None:
    assert "nothing to look up" in only(look(HOST._replace(name=name), SOON)).words


@pytest.mark.parametrize("error, remedy", [
    (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "BINANCE_WS_URL"),
    (socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"), "BINANCE_WS_URL"),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), REMEDY)])
def test_a_name_that_is_not_known_is_told_from_a_resolver_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, error: socket.gaierror, remedy: str
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    finding = only(look(HOST, SOON))
    assert finding.level == "fail" and str(error.strerror) in finding.words
    assert remedy in finding.remedy


@pytest.mark.parametrize("addresses, took_s, route_6, level, words", [
    (["198.51.100.1"], 0.01, False, "ok", "198.51.100.1 in 10 ms"),
    (["2001:db8::1", "198.51.100.1"], 0.01, False, "ok", "198.51.100.1"),
    (["2001:db8::1"], 0.01, True, "ok", "2001:db8::1"),
    (["2001:db8::1"], 0.01, False, "fail", "IPv6 only"),
    (["127.0.0.1"], 0.01, False, "warn", "that is this machine"),
    (["0.0.0.0", "::"], 0.01, True, "warn", "that is this machine"),
    (["198.51.100.1"], SLOW_S + 0.1, False, "warn", "slow"),
])
def test_what_was_found_is_judged(
    addresses: list[str], took_s: float, route_6: bool, level: str, words: str
) -> None:
    finding = judged(HOST, addresses, took_s, route_6)
    assert finding.level == level and words in finding.words
    assert bool(finding.remedy) is (level != "ok")


def test_a_name_of_the_own_machine_may_lead_to_it() -> None:
    assert judged(HOST._replace(name="localhost"), ["127.0.0.1"], 0.0, False).level == "ok"


def test_behind_a_proxy_it_is_the_proxy_that_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
    finding = only(look(HOST, SOON))
    assert finding.level == "ok" and "proxy.example" in finding.words
    assert "secret" not in finding.words


def test_the_route_is_looked_for_without_sending_anything() -> None:
    assert has_route_6() in (True, False)
