"""What a source's feed counts, and under which word."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.causes import ErrorReason, LossCause
from bot.errors import BotError, ConnectError, ExchangeError, ImplausibleStamp, ParseError
from bot.feeds.tally import Tally
from bot.sandbox.server import Sandbox
from tests.feeds.test_dial import refused
from tests.feeds.watched import Watched, running
from tests.helpers import eventually
from tests.servers import raw_server, say, swallow


def counted(numbers: dict[ErrorReason, int] | dict[LossCause, int]) -> dict[str, int]:
    return {str(word): count for word, count in numbers.items() if count}


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.parametrize("error, reason", [
    (ParseError("x"), "parse"), (ImplausibleStamp("x"), "stamp"), (ExchangeError("x"), "exchange"),
    (ConnectError("x", cause="lookup"), "lookup"), (ConnectError("x"), "unreachable"),
])
def test_an_error_is_counted_by_its_kind(error: BotError, reason: str) -> None:
    tally = Tally()
    tally.fault(error)
    assert counted(tally.errors) == {reason: 1}


@pytest.mark.parametrize("status, cause", [
    (429, "limited"), (418, "limited"), (451, "blocked"), (503, "handshake"), (302, "handshake"),
])
def test_a_refused_handshake_tells_by_what(status: int, cause: str) -> None:
    with raw_server(say(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)) as server:
        assert refused(f"ws://127.0.0.1:{server.port}/").cause == cause


def test_what_never_became_a_handshake_tells_by_what(certificate: tuple[Path, Path]) -> None:
    assert refused("ws://no-such-host.invalid/").cause == "lookup"
    assert refused("ws://127.0.0.1:1/").cause == "unreachable"
    with raw_server(swallow) as server:
        assert refused(f"wss://127.0.0.1:{server.port}/", 0.3).cause == "timeout"
    with raw_server(say(b"this is no TLS at all")) as server:
        assert refused(f"wss://127.0.0.1:{server.port}/").cause == "tls"
    with raw_server(say(b"nor HTTP\r\n\r\n")) as server:
        assert refused(f"ws://127.0.0.1:{server.port}/").cause == "handshake"


@pytest.mark.parametrize("throw, cause", [
    (lambda sandbox: sandbox.fault("binance", "cut"), "network"),
    (lambda sandbox: sandbox.fault("binance", "close", 1001), "closed"),
    (lambda sandbox: sandbox.fault("binance", "huge"), "protocol"),
])
def test_a_lost_connection_is_counted_by_how_it_ended(
    throw: Callable[[Sandbox], None], cause: str
) -> None:
    with Sandbox(rate=50) as sandbox:
        with running(Watched("binance", [sandbox.ws_url("binance")])) as watched:
            eventually(lambda: watched.updates)
            throw(sandbox)
            eventually(lambda: watched.names().count("source_connected") == 2)
            assert counted(watched.feed.tally.losses) == {cause: 1}
        assert counted(watched.feed.tally.losses) == {cause: 1}, "a stop is no loss"


def test_a_rehearsed_loss_is_counted_as_such() -> None:
    with Sandbox(rate=50) as sandbox:
        with running(Watched("binance", [sandbox.ws_url("binance")])) as watched:
            eventually(lambda: watched.updates)
            watched.feed.drill("cut", 0.1)
            eventually(lambda: watched.names().count("source_connected") == 2)
            assert counted(watched.feed.tally.losses) == {"drill": 1}


def test_a_replacement_without_a_gap_is_no_loss() -> None:
    with Sandbox(rate=50) as sandbox:
        with running(Watched("okx", [sandbox.ws_url("okx")])) as watched:
            eventually(lambda: watched.updates)
            sandbox.fault("okx", "notice")
            eventually(lambda: watched.feed.tally.handovers == 1)
            assert counted(watched.feed.tally.losses) == {}


def test_junk_is_counted_as_unreadable() -> None:
    with Sandbox(rate=50) as sandbox:
        with running(Watched("okx", [sandbox.ws_url("okx")])) as watched:
            eventually(lambda: watched.updates)
            sandbox.fault("okx", "junk")
            eventually(lambda: watched.feed.tally.errors["parse"] > 5)
            assert watched.feed.health().errors >= watched.feed.tally.errors["parse"]
