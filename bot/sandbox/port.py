"""Listening sockets that can be refused and opened again while the program runs."""

import socket
import threading
from collections.abc import Callable
from typing import Any

from websockets.sync.server import Server, serve

from bot.sandbox.faults import Switches
from bot.sandbox.transport import Post, Wire
from bot.worker import Worker

LOOPBACK = "127.0.0.1"


class Listener(socket.socket):
    """A listening socket whose connections are wires."""

    wire: Callable[[socket.socket], Wire]

    def accept(self) -> tuple[socket.socket, Any]:
        accepted, address = super().accept()
        return self.wire(accepted), address


class _Acceptor(Worker):
    """Runs one server until it is shut down."""

    def __init__(self, name: str, server: Server) -> None:
        super().__init__(name)
        self._server = server

    def step(self) -> None:
        self._server.serve_forever()

    def stop(self) -> None:
        super().stop()
        self._server.shutdown()


class Port:
    """A loopback port that can be opened, refused (bound, but nobody listens) and closed.

    handlers: what `websockets.sync.server.serve` takes.
    """

    def __init__(
        self, name: str, port: int, switches: Switches, post: Post, handlers: dict[str, Any]
    ) -> None:
        self.number = port
        self._name = name
        self._switches = switches
        self._post = post
        self._handlers = handlers
        self._acceptor: _Acceptor | None = None
        self._reserved: socket.socket | None = None
        self._lock = threading.Lock()  # guards _wires
        self._wires: set[Wire] = set()
        self._open = False
        self._changing = threading.Lock()  # one change at a time; the accepting thread is outside

    def open(self) -> None:
        """Raises: OSError where the port is taken."""
        with self._changing:
            if not self._open:
                self._listen()

    def refuse(self) -> None:
        """Drop everything and let connections be refused, without giving the number away."""
        with self._changing:
            self._end()
            self._reserved = self._bound()

    def close(self) -> None:
        with self._changing:
            self._end()

    def _listen(self) -> None:
        self._unreserve()
        bound = self._bound()
        self.number = bound.getsockname()[1]
        bound.listen(128)
        listener = Listener(fileno=bound.detach())
        listener.wire = self._wire
        self._open = True
        self._acceptor = _Acceptor(self._name, serve(sock=listener, **self._handlers))
        self._acceptor.start()

    def _end(self) -> None:
        self._open = False
        self._unreserve()
        self.cut()
        if self._acceptor is not None:
            self._acceptor.stop()
            self._acceptor.join(2.0)
            self._acceptor = None

    def cut(self) -> None:
        with self._lock:
            wires = list(self._wires)
        for wire in wires:
            wire.drop()

    def _bound(self) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((LOOPBACK, self.number))
        except OSError as error:
            bound.close()
            raise OSError(error.errno, f"{LOOPBACK}:{self.number}: {error.strerror}") from error
        return bound

    def _unreserve(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _wire(self, accepted: socket.socket) -> Wire:
        wire = Wire(accepted, self._switches, self._post, self._forget)
        with self._lock:
            self._wires.add(wire)
        if not self._open:
            wire.drop()
        return wire

    def _forget(self, wire: Wire) -> None:
        with self._lock:
            self._wires.discard(wire)
