"""The check of the streams against practice exchanges, each fault alone."""

import pytest

from bot.config import Config
from bot.doctor import streams
from bot.doctor.finding import Report
from bot.doctor.streams import SECONDS, Stream
from bot.sandbox.server import Sandbox
from bot.worker import Deadline
from tests.doctor.helpers import bad, config, levels, only, place
from tests.servers import raw_server, swallow

BOTH = pytest.mark.parametrize("exchange", ["binance", "okx"])


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long enough for the ticker of Binance, once a second."""
    monkeypatch.setattr(streams, "WATCH_S", 2.5)
    monkeypatch.setattr(streams, "HANDSHAKE_S", 1.0)


def looked(settings: Config, exchange: str = "okx", first: bool = True) -> Report:
    where = place(exchange, settings.ws_urls[exchange][0], first)
    return Stream(where, settings).look(Deadline(SECONDS))


@BOTH
def test_one_that_brings_every_symbol_is_well(sandbox: Sandbox, exchange: str) -> None:
    report = looked(config(sandbox, TRADING_SYMBOL="BTCUSDT,ETHUSDT"), exchange)
    assert levels(report) == ["ok"]
    words = report.findings[0].words
    assert "acknowledged after" in words and "first tick of 2 of 2 symbols after" in words
    assert {price.symbol for price in report.prices} == {"BTCUSDT", "ETHUSDT"}
    for price in report.prices:
        fair = sandbox.fair(price.symbol)
        assert abs(price.price / fair - 1) < 0.005


def test_an_address_for_the_case_of_need_is_looked_at_and_tells_no_price(sandbox: Sandbox) -> None:
    report = looked(config(sandbox), first=False)
    assert levels(report) == ["ok"] and report.prices == ()


@pytest.mark.parametrize("status, words", [
    (451, "refuses the place"), (429, "limits this address for 5 s"), (503, "fault of its own")])
def test_a_refused_handshake_is_told_by_its_status(
    sandbox: Sandbox, status: int, words: str
) -> None:
    sandbox.fault("binance", "reject", status)
    finding = only(looked(config(sandbox), "binance"))
    assert finding.level == "fail" and f"HTTP {status}" in finding.words
    assert words in finding.words


def test_a_refused_port_is_a_failure(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "refuse")
    finding = only(looked(config(sandbox)))
    assert (finding.level, finding.words) == ("fail", "Connection refused")
    assert "OKX_WS_URL" in finding.remedy


def test_a_swallowed_handshake_is_given_up() -> None:
    with raw_server(swallow) as server:
        finding = only(looked(config(OKX_WS_URL=f"ws://127.0.0.1:{server.port}")))
    assert finding.level == "fail" and "firewall" in finding.remedy
    assert "timed out" in finding.words or "no answer" in finding.words


def test_binance_acknowledges_a_misspelt_symbol_and_is_silent(sandbox: Sandbox) -> None:
    report = looked(config(sandbox, TRADING_SYMBOL="BTTCUSDT,BTCUSDT"), "binance")
    finding = bad(report)
    assert finding.level == "fail"
    assert "subscription acknowledged, and then nothing of BTTCUSDT" in finding.words
    assert "names that do not exist" in finding.remedy
    assert "first tick of 1 of 2 symbols" in report.findings[-1].words


def test_silence_of_one_symbol_among_others_may_be_a_quiet_market(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "symbol", "ETHUSDT")
    finding = bad(looked(config(sandbox, TRADING_SYMBOL="BTCUSDT,ETHUSDT")))
    assert finding.level == "warn" and "nothing of ETHUSDT" in finding.words


def test_okx_refuses_a_misspelt_symbol_and_that_is_told_once(sandbox: Sandbox) -> None:
    finding = bad(looked(config(sandbox, TRADING_SYMBOL="BTTCUSDT")))
    assert "60018" in finding.words and "(and 1 more)" in finding.words
    assert "TRADING_SYMBOL" in finding.remedy


@BOTH
def test_silence_after_the_acknowledgement_is_a_failure(sandbox: Sandbox, exchange: str) -> None:
    sandbox.fault(exchange, "silence")
    assert "nothing of BTCUSDT for 2.5 s" in bad(looked(config(sandbox), exchange)).words


def test_stamps_that_are_too_old_are_told(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "behind", 3600)
    finding = bad(looked(config(sandbox)))
    assert finding.level == "warn" and "3,600 s old by its stamp" in finding.words
    assert "clock" in finding.remedy


def test_a_first_push_that_is_old_is_no_fault_when_news_follow(sandbox: Sandbox) -> None:
    with Sandbox(rate=50, snapshot_age_s=3600.0) as late:
        assert levels(looked(config(late))) == ["ok"]


def test_messages_that_cannot_be_read_are_told(sandbox: Sandbox) -> None:
    sandbox.fault("okx", "junk")
    report = looked(config(sandbox, TRADING_SYMBOL="BTCUSDT,BTTCUSDT"))
    assert any("cannot be read" in finding.words for finding in report.findings)


def test_a_connection_that_is_cut_is_told_as_lost(sandbox: Sandbox) -> None:
    sandbox.fault("binance", "flap", 0.3)
    sandbox.fault("binance", "silence")
    finding = bad(looked(config(sandbox), "binance"))
    assert finding.level == "fail" and "then lost: " in finding.words


def test_an_unknown_name_points_to_the_look_up() -> None:
    finding = only(looked(config(OKX_WS_URL="ws://no.such.name.invalid/x")))
    assert "look-up failed" in finding.words and "dns" in finding.remedy
