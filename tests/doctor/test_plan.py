"""Which checks there are for which settings."""

import pytest

from bot.doctor.finding import ClockReading, PriceSeen, Report
from bot.doctor.names import each_once
from bot.doctor.place import hosts, rest_places, stream_places
from bot.doctor.plan import NAMES, checks, conclusions, unneeded
from tests.doctor.helpers import config
from tests.test_config import SECRET, loaded

TWO = "wss://a.example:9443,wss://b.example"


def planned(**names: str) -> list[tuple[str, str]]:
    return [(check.name, check.about) for check in checks(config(None, **names))]


def test_every_address_of_a_list_is_checked_and_the_first_counts_most() -> None:
    places = stream_places(config(BINANCE_WS_URL=TWO))
    assert [(place.host, place.port, place.first) for place in places[:2]] == [
        ("a.example", 9443, True), ("b.example", 443, False)]
    spare = {check.about: check.spare for check in checks(config(BINANCE_WS_URL=TWO))}
    for about in ("{}:443", "binance {}:443"):
        assert spare[about.format("b.example")]
    assert not (spare["a.example:9443"] or spare["binance a.example:9443"])
    found = planned(BINANCE_WS_URL=TWO)
    assert ("stream", "binance a.example:9443") in found
    assert ("stream", "binance b.example:443") in found
    assert ("tls", "b.example:443") in found
    names = {host.name: host.spare for host in each_once(hosts(config(BINANCE_WS_URL=TWO)))}
    assert names["b.example"] and not names["a.example"]


def test_what_is_switched_off_is_not_checked() -> None:
    settings = loaded({"ENABLE_OKX_LIVE": "false", "ENABLE_DUCKDB": "false"})
    assert not (stream_places(settings) or rest_places(settings) or hosts(settings))
    names = {check.name for check in checks(settings)}
    assert not names & {"dns", "tls", "rest", "stream", "kafka", "record"}


def test_a_third_tier_alone_needs_its_rest() -> None:
    assert [place.exchange.NAME for place in rest_places(loaded())] == ["okx"]


def test_kafka_and_alerts_bring_their_hosts() -> None:
    names = {"ENABLE_KAFKA": "true", "KAFKA_BROKERS": "k1.example:9092,[::1]:9093",
             "ALERT_WEBHOOK_URL": "https://hook.example/x"}
    found = planned(**names)
    assert ("kafka", "k1.example:9092") in found and ("kafka", "[::1]:9093") in found
    assert {"k1.example", "hook.example"} <= {host.name for host in hosts(config(**names))}
    assert ("tls", "hook.example:443") in found


def test_a_host_is_looked_up_once() -> None:
    found = each_once(hosts(config(BINANCE_WS_URL="wss://x.example:1",
                                   BINANCE_REST_URL="https://x.example:2")))
    assert [host.name for host in found].count("x.example") == 1
    shared = hosts(config(BINANCE_WS_URL="wss://x.example", OKX_WS_URL="wss://x.example"))
    assert [host.use for host in shared if host.name == "x.example"] == ["binance, okx"]


def test_no_name_of_a_check_tells_a_secret() -> None:
    found = planned(OKX_WS_URL=f"ws://me:{SECRET}@x.example:1/p",
                    ALERT_WEBHOOK_URL=f"https://hook.example/{SECRET}")
    assert SECRET not in str(found)


@pytest.mark.parametrize("only, shown, checked", [
    (("dns",), {"dns"}, {"dns"}), (("clock",), {"clock"}, {"clock", "rest"}),
    (("prices",), set(), {"stream"}), (("rest", "clock"), {"rest", "clock"}, {"rest", "clock"})])
def test_a_choice_checks_what_it_rests_on_and_shows_the_choice(
    only: tuple[str, ...], shown: set[str], checked: set[str]
) -> None:
    found = checks(config(), only)
    assert {check.name for check in found} == checked
    assert {check.name for check in found if check.shown} == shown


def test_what_has_nothing_to_look_at_says_so() -> None:
    settings = loaded({"ENABLE_OKX_LIVE": "false", "ENABLE_DUCKDB": "false"})
    found = list(unneeded(checks(settings)))
    assert [finding.check for finding in found] == [
        "dns", "tls", "rest", "stream", "kafka", "record"]
    assert {finding.level for finding in found} == {"skip"} and all(one.words for one in found)
    assert [one.check for one in unneeded(checks(settings, ("tls", "api")), ("tls", "api"))] == [
        "tls"]


@pytest.mark.parametrize("name", NAMES)
def test_no_choice_is_answered_with_silence(name: str) -> None:
    settings = loaded({"ENABLE_OKX_LIVE": "false", "ENABLE_DUCKDB": "false"})
    planned = checks(settings, (name,))
    assert ([*unneeded(planned, (name,)), *conclusions(settings, [], (name,))]
            or any(check.shown for check in planned))


def test_conclusions_are_drawn_from_all_reports() -> None:
    reports = [Report(clocks=(ClockReading("okx", 0.0, 0.1),),
                      prices=(PriceSeen("okx", "BTCUSDT", 1.0, 0.0),)),
               Report(prices=(PriceSeen("binance", "BTCUSDT", 1.0, 0.0),))]
    assert [finding.check for finding in conclusions(config(), reports)] == ["clock", "prices"]
    assert list(conclusions(config(), reports, ("dns",))) == []


def test_a_proxy_variable_that_is_no_url_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:port")
    assert ("proxy", "") in planned()


def test_every_check_has_a_name_that_can_be_chosen() -> None:
    settings = config(ENABLE_KAFKA="true")
    assert {check.name for check in checks(settings)} | {"prices"} == set(NAMES)
