"""The REST check against practice exchanges, each fault alone."""

import email.utils
import time

import pytest

from bot.config import Config
from bot.doctor import rest
from bot.doctor.finding import Report
from bot.doctor.rest import MOST_ASKED, Answer, Api, by_date
from bot.sandbox.server import Sandbox
from bot.worker import Deadline
from tests.doctor.helpers import bad, config, levels, only, place
from tests.processes import free_port
from tests.servers import raw_server, say, swallow


def looked(settings: Config, exchange: str = "okx") -> Report:
    where = place(exchange, settings.rest_urls[exchange][0], suffix="REST_URL")
    return Api(where, settings.symbols).look(Deadline(rest.SECONDS))


@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_one_that_answers_is_well_and_tells_its_time(sandbox: Sandbox, exchange: str) -> None:
    report = looked(config(sandbox, TRADING_SYMBOL="BTCUSDT,ETHUSDT"), exchange)
    assert levels(report) == ["ok"] and "BTCUSDT, ETHUSDT traded" in report.findings[0].words
    (clock,) = report.clocks
    assert clock.whose == exchange and abs(clock.ahead_s) < clock.within_s + 0.05


@pytest.mark.parametrize("status, words, remedy", [
    (451, "refuses the place", "www.okx.com|us.okx.com"), (403, "web firewall", "data centres"),
    (418, "bans this address for 5 s", "wait"), (500, "fault of its own", "status page"),
    (404, "not what is expected", "OKX_REST_URL"), (407, "proxy wants a log-in", "user:password")])
def test_each_refusal_has_its_words_and_remedy(
    sandbox: Sandbox, status: int, words: str, remedy: str
) -> None:
    sandbox.fault("okx", "rest_reject", status)
    finding = bad(looked(config(sandbox)))
    assert finding.level == "fail" and f"HTTP {status}" in finding.words
    assert words in finding.words
    assert any(one in finding.remedy for one in remedy.split("|"))


def test_a_limit_is_told_with_its_time(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "rest429", 17)
    assert "limits this address for 17 s" in bad(looked(config(sandbox))).words


def test_a_symbol_that_is_not_listed_is_a_failure_and_the_others_are_well(
    sandbox: Sandbox
) -> None:
    report = looked(config(sandbox, TRADING_SYMBOL="BTTCUSDT,ETHUSDT"))
    finding = bad(report)
    assert finding.level == "fail" and finding.subject == "okx BTTC-USDT"
    assert "lists no such symbol" in finding.words and "TRADING_SYMBOL" in finding.remedy
    assert "ETHUSDT traded" in report.findings[-1].words


@pytest.mark.parametrize("exchange, state", [("binance", "HALT"), ("okx", "suspend")])
def test_a_halted_symbol_is_told_with_its_state(
    sandbox: Sandbox, exchange: str, state: str
) -> None:
    sandbox.fault(exchange, "halt", "BTCUSDT")
    finding = bad(looked(config(sandbox), exchange))
    assert finding.level == "fail" and f"its state is {state}" in finding.words


def test_of_many_symbols_the_first_are_asked_for_and_it_says_so() -> None:
    names = [f"A{number}USDT" for number in range(MOST_ASKED + 3)]
    with Sandbox(names, rate=0) as sandbox:
        report = looked(config(sandbox, TRADING_SYMBOL=",".join(names)))
        assert "(3 more not asked for)" in only(report).words
        assert sandbox.rest_requests("okx") == MOST_ASKED + 2


def test_symbols_for_which_the_time_was_too_short_are_a_warning(sandbox: Sandbox) -> None:
    settings = config(sandbox, TRADING_SYMBOL="BTCUSDT,ETHUSDT")
    where = place("okx", settings.rest_urls["okx"][0], suffix="REST_URL")
    finding = bad(Api(where, settings.symbols).look(Deadline(0.0)))
    assert finding.level == "warn" and "answers in " in finding.words
    assert "whether BTCUSDT, ETHUSDT are traded is not known" in finding.words


def test_a_slow_one_is_a_warning(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "SLOW_S", 0.05)
    sandbox.fault("okx", "rest_slow", 100)
    assert bad(looked(config(sandbox))).level == "warn"


def test_one_that_never_answers_is_given_up(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "READ_S", 0.2)
    sandbox.fault("okx", "rest_hang")
    finding = bad(looked(config(sandbox)))
    assert finding.words == "timed out" and "firewall" in finding.remedy


def test_a_refused_port_and_an_unknown_name_are_failures() -> None:
    finding = bad(looked(config(OKX_REST_URL=f"http://127.0.0.1:{free_port()}")))
    assert (finding.level, finding.words) == ("fail", "Connection refused")
    assert "OKX_REST_URL" in finding.remedy
    finding = bad(looked(config(OKX_REST_URL="http://no.such.name.invalid")))
    assert "look-up failed" in finding.words and "dns" in finding.remedy


def test_what_is_no_exchange_is_told() -> None:
    page = (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 13\r\n\r\n"
            b"<html></html>")
    with raw_server(say(page)) as server:
        finding = bad(looked(config(OKX_REST_URL=f"http://127.0.0.1:{server.port}")))
    assert finding.level == "fail" and "is not okx" in finding.remedy


def test_whoever_refuses_still_says_what_time_it_is() -> None:
    date = email.utils.formatdate(time.time() - 100, usegmt=True).encode()
    answer = b"HTTP/1.1 451 No\r\nContent-Length: 0\r\nDate: " + date + b"\r\n\r\n"
    with raw_server(say(answer)) as server:
        report = looked(config(OKX_REST_URL=f"http://127.0.0.1:{server.port}"))
    (clock,) = report.clocks
    assert 98.0 < clock.ahead_s < 102.0 and clock.within_s >= 0.5


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_a_date_that_is_none_tells_nothing(date: str) -> None:
    assert by_date("okx", Answer(451, "", date, b"", 0.0, 0.1)) is None


def test_half_of_the_way_is_what_a_reading_may_be_off() -> None:
    reading = Answer(200, "", "", b"", asked_at=1000.0, took_s=0.4).reading("okx", 1000.1)
    assert (round(reading.ahead_s, 6), reading.within_s) == (0.1, 0.2)


def test_a_peer_that_swallows_requests_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "READ_S", 0.2)
    with raw_server(swallow) as server:
        finding = bad(looked(config(OKX_REST_URL=f"http://127.0.0.1:{server.port}")))
    assert finding.words == "timed out"
