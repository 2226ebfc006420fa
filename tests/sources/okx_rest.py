"""A real HTTP server on loopback that answers as OKX's REST ticker does, or as a test wishes."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TS = 1_790_000_000_000

Reply = tuple[int, dict[str, str], bytes]


def ticker(last: str = "61234.5", ts: int = TS, native: str = "BTC-USDT") -> Reply:
    row = {"instType": "SPOT", "instId": native, "last": last, "lastSz": "0.01", "askPx": "61234.6",
           "bidPx": "61234.4", "vol24h": "4321.5", "volCcy24h": "99", "ts": str(ts)}
    return 200, {}, json.dumps({"code": "0", "msg": "", "data": [row]}).encode()


def refusal(code: str, msg: str) -> Reply:
    return 200, {}, json.dumps({"code": code, "msg": msg, "data": []}).encode()


def status(number: int, **headers: str) -> Reply:
    return number, {name.replace("_", "-"): text for name, text in headers.items()}, b"busy"


class Okx(ThreadingHTTPServer):
    """Gives the replies in turn, the last one for ever, and notes what was asked for."""

    def __init__(self, *replies: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.replies = list(replies) or [ticker()]
        self.asked: list[str] = []
        self.paths: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    server: Okx

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.paths.add(parts.path)
        self.server.asked.append(parse_qs(parts.query)["instId"][0])
        replies = self.server.replies
        number, headers, body = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(number)
        for name, text in headers.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def okx(*replies: Reply) -> Iterator[Okx]:
    server = Okx(*replies)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
