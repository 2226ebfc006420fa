"""The control port: faults are thrown, healed and listed over HTTP."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from bot.errors import shown
from bot.sandbox.faults import FAULTS, Value
from bot.sandbox.port import LOOPBACK
from bot.worker import Worker

BODY_LIMIT = 10_000


class Switchboard(Protocol):
    """What is controlled."""

    def fault(
        self, exchange: str, fault: str, value: object = None, *, seconds: object = None
    ) -> None: ...

    def heal(self, exchange: str | None = None, fault: str | None = None) -> None: ...

    def faults(self) -> dict[str, dict[str, dict[str, Value]]]: ...


class Control(Worker):
    """GET /faults, POST /faults {"exchange", "fault", "value", "seconds"}, DELETE /faults.

    A GET of /throw and /heal does the same from a query, for curl and browsers.
    """

    def __init__(self, board: Switchboard, port: int) -> None:
        super().__init__("sandbox-control")
        self.number = port
        self._board = board
        self._server: _Server | None = None

    def bind(self) -> None:
        """Raises: OSError where the port is taken."""
        self._server = _Server((LOOPBACK, self.number), _Request)
        self._server.board = self._board
        self.number = self._server.server_port

    def unbind(self) -> None:
        if self._server is not None:
            self._server.server_close()
            self._server = None

    def step(self) -> None:
        assert self._server is not None  # bound before the start
        self._server.handle_request()


class _Server(HTTPServer):
    timeout = 0.2
    allow_reuse_port = False
    board: Switchboard


class _Request(BaseHTTPRequestHandler):
    timeout = 0.5  # a client that says nothing must not hold the others up
    server: _Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in ("/", "/faults"):
            self._send(200, state(self.server.board))
        elif path == "/throw":
            self._do(self._throw, self._query())
        elif path == "/heal":
            self._do(self._heal, self._query())
        else:
            self._send(404, {"error": "there are /faults, /throw and /heal"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, BODY_LIMIT))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            self._send(400, {"error": f"expected a JSON object, got {shown(body)}"})
            return
        self._do(self._throw, asked)

    def do_DELETE(self) -> None:
        self._do(self._heal, self._query())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the requests are the operator's own."""

    def _throw(self, asked: dict[str, Any]) -> None:
        self.server.board.fault(str(asked.get("exchange")), str(asked.get("fault")),
                                asked.get("value"), seconds=asked.get("seconds"))

    def _heal(self, asked: dict[str, Any]) -> None:
        self.server.board.heal(asked.get("exchange"), asked.get("fault"))

    def _do(self, act: Any, asked: dict[str, Any]) -> None:
        try:
            act(asked)
        except ValueError as error:
            self._send(400, {"error": str(error)})
        else:
            self._send(200, state(self.server.board))

    def _query(self) -> dict[str, Any]:
        return dict(parse_qsl(urlsplit(self.path).query))

    def _send(self, status: int, answer: object) -> None:
        body = json.dumps(answer, indent=1).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def state(board: Switchboard) -> dict[str, Any]:
    """What is on, and what there is."""
    return {
        "on": board.faults(),
        "known": {name: explained(name) for name in FAULTS},
    }


def explained(name: str) -> str:
    """One line on a fault and the value it takes."""
    fault = FAULTS[name]
    if not fault.unit:
        return fault.explanation
    default = f"{fault.default:g}" if isinstance(fault.default, float) else fault.default
    usual = "must be named" if default is None else f"default {default}"
    return f"{fault.explanation} (value: {fault.unit}, {usual})"
