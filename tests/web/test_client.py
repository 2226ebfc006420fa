import socket
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request

from bot.web.board import EVENTS
from bot.web.client import LINGER_S, Client, text_frame
from tests.web.fakes import HANDSHAKE, PATIENCE_S, read_all


class Pair:
    """A client of the hub and the dashboard's end of its connection. Times are made up."""

    def __init__(self) -> None:
        self.dashboard, ours = socket.socketpair()
        self.dashboard.settimeout(PATIENCE_S)
        self.client = Client(ours, now=0.0)

    def connect(self) -> "Pair":
        self.client.accept(Request("/ws", Headers(HANDSHAKE)))
        self.client.flush(0.0)
        assert self.dashboard.recv(4096).startswith(b"HTTP/1.1 101 ")
        return self

    def clog(self, now: float) -> None:
        self.client.queue(bytes(4_000_000))
        self.client.flush(now)
        assert not self.client.drained

    def say(self, opcode: Opcode, data: bytes = b"", mask: bool = True, fin: bool = True) -> None:
        self.dashboard.sendall(Frame(opcode, data, fin).serialize(mask=mask))
        assert self.client.receive(1.0)
        self.client.flush(1.0)


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.dashboard.close()
    pair.client.sock.close()


def test_a_good_handshake_opens(pair: Pair) -> None:
    assert not pair.client.open
    assert pair.connect().client.open


@pytest.mark.parametrize("change, status", [
    ({"Sec-WebSocket-Version": "12"}, 400), ({"Sec-WebSocket-Key": "short"}, 400),
    ({"Connection": "close"}, 426)])
def test_a_bad_handshake_is_refused_with_a_problem(
    pair: Pair, change: dict[str, str], status: int
) -> None:
    pair.client.accept(Request("/ws", Headers(HANDSHAKE | change)))
    pair.client.flush(0.0)
    head, body = read_all(pair.dashboard).split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert head.count(b"Content-Type: ") == head.count(b"application/problem+json") == 1
    assert b"Content-Length: %d\r\n" % len(body) in head
    assert b"Sec-WebSocket-Version: 13" in head
    assert not pair.client.open
    assert pair.client.leave_by == LINGER_S


def test_a_refusal_says_when_to_come_back(pair: Pair) -> None:
    pair.client.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "full", 10)
    pair.client.flush(0.0)
    answer = read_all(pair.dashboard)
    assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 10\r\n" in answer
    assert b'"detail":"full"' in answer


@pytest.mark.parametrize("opcode, data, mask, fin, code", [
    (Opcode.TEXT, bytes(4097), True, True, 1009),
    (Opcode.TEXT, b"unmasked", False, True, 1002),
    (Opcode.CONT, b"of nothing", True, True, 1002),
    (Opcode.CLOSE, b"\x00\x01", True, True, 1002),
])
def test_junk_is_answered_with_a_close_and_read_on_for_a_while(
    pair: Pair, opcode: Opcode, data: bytes, mask: bool, fin: bool, code: int
) -> None:
    pair.connect().say(opcode, data, mask, fin)
    answer = read_all(pair.dashboard)
    assert int.from_bytes(answer[2:4], "big") == code
    assert not pair.client.open
    assert pair.client.leave_by == 1.0 + LINGER_S


def test_fragments_together_may_not_pass_the_limit(pair: Pair) -> None:
    pair.connect().say(Opcode.BINARY, bytes(4000), fin=False)
    pair.say(Opcode.CONT, bytes(200))
    assert int.from_bytes(read_all(pair.dashboard)[2:4], "big") == 1009


def test_what_a_client_says_is_read_and_forgotten(pair: Pair) -> None:
    pair.connect().say(Opcode.TEXT, b"hello")
    pair.say(Opcode.BINARY, b"\xff")
    assert pair.client.open and pair.client.drained


def test_nothing_to_read_is_no_reason_to_leave(pair: Pair) -> None:
    assert pair.connect().client.receive(1.0)


def test_answers_a_ping(pair: Pair) -> None:
    pair.connect().say(Opcode.PING, b"are you there")
    assert pair.dashboard.recv(99) == Frame(Opcode.PONG, b"are you there").serialize(mask=False)


def test_is_done_when_both_sides_said_goodbye(pair: Pair) -> None:
    pair.connect().say(Opcode.CLOSE, b"\x03\xe8")
    assert pair.client.done


def test_says_goodbye_once(pair: Pair) -> None:
    pair.connect().client.say_goodbye()
    pair.client.say_goodbye()
    pair.client.flush(0.0)
    assert pair.dashboard.recv(4096).count(b"\x03\xe9the bot is stopping") == 1


def test_notices_that_the_other_side_has_gone(pair: Pair) -> None:
    pair.connect().dashboard.close()
    assert not pair.client.receive(1.0)
    with pytest.raises(OSError):
        pair.client.queue(text_frame(b"{}"))
        pair.client.flush(1.0)


def test_keeps_the_newest_events_while_it_cannot_send(pair: Pair) -> None:
    lost = [pair.client.note(b"%d" % number) for number in range(EVENTS + 2)]
    assert lost == [False] * EVENTS + [True] * 2
    assert pair.client.events[0] == b"2"


def test_one_that_reads_nothing_is_overdue_after_the_stall_time(pair: Pair) -> None:
    pair.connect().clog(now=100.0)
    assert pair.client.overdue(110.0, stall_s=10.0, silent_s=999.0) is None
    assert "read nothing" in str(pair.client.overdue(110.1, stall_s=10.0, silent_s=999.0))


def test_one_whose_buffer_is_just_full_is_stuck_from_the_next_message_on(pair: Pair) -> None:
    pair.connect()
    while pair.client.drained:
        pair.client.queue(bytes(1000))
        pair.client.flush(100.0)
    assert pair.client.overdue(110.1, stall_s=10.0, silent_s=999.0) is not None


def test_progress_starts_the_stall_time_again(pair: Pair) -> None:
    pair.connect().clog(now=100.0)
    pair.dashboard.recv(1_000_000)
    pair.client.flush(109.0)
    assert pair.client.overdue(118.0, stall_s=10.0, silent_s=999.0) is None


def test_one_that_has_drained_is_not_stuck(pair: Pair) -> None:
    pair.connect().clog(now=100.0)
    while not pair.client.drained:
        pair.dashboard.recv(1_000_000)
        pair.client.flush(101.0)
    assert pair.client.overdue(900.0, stall_s=10.0, silent_s=999.0) is None


def test_one_that_is_silent_is_overdue_until_it_is_heard(pair: Pair) -> None:
    pair.connect()
    assert "silent" in str(pair.client.overdue(50.1, stall_s=99.0, silent_s=50.0))
    pair.say(Opcode.PONG)
    assert pair.client.overdue(50.1, stall_s=99.0, silent_s=50.0) is None
