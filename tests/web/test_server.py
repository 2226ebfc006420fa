import logging
import socket
import threading
from contextlib import ExitStack

import pytest
import websocket

from bot.errors import PortTakenError
from bot.web.guard import Guard, cookie_name
from bot.web.hub import Hub
from bot.web.server import WebServer, _Sparse
from bot.worker import Deadline, stop_all
from tests.web.conftest import Serve
from tests.web.fakes import (
    LOOPBACK, PATIENCE_S, Dashboard, FakeView, exchange, get, handshake, read_all)

HOST = b"Host: localhost\r\n"


def test_answers_on_the_port_it_was_given(serve: Serve) -> None:
    web, _ = serve()
    head, body = get(web.port, "/healthz").split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b'{"status":"ok","instance":"primary"}'
    assert b"Server:" not in head


def test_answers_on_an_ipv6_address(serve: Serve) -> None:
    web, _ = serve(host="::1")
    answer = exchange(web.port, b"GET /healthz HTTP/1.1\r\nHost: [::1]:%d\r\n"
                                b"Connection: close\r\n\r\n" % web.port, host="::1")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_clients_may_connect_between_bind_and_start(view: FakeView) -> None:
    hub = Hub()
    web = WebServer(view, hub, host=LOOPBACK, port=0)
    web.bind()
    with socket.create_connection((LOOPBACK, web.port), timeout=PATIENCE_S) as sock:
        sock.sendall(b"GET /healthz HTTP/1.0\r\n" + HOST + b"\r\n")
        web.start()
        assert read_all(sock).startswith(b"HTTP/1.0 200 OK\r\n")
    assert stop_all([web, hub], Deadline(5)) == []


def test_a_taken_port_is_an_error_that_says_what_to_do(serve: Serve, view: FakeView) -> None:
    web, hub = serve()
    second = WebServer(view, hub, host=LOOPBACK, port=web.port)
    with pytest.raises(PortTakenError) as caught:
        second.bind()
    assert f"127.0.0.1 port {web.port}: Address already in use" in str(caught.value)
    assert "API_PORT" in str(caught.value)
    second.stop()
    assert get(web.port, "/healthz").startswith(b"HTTP/1.1 200")


def test_a_port_bound_by_a_server_not_started_yet_is_taken_too(view: FakeView) -> None:
    hub = Hub()
    first = WebServer(view, hub, host=LOOPBACK, port=0)
    first.bind()
    second = WebServer(view, hub, host=LOOPBACK, port=first.port)
    with pytest.raises(PortTakenError):
        second.bind()
    assert stop_all([first, second, hub], Deadline(5)) == []


def test_a_foreign_address_cannot_be_bound(view: FakeView) -> None:
    hub = Hub()
    web = WebServer(view, hub, host="192.0.2.1", port=0)
    with pytest.raises(PortTakenError, match="192.0.2.1"):
        web.bind()
    hub.stop()


def test_stop_before_start_gives_the_port_back(view: FakeView) -> None:
    hub = Hub()
    web = WebServer(view, hub, host=LOOPBACK, port=0)
    web.bind()
    web.stop()
    web.stop()
    hub.stop()
    with socket.socket() as sock:
        sock.bind((LOOPBACK, web.port))


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 100_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 5000 + b"\r\n", 431),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431),
    (b"nonsense\r\n\r\n", 400),
    (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"bad header\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
    (b"GET / HTTP/1.0\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 999999\r\n\r\n", 413),
    (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}", 405),
    (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
])
def test_huge_and_malformed_requests_get_4xx(
    serve: Serve, request_bytes: bytes, status: int
) -> None:
    web, _ = serve()
    answer = exchange(web.port, request_bytes)
    assert b" %d " % status in answer.split(b"\r\n")[0]
    assert b"application/problem+json" in answer and b"Traceback" not in answer
    assert b"Cache-Control: no-store" in answer
    assert get(web.port, "/healthz").startswith(b"HTTP/1.1 200")


