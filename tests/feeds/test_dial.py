"""Opening a connection, against peers that do everything to prevent it."""

import datetime
import email.utils
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.server import ServerConnection, serve

from bot.errors import ConnectError
from bot.feeds.connection import Connection
from bot.feeds.dial import LIMITED_PAUSE_S, Dial, tls_context
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.servers import connect_proxy, drip, raw_server, say, swallow

STATUS_LINE = b"HTTP/1.1 101 Switching Protocols\r\nX-Padding: " + b"x" * 400


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=0) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def opened(url: str, seconds: float = 5.0) -> Connection:
    dial = Dial(url, seconds)
    assert dial.wait(seconds + 1)
    return dial.connection()


def refused(url: str, seconds: float = 5.0) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        opened(url, seconds)
    return caught.value


def given_up(url: str, seconds: float = 0.3) -> threading.Thread:
    """Let an attempt expire, walk away. Returns: its thread, which then must end."""
    before = set(threading.enumerate())
    dial = Dial(url, seconds)
    (thread,) = {t for t in threading.enumerate() if t.name.startswith("dial-")} - before
    eventually(lambda: dial.expired)
    assert not dial.wait(0)
    dial.abandon()
    return thread


def test_opens_and_receives(sandbox: Sandbox) -> None:
    connection = opened(sandbox.ws_url("binance") + "/stream")
    connection.send('{"method":"LIST_SUBSCRIPTIONS","id":3}')
    assert eventually(connection.receive) == [b'{"result":[],"id":3}']
    connection.close()


def test_a_handshake_that_drips_is_cut_at_the_deadline() -> None:
    with raw_server(drip(STATUS_LINE)) as server:
        thread = given_up(f"ws://127.0.0.1:{server.port}/")
        thread.join(2.0)
        assert not thread.is_alive()


def test_a_peer_that_accepts_and_says_nothing_is_cut_at_the_deadline() -> None:
    with raw_server(swallow) as server:
        dial = Dial(f"ws://127.0.0.1:{server.port}/", 0.3)
        eventually(lambda: dial.wait(0) or dial.expired)
        dial.abandon()
        assert dial.wait(2.0)
        with pytest.raises(ConnectError):
            dial.connection()


def test_a_tls_peer_that_says_nothing_is_cut_at_the_deadline() -> None:
    with raw_server(swallow) as server:
        assert "timed out" in str(refused(f"wss://127.0.0.1:{server.port}/", 0.3))


def test_a_refused_port_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert f"127.0.0.1:{port}: Connection refused" == str(
        refused(f"ws://127.0.0.1:{port}/"))


def test_a_name_that_does_not_exist_says_so() -> None:
    assert "name look-up failed" in str(refused("ws://no-such-host.invalid/"))


def test_a_look_up_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def hang(*args: object, **options: object) -> list[object]:
        answered.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    thread = given_up("ws://stream.example/", 0.1)
    assert thread.is_alive()  # nobody can interrupt a look-up; it is merely not waited for
    answered.set()
    thread.join(2.0)
    assert not thread.is_alive()


def test_the_next_address_is_tried_when_one_is_a_black_hole(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    port = int(sandbox.ws_url("binance").rpartition(":")[2])
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        # a listener whose queue is full drops what comes, as a black hole does
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        addresses = [(*kind, full.getsockname()), (*kind, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: addresses)
        opened(f"ws://exchange.test:{port}/stream", 2.0).close()
        for sock in waiting:
            sock.close()


def test_a_place_that_is_blocked_is_asked_again_at_the_cap_whatever_it_says() -> None:
    for wish in (b"1", b"200000"):
        answer = b"HTTP/1.1 451 No\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % wish
        with raw_server(say(answer)) as server:
            error = refused(f"ws://127.0.0.1:{server.port}/")
        assert error.retry_after_s == LIMITED_PAUSE_S and "blocked" in str(error)


@pytest.mark.parametrize("variable", ["http://proxy:abc", "http://[::1", "http://a..b:80"])
def test_a_proxy_variable_that_is_no_url_is_an_error_of_the_attempt(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("http_proxy", variable)
    refused("ws://exchange.test/")


@pytest.mark.parametrize("status", [429, 418])
def test_a_limit_without_a_time_is_given_one(status: int) -> None:
    with raw_server(say(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status)) as server:
        error = refused(f"ws://127.0.0.1:{server.port}/")
    assert f"HTTP status {status}" in str(error)
    assert error.retry_after_s == LIMITED_PAUSE_S


def test_retry_after_is_read_in_seconds_and_as_a_date() -> None:
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100)
    date = email.utils.format_datetime(later, usegmt=True).encode()
    for text, low, high in ((b"7", 7.0, 7.0), (date, 90.0, 100.0), (b"soon", 60.0, 60.0)):
        answer = b"HTTP/1.1 429 Slow\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % text
        with raw_server(say(answer)) as server:
            error = refused(f"ws://127.0.0.1:{server.port}/")
        assert error.retry_after_s is not None and low <= error.retry_after_s <= high


def test_an_unavailable_server_is_tried_again_in_our_own_time() -> None:
    with raw_server(say(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as server:
        assert refused(f"ws://127.0.0.1:{server.port}/").retry_after_s is None


@pytest.mark.parametrize("answer", [
    b"", b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n", b"\xff\xfe\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n",
])
def test_an_answer_that_is_no_handshake_is_an_error(answer: bytes) -> None:
    with raw_server(say(answer)) as server:
        refused(f"ws://127.0.0.1:{server.port}/")


def test_the_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    seen: list[bytes] = []
    port = int(sandbox.ws_url("binance").rpartition(":")[2])
    with raw_server(connect_proxy(port, seen)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:s%40cret@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://me:s%40cret@127.0.0.1:{proxy.port}")
        connection = opened("ws://exchange.test:9443/stream")
        connection.send('{"method":"LIST_SUBSCRIPTIONS","id":1}')
        assert eventually(connection.receive)
        connection.close()
    assert seen[0].startswith(b"CONNECT exchange.test:9443 HTTP/1.")
    assert b"Proxy-Authorization: Basic bWU6c0BjcmV0" in seen[0]


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", ""])
def test_loopback_and_no_proxy_hosts_are_reached_directly(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, no_proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    opened(sandbox.ws_url("binance") + "/stream").close()


def test_a_proxy_that_drips_is_cut_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 400)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        thread = given_up("ws://exchange.test/")
        thread.join(2.0)
        assert not thread.is_alive()


def test_a_proxy_that_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server(say(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert "407" in str(refused("ws://exchange.test/"))


def test_tls_is_spoken_and_the_certificate_is_checked(
    monkeypatch: pytest.MonkeyPatch, certificate: tuple[Path, Path]
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def greet(connection: ServerConnection) -> None:
        connection.send("hello")
        connection.recv()

    tls_context.cache_clear()
    with serve(greet, "127.0.0.1", 0, ssl=context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"wss://localhost:{server.socket.getsockname()[1]}/"
        assert "certificate verify failed" in str(refused(url))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        tls_context.cache_clear()
        connection = opened(url)
        assert eventually(connection.receive) == [b"hello"]
        connection.send("bye")
        connection.close()
        server.shutdown()
        thread.join()
    tls_context.cache_clear()
