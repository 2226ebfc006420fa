"""Proxies of the environment, against real ones on loopback."""

import pytest

from bot.doctor.place import Host
from bot.doctor.proxies import Way, look, none_needed, unreadable, ways
from bot.worker import Deadline
from tests.doctor.helpers import only
from tests.processes import free_port
from tests.servers import Behaviour, connect_proxy, raw_server, say, swallow

HOST = Host("stream.example", 9443, "binance", "BINANCE_WS_URL", secure=True)
OTHER = Host("rest.example", 443, "okx", "OKX_REST_URL", secure=True)
SOON = Deadline(5.0)


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    """Through a proxy where nobody listens."""
    monkeypatch.setenv("https_proxy", f"http://me:t0psecret@127.0.0.1:{free_port()}")
    (found,) = ways([HOST, OTHER])
    return found


def through(behave: Behaviour, monkeypatch: pytest.MonkeyPatch, user: str = "") -> tuple[str, str]:
    """What is found with a proxy that behaves so."""
    with raw_server(behave) as proxy:
        monkeypatch.setenv("https_proxy", f"http://{user}127.0.0.1:{proxy.port}")
        (way,) = ways([HOST])
        finding = only(look(way, SOON))
    return finding.level, f"{finding.words}; {finding.remedy}"


def test_without_one_hosts_are_reached_directly() -> None:
    assert ways([HOST, OTHER]) == []
    assert only(none_needed(SOON)).words.startswith("none in force")


def test_hosts_that_need_none_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "stream.example")
    (way,) = ways([HOST, OTHER, HOST._replace(name="kafka.example", proxied=False)])
    assert (way.target, way.hosts) == (OTHER, 1)


def test_one_that_connects_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(lambda sock, stopping: None) as target:
        level, words = through(connect_proxy(target.port, []), monkeypatch)
    assert level == "ok" and "connects to stream.example:9443" in words


def test_one_that_is_not_there_is_a_failure_that_tells_no_password(way: Way) -> None:
    finding = only(look(way, SOON))
    assert finding.level == "fail" and "cannot be reached: Connection refused" in finding.words
    assert "t0psecret" not in str(finding)


@pytest.mark.parametrize("user, words", [("", "wants a log-in"), ("me:no@", "refuses the log-in")])
def test_one_that_wants_a_log_in_says_so(
    monkeypatch: pytest.MonkeyPatch, user: str, words: str
) -> None:
    answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"
    level, told = through(say(answer), monkeypatch, user)
    assert level == "fail" and words in told and "user:password" in told


def test_one_that_does_not_connect_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    level, told = through(say(b"HTTP/1.1 403 Forbidden\r\n\r\n"), monkeypatch)
    assert level == "fail" and "403" in told and "NO_PROXY" in told


def test_one_that_swallows_requests_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.proxies.REACH_S", 0.2)
    level, told = through(swallow, monkeypatch)
    assert level == "fail" and "does not answer" in told


def test_what_the_streams_do_not_speak_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    (way,) = ways([HOST])
    assert "socks5:// is not spoken" in only(look(way, SOON)).words


def test_a_variable_that_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:port")
    with pytest.raises(ValueError) as caught:
        ways([HOST])
    assert only(unreadable(caught.value, SOON)).level == "fail"