def test_answers_beside_two_hundred_idle_and_half_sent_connections(serve: Serve) -> None:
    web, _ = serve()
    get(web.port, "/healthz")  # by now every thread of the server runs
    threads = threading.active_count()
    with ExitStack() as stack:
        for number in range(200):
            sock = stack.enter_context(socket.create_connection((LOOPBACK, web.port)))
            sock.sendall((b"", b"GET / HT", handshake()[:-2],
                          b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1")[number % 4])
        for _ in range(5):
            assert get(web.port, "/api/v1/prices").startswith(b"HTTP/1.1 200")
        assert threading.active_count() == threads
        web.stop()
        assert web.join(5)


def test_a_connection_is_kept_for_further_requests(serve: Serve) -> None:
    web, _ = serve()
    one = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
    last = b"GET /readyz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
    assert exchange(web.port, one + one + last).count(b"HTTP/1.1 200 OK") == 3


def test_stop_is_quick_leaves_no_thread_and_gives_the_port_back(serve: Serve) -> None:
    web, hub = serve()
    before = {thread.name for thread in threading.enumerate()}
    assert "web-0" in before and "hub" in before
    get(web.port, "/healthz")
    assert stop_all([web, hub], Deadline(5)) == []
    assert not {thread.name for thread in threading.enumerate()} & {"web", "web-0", "hub"}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOOPBACK, web.port)).close()
    web.stop()


def test_an_upgrade_after_another_request_on_the_connection_works(serve: Serve) -> None:
    web, _ = serve()
    with socket.create_connection((LOOPBACK, web.port), timeout=PATIENCE_S) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
        answer = b""
        while not answer.endswith(b"}"):
            answer += sock.recv(4096)
        sock.sendall(handshake())
        assert sock.recv(4096).startswith(b"HTTP/1.1 101")


@pytest.mark.parametrize("request_bytes, status", [
    (handshake("Origin: http://evil.example"), 403),
    (handshake("Origin: null"), 403),
    (handshake(host="Host: evil.example"), 400),
    (handshake().replace(b"Version: 13", b"Version: 12"), 400),
    (handshake().replace(b"Key: dGhl", b"Key: "), 400),
    (handshake("Connection: close").replace(b"Connection: Upgrade\r\n", b""), 426),
    (handshake("Connection: close").replace(b"GET", b"POST"), 405),
    (b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 400),
])
def test_a_wrong_upgrade_is_refused_with_a_problem(
    serve: Serve, request_bytes: bytes, status: int
) -> None:
    web, hub = serve()
    with socket.create_connection((LOOPBACK, web.port), timeout=PATIENCE_S) as sock:
        sock.sendall(request_bytes)
        answer = sock.recv(4096)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"application/problem+json" in answer
    assert hub.clients == 0


def test_a_page_of_this_server_may_connect(serve: Serve) -> None:
    web, _ = serve()
    with Dashboard(web.port, origin=f"http://{LOOPBACK}:{web.port}") as dashboard:
        assert dashboard.ws.connected


def test_the_token_is_asked_for_before_the_handshake(serve: Serve) -> None:
    web, _ = serve(token="geheim")
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Dashboard(web.port)
    assert caught.value.status_code == 401
    with Dashboard(web.port, header=["Authorization: Bearer geheim"]) as dashboard:
        assert dashboard.ws.connected
    assert get(web.port, "/readyz").startswith(b"HTTP/1.1 401")
    assert get(web.port, "/readyz", "Authorization: Bearer geheim").startswith(b"HTTP/1.1 200")


def test_the_cookie_of_a_log_in_opens_the_stream_as_well(serve: Serve) -> None:
    web, _ = serve(token="geheim")
    host = f"{LOOPBACK}:{web.port}"
    cookie = f"{cookie_name(host)}={Guard('geheim', None).ticket()}"
    with Dashboard(web.port, cookie=cookie) as dashboard:
        assert dashboard.ws.connected
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Dashboard(web.port, cookie=cookie[:-1])
    assert caught.value.status_code == 401


def test_what_is_logged_over_and_over_is_passed_once() -> None:
    record = logging.LogRecord("waitress", logging.ERROR, "channel.py", 7, "again", None, None)
    sparse = _Sparse()
    assert [sparse.filter(record) for _ in range(3)] == [True, False, False]
    assert [_Sparse(every_s=0.0).filter(record) for _ in range(2)] == [True, True]
