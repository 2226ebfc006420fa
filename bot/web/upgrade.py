"""How a WebSocket leaves waitress: everything here that leans on waitress' internals.

waitress reads every request in its one I/O thread, so a half-sent handshake is held to the same
limits as any request and no worker waits for it. A complete one is taken out there and then: the
parser calls it empty, so that no task is made of it, and the channel gives its socket away. What is
refused goes the ordinary way, so the API explains it. tests/web/test_upgrade.py has a test for each
internal used.
"""

import socket
from collections.abc import Callable
from typing import Any

import msgspec
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from websockets.datastructures import Headers
from websockets.http11 import Request

from bot.web.guard import Guard
from bot.web.problems import PROBLEM, problem

PATH = "/ws"

HandOver = Callable[[socket.socket, Request], None]


class _ProblemTask(ErrorTask):  # type: ignore[misc]  # waitress is untyped
    """What waitress refuses by itself (malformed, too large), told as the API tells its errors."""

    def execute(self) -> None:
        error = self.request.error
        body = msgspec.json.encode(problem(error.code, error.body))
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", PROBLEM), ("Cache-Control", "no-store"),
                                  ("X-Content-Type-Options", "nosniff")]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress is untyped
    empty: bool

    def __init__(self, adj: Any, takes: Callable[[Any], bool]) -> None:
        super().__init__(adj)
        self._takes = takes

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed and not self.empty and not self.error and self._takes(self):
            self.empty = True
            return len(data)  # frames may not be sent before the handshake is answered
        return consumed


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress is untyped
    """A connection of waitress that gives its socket to `hand_over` on an upgrade of /ws."""

    error_task_class = _ProblemTask
    socket: Any

    def __init__(self, *args: Any, guard: Guard, hand_over: HandOver, **kwargs: Any) -> None:
        self._guard = guard
        self._hand_over = hand_over
        self._upgrade: Request | None = None
        self._later = b""  # what came while a request was answered
        super().__init__(*args, **kwargs)

    def parser_class(self, adj: Any) -> _Parser:
        return _Parser(adj, self._takes)

    def readable(self) -> bool:
        """In the I/O thread, before each of its waits; a request that was answered wakes it."""
        if self._later and not self.requests:
            data, self._later = self._later, b""
            self.received(data)
        return not self._later and self.connected and bool(super().readable())

    def received(self, data: bytes) -> bool:
        if data and self.requests:
            # an upgrade among it can be taken only once the request before it is answered
            self._later += data
            return True
        more: bool = super().received(data)
        if self._upgrade is not None:
            leaving = self.socket
            self.del_channel()
            self.socket = None  # so that no path of waitress can close it
            self.connected = False
            self._hand_over(leaving, self._upgrade)
        return more

    def _takes(self, parsed: Any) -> bool:
        """Whether `parsed` is an upgrade to take. Not behind a request that is still answered."""
        headers = parsed.headers
        if self.requests or (parsed.command, parsed.version, parsed.path) != ("GET", "1.1", PATH):
            return False
        if "websocket" not in headers.get("UPGRADE", "").lower() or not self._welcome(headers):
            return False
        self._upgrade = Request(PATH, Headers(
            [(name.replace("_", "-"), value) for name, value in headers.items()]))
        return True

    def _welcome(self, headers: dict[str, str]) -> bool:
        host = headers.get("HOST")
        return (self._guard.knows_host(host)
                and self._guard.admits(headers.get("AUTHORIZATION"), headers.get("COOKIE"), host)
                and self._guard.knows_origin(headers.get("ORIGIN"), host))
