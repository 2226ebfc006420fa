"""Name look-up: what is found, and what is suspicious about it."""

import socket
import threading
from typing import Any

import pytest

from bot.doctor.names import (
    NO_NAMES, REMEDY, SLOW_S, has_route_6, judged, look, name_checks)
from bot.doctor.place import Host, hosts
from bot.worker import Deadline
from tests.doctor.helpers import config, only

HOST = Host("stream.example.com", 9443, "binance", "BINANCE_WS_URL", secure=True)
SOON = Deadline(3600.0)  # it runs from here on, and over many tests


def test_a_name_that_is_found_is_well() -> None:
    finding = only(look([HOST._replace(name="localhost")], SOON))
    assert finding.level == "ok" and "127.0.0.1" in finding.words


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "192.0.2.7"])
def test_an_address_is_not_looked_up(name: str) -> None:
    assert "nothing to look up" in only(look([HOST._replace(name=name)], SOON)).words


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
    finding = only(look([HOST], SOON))
    assert finding.level == "fail" and str(error.strerror) in finding.words
    assert remedy in finding.remedy


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_where_nothing_resolves_that_is_one_line_and_no_setting_is_blamed(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise socket.gaierror(number, "in some words")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    (check,) = name_checks(hosts(config()))
    finding = only(check.look(SOON))
    assert finding.level == "fail" and finding.words.startswith("this machine resolves no name: ")
    assert finding.words.endswith("(in some words)") and finding.remedy == NO_NAMES


def test_names_of_ones_own_that_nobody_knows_are_the_settings_fault(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    found = look([HOST, HOST._replace(name="b.example", spare=True)], SOON).findings
    assert [finding.level for finding in found] == ["fail", "warn"]
    assert all("spelling in BINANCE_WS_URL" in finding.remedy for finding in found)


def test_the_spelling_of_a_default_is_not_doubted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def fails(host: str, *arguments: Any, **options: Any) -> Any:
        if "okx" in host:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    (check,) = name_checks(hosts(config()))
    found = [one for one in check.look(SOON).findings if "okx" in one.subject]
    assert found and all("spelling" not in one.remedy and one.remedy for one in found)


def test_one_that_hangs_is_given_up_and_the_others_are_told(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hung = socket.getaddrinfo, threading.Event()

    def hangs(host: str, *arguments: Any, **options: Any) -> Any:
        if host == HOST.name:
            hung.wait(30)
        return real("192.0.2.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    found = look([HOST, HOST._replace(name="b.example")], Deadline(0.7)).findings
    hung.set()
    assert [finding.level for finding in found] == ["fail", "ok"] and found[0].remedy == REMEDY


def test_a_name_is_told_with_all_who_need_it() -> None:
    okx = HOST._replace(name="127.0.0.1", use="okx", port=2)
    (check,) = name_checks([okx._replace(use="binance", port=1), okx, okx._replace(port=3)])
    assert "(binance, okx)" in only(check.look(SOON)).words


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
    finding = only(look([HOST], SOON))
    assert finding.level == "ok" and "proxy.example" in finding.words
    assert "secret" not in finding.words


def test_the_route_is_looked_for_without_sending_anything() -> None:
    assert has_route_6() in (True, False)
