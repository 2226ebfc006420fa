"""One test for each internal of waitress that bot/web/upgrade.py and bot/web/server.py lean on."""

import socket
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.task import ThreadedTaskDispatcher
from websockets.http11 import Request

from bot.web.guard import Guard
from bot.web.upgrade import Channel
from tests.web.fakes import handshake, read_all


class FakeServer:
    """The part of waitress' server that a channel calls."""

    def __init__(self) -> None:
        self.active_channels: dict[int, Any] = {}
        self.tasks: list[Any] = []
        self.adj = Adjustments(ident=None)

    def add_task(self, channel: Any) -> None:
        self.tasks.append(channel)

    def pull_trigger(self) -> None:
        pass


class Line:
    """A channel on one end of a socket pair, with what it handed over."""

    def __init__(self, guard: Guard = Guard(None, None)) -> None:
        self.client, theirs = socket.socketpair()
        self.server = FakeServer()
        self.map: dict[int, Any] = {}
        self.taken: list[tuple[socket.socket, Request]] = []
        self.channel = Channel(self.server, theirs, ("peer", 1), self.server.adj, map=self.map,
                               guard=guard, hand_over=lambda *pair: self.taken.append(pair))

    def receive(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.client.sendall(chunk)
            self.channel.handle_read_event()

    def close(self) -> None:
        for sock in (self.client, self.channel.socket, *(sock for sock, _ in self.taken)):
            if sock is not None:
                sock.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_an_upgrade_leaves_the_poll_map_and_makes_no_task(line: Line) -> None:
    theirs = line.channel.socket
    line.receive(handshake())
    assert [sock for sock, _ in line.taken] == [theirs]
    assert theirs.fileno() >= 0, "still open"
    assert (line.map, line.server.active_channels, line.server.tasks) == ({}, {}, [])


def test_the_handshake_is_handed_over_with_its_headers(line: Line) -> None:
    line.receive(handshake("Origin: http://localhost"))
    headers = line.taken[0][1].headers
    assert headers["Sec-WebSocket-Key"] == "dGhlIHNhbXBsZSBub25jZQ=="
    assert headers["origin"] == "http://localhost"


def test_a_handshake_may_come_in_pieces(line: Line) -> None:
    whole = handshake()
    line.receive(whole[:20], whole[20:-2])
    assert line.taken == []
    line.receive(whole[-2:])
    assert len(line.taken) == 1


def test_frames_before_the_answer_are_dropped(line: Line) -> None:
    line.receive(handshake() + b"\x81\x80abcdGET / HTTP/1.1\r\n\r\n")
    assert len(line.taken) == 1
    assert line.server.tasks == []


def test_waitress_may_still_close_a_channel_whose_socket_has_left(line: Line) -> None:
    line.receive(handshake())
    line.channel.handle_close()
    line.channel.handle_expt_event()
    assert line.taken[0][0].fileno() >= 0, "still open"


def test_an_upgrade_behind_an_unanswered_request_is_left_to_the_api(line: Line) -> None:
    line.receive(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + handshake())
    assert line.taken == []
    assert [request.path for request in line.channel.requests] == ["/", "/ws"]


@pytest.mark.parametrize("request_bytes", [
    handshake(path="/other"),
    handshake().replace(b"GET", b"POST"),
    handshake().replace(b"HTTP/1.1", b"HTTP/1.0"),
    handshake().replace(b"websocket", b"h2c"),
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n",
    handshake("Content-Length: x"),
])
def test_anything_else_stays_with_waitress(line: Line, request_bytes: bytes) -> None:
    line.receive(request_bytes)
    assert line.taken == []
    assert len(line.server.tasks) == 1


@pytest.mark.parametrize("guard", [
    Guard("geheim", None), Guard(None, ("127.0.0.1",)), Guard(None, None)])
def test_a_refused_upgrade_stays_with_waitress_so_that_the_api_explains_it(guard: Guard) -> None:
    line = Line(guard)
    line.receive(handshake("Origin: http://evil.example"))
    assert line.taken == []
    assert len(line.server.tasks) == 1
    line.close()


def test_what_waitress_refuses_is_told_as_a_problem(line: Line) -> None:
    line.receive(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
    line.channel.service()
    line.channel.handle_write()
    head, body = read_all(line.client).split(b"\r\n\r\n", 1)
    assert b" 400 Bad Request\r\n" in head
    assert b"Content-Type: application/problem+json" in head
    assert msgspec.json.decode(body)["detail"] == "Invalid header"


def test_a_channel_asks_its_own_attributes_for_parser_and_error_task() -> None:
    assert {"parser_class", "error_task_class", "task_class"} <= set(vars(HTTPChannel))


def test_the_dispatcher_starts_its_threads_through_one_method() -> None:
    started: list[int] = []
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.start_new_thread = lambda target, number: started.append(number)
    dispatcher.set_thread_count(3)
    assert started == [0, 1, 2]


def test_the_loop_runs_one_round_at_a_time() -> None:
    ours, theirs = socket.socketpair()
    polled: dict[int, Any] = {}
    heard: list[int] = []
    end = wasyncore.dispatcher(theirs, map=polled)
    end.connected = True
    end.writable = lambda: False
    end.handle_read = lambda: heard.append(1)
    ours.sendall(b"x")
    wasyncore.loop(timeout=0.01, use_poll=True, map=polled, count=1)
    wasyncore.loop(timeout=0.01, use_poll=True, map=polled, count=1)
    assert heard == [1, 1]
    ours.close()
    theirs.close()
