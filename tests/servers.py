"""Peers that misbehave below the WebSocket protocol, which the practice exchanges cannot."""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket, threading.Event], None]


class RawServer:
    """Accepts TCP connections and hands each to `behave` on a thread of its own."""

    def __init__(self, behave: Behaviour) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.stopping = threading.Event()
        self.accepted = 0
        self._threads = [threading.Thread(target=self._accept, name="raw-server")]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            sock.settimeout(5.0)
            thread = threading.Thread(target=self._serve, args=(sock,), name="raw-connection")
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            try:
                self._behave(sock, self.stopping)
            except OSError:
                pass  # the client went away, which is what these tests are about


@contextmanager
def raw_server(behave: Behaviour) -> Iterator[RawServer]:
    server = RawServer(behave)
    try:
        yield server
    finally:
        server.stop()


def swallow(sock: socket.socket, stopping: threading.Event) -> None:
    """Take everything and answer nothing."""
    sock.settimeout(0.05)
    while not stopping.is_set():
        try:
            if not sock.recv(4096):
                return
        except TimeoutError:
            pass


def drip(text: bytes, every_s: float = 0.02) -> Behaviour:
    """Answer with `text`, a byte at a time and over and over."""
    def behave(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(4096)
        while not stopping.is_set():
            for byte in text:
                sock.sendall(bytes([byte]))
                if stopping.wait(every_s):
                    return
    return behave


def say(text: bytes) -> Behaviour:
    """Answer the request with `text` and close."""
    def behave(sock: socket.socket, stopping: threading.Event) -> None:
        sock.recv(65536)
        sock.sendall(text)
    return behave


def connect_proxy(target_port: int, seen: list[bytes]) -> Behaviour:
    """An HTTP proxy that takes every CONNECT to 127.0.0.1:`target_port`, whatever was asked."""
    def behave(sock: socket.socket, stopping: threading.Event) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += sock.recv(4096)
        seen.append(request)
        with socket.create_connection(("127.0.0.1", target_port)) as target:
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(target, sock, stopping))
            back.start()
            _pump(sock, target, stopping)
            back.join()
    return behave


def _pump(source: socket.socket, sink: socket.socket, stopping: threading.Event) -> None:
    source.settimeout(0.05)
    while not stopping.is_set():
        try:
            data = source.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not data:
            break
        try:
            sink.sendall(data)
        except OSError:
            break
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # closed already


class Relay:
    """Passes connections on to a port of this machine, each with its own lag and its own end.

    lags_s: of what the server sends, by the number of the connection in order of acceptance, from
    0; others have none. It may be changed at any time. refusing: new ones are closed at once.
    """

    def __init__(self, target_port: int) -> None:
        self.lags_s: dict[int, float] = {}
        self.refusing = False
        self.accepted = 0
        self._target_port = target_port
        self._cut: set[int] = set()

    def cut(self, number: int) -> None:
        """End a connection; new ones are accepted."""
        self._cut.add(number)

    def behave(self, sock: socket.socket, stopping: threading.Event) -> None:
        """For a RawServer."""
        number, self.accepted = self.accepted, self.accepted + 1
        if self.refusing:
            return
        waiting: deque[tuple[float, bytes]] = deque()
        with socket.create_connection(("127.0.0.1", self._target_port)) as target:
            while not stopping.is_set() and number not in self._cut:
                readable, _, _ = select.select([sock, target], [], [], 0.005)
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is sock:
                        target.sendall(data)
                    else:
                        waiting.append((time.monotonic() + self.lags_s.get(number, 0.0), data))
                while waiting and waiting[0][0] <= time.monotonic():
                    sock.sendall(waiting.popleft()[1])
