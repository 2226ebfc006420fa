"""Two connections read by one thread: neither waits for the other."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import pytest
import websocket

from bot.errors import ConnectionLost
from bot.feeds import connection as connection_module
from bot.feeds.connection import READ_S, Connection, wait_for_any

HELLO = b"\x81\x05hello"
CLOSE = b"\x88\x02\x03\xe8"
LONG_S = 5.0


def over(sock: socket.socket) -> Connection:
    ws = websocket.WebSocket()
    ws.sock = sock
    return Connection(ws)


class Plain(NamedTuple):
    connection: Connection
    peer: socket.socket


@pytest.fixture
def pair() -> Iterator[tuple[Plain, Plain]]:
    """Two connections, and what is at the other end of each."""
    both = [socket.socketpair() for _ in range(2)]
    one, other = [Plain(over(ours), peer) for ours, peer in both]
    yield one, other
    for ours, peer in both:
        ours.close()
        peer.close()


def waits(*connections: Connection, seconds: float = LONG_S) -> bool:
    began = monotonic()
    wait_for_any(connections, seconds)
    return monotonic() - began >= seconds


def test_whichever_has_something_ends_the_wait(pair: tuple[Plain, Plain]) -> None:
    connections = [end.connection for end in pair]
    assert waits(*connections, seconds=0.02)
    for end in pair:
        end.peer.sendall(HELLO)
        assert not waits(*connections)
        assert end.connection.receive(wait=False) == [b"hello"]


def test_without_a_wait_nothing_is_waited_for(pair: tuple[Plain, Plain]) -> None:
    connection, peer = pair[0]
    began = monotonic()
    for _ in range(10):
        assert connection.receive(wait=False) == []
    assert monotonic() - began < READ_S
    peer.sendall(HELLO[:3])
    assert connection.receive(wait=False) == []
    peer.sendall(HELLO[3:])
    assert connection.receive(wait=False) == [b"hello"]


def test_an_end_is_no_silence(pair: tuple[Plain, Plain]) -> None:
    (one, one_peer), (other, other_peer) = pair
    one_peer.close()
    assert not waits(one, other)
    with pytest.raises(ConnectionLost):
        one.receive(wait=False)
    other_peer.sendall(HELLO + CLOSE)
    assert other.receive(wait=False) == [b"hello"]
    assert not waits(other), "the end that was read with the last message is still to be told"
    with pytest.raises(ConnectionLost, match="code 1000"):
        other.receive(wait=False)


class Tls:
    """A client's connection, and the server's side of it, which hands out the bytes to send."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        for_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        for_server.load_cert_chain(*certificate)
        for_client = ssl.create_default_context(cafile=str(certificate[0]))
        ours, self.peer = socket.socketpair()
        self.peer.setblocking(False)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server = for_server.wrap_bio(self._incoming, self._outgoing, server_side=True)
        ours.setblocking(False)
        client = for_client.wrap_socket(ours, server_hostname="localhost",
                                        do_handshake_on_connect=False)
        for _ in range(4):
            with suppress(ssl.SSLWantReadError):
                client.do_handshake()
            with suppress(BlockingIOError):
                self._incoming.write(self.peer.recv(65536))
            with suppress(ssl.SSLWantReadError):
                self._server.do_handshake()
            self.peer.sendall(self._outgoing.read())
        self.connection = over(client)
        assert self.connection.receive(wait=False) == []  # session tickets
        self.client = client

    def record(self, data: bytes) -> bytes:
        self._server.write(data)
        return self._outgoing.read()


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> Iterator[Tls]:
    made = Tls(certificate)
    yield made
    made.client.close()
    made.peer.close()


def test_what_tls_has_decrypted_already_ends_the_wait(
    tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_module, "CHUNK", len(HELLO))
    tls.peer.sendall(tls.record(3 * HELLO))
    for _ in range(3):
        assert not waits(tls.connection)
        assert tls.connection.receive(wait=False) == [b"hello"]
    assert not tls.connection.pending and waits(tls.connection, seconds=0.02)


def test_half_a_tls_record_is_not_waited_for(tls: Tls) -> None:
    record = tls.record(HELLO)
    tls.peer.sendall(record[:10])
    began = monotonic()
    assert not waits(tls.connection)
    assert tls.connection.receive(wait=False) == []
    assert monotonic() - began < READ_S
    tls.peer.sendall(record[10:])
    assert tls.connection.receive(wait=False) == [b"hello"]
    tls.connection.send("still can")
