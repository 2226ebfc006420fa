"""Stand-ins for the daemon, and ways to talk to a real server on loopback."""

import socket
from typing import Any

import msgspec
import websocket
from prometheus_client import CollectorRegistry

from bot.drills.rehearsal import Drills, DrillState, Stage
from bot.drills.witness import Report
from bot.errors import NoQuote
from bot.incidents.ledger import Ledger
from bot.judging.explanation import Explanation
from bot.model import (
    AlertStatus, LinkStatus, MarketDataUpdate, ProcessStatus, Quote, RecordStatus, SourceStatus,
    UpdateType,
)
from bot.record.analyst import Analyst
from bot.record.snapshots import Snapshots
from bot.trail.trail import Trail
from tests.helpers import Clock

LOOPBACK = "127.0.0.1"
PATIENCE_S = 10.0
HANDSHAKE = {"Host": "localhost", "Connection": "Upgrade", "Upgrade": "websocket",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}


REPORT = Report(
    active_before="binance", active_during="okx", active_after="binance", unfit_after_ms=3.4,
    switched_after_ms=12.4, price_step_bps=-0.51239, blackout_any_ms=0.0, blackout_trusted_ms=5.1,
    worst_age_ms=312.6, statuses={"trusted": 20_300.2, "none": 5.1}, came_back=True,
    back_after_ms=10_310.0, samples=4_000, interrupted=False)


class FakeDrills(Drills):
    """Drills of which a test sets the outcome; a drill that is begun goes on for ever."""

    def __init__(self, view: "FakeView") -> None:
        super().__init__(Stage("BTCUSDT", {}, lambda: None, lambda _: True, view.quote, 0.0),
                         view.ledger)
        self.fault: Exception | None = None
        self.told: DrillState | None = DrillState(
            "done", "binance", "cut", 10.0, "BTCUSDT", 1704067200.5, REPORT)

    def begin(self, source: str, fault: str, seconds: float) -> DrillState:
        if self.fault is not None:
            raise self.fault
        self.told = DrillState("running", source, fault, seconds, "BTCUSDT", 1704067200.5, None)
        return self.told

    def state(self) -> DrillState | None:
        return self.told


class FakeView:
    """A View whose answers a test sets; a symbol without a quote has no price."""

    def __init__(self) -> None:
        self.instance = "primary"
        self.symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT")
        self.feeds_enabled = True
        self.active_source: str | None = "binance"
        self.healthy = True
        self.statuses = [
            SourceStatus("binance", True, 87, 1704067200000, 15234, 0),
            SourceStatus("okx", True, 142, 1704067199500, 12891, 1),
        ]
        self.quotes: dict[str, Quote] = {"BTCUSDT": quote(), "ETHUSDT": quote("ETHUSDT")}
        self.reasons = {"websocket": "nothing received", "okx": "timed out"}
        self.explanation: Explanation | None = None
        self.mono = Clock(0.0)
        self.ledger = Ledger(self.instance, self.symbols, ("binance", "okx"), mono=self.mono,
                             wall=lambda: 1704067200.0 + self.mono.now)
        self.drills = FakeDrills(self)
        self.analyst = Analyst()
        self.snapshots = Snapshots()
        self.registry = CollectorRegistry()
        self.links: list[LinkStatus] = []
        self.record: RecordStatus | None = None
        self.alerts = AlertStatus("warning")
        self.trail = Trail(self.symbols, ("binance", "okx"), 1.0, self.mono,
                           lambda: 1704067200.0 + self.mono.now)
        self.process = ProcessStatus(
            mode="simulation", started_at=1704067200.0, uptime_s=0.0, dashboards=1,
            dashboards_dropped=0, lost_events=0, log_dropped=0)
        self.tiers: dict[str, str | None] = {
            "websocket": None, "kafka": "switched off (ENABLE_KAFKA)", "okx": None, "mock": None}

    def ask(self, symbol: str) -> tuple[Quote | None, dict[str, str]]:
        found = self.quotes.get(symbol)
        return found, {} if found else self.reasons

    def source_statuses(self) -> list[SourceStatus]:
        return self.statuses

    def explain(self, symbol: str) -> Explanation | None:
        return self.explanation

    def quote(self, symbol: str, max_age_s: float | None = None) -> Quote:
        found = self.quotes.get(symbol)
        if found is None:
            raise NoQuote("every tier was passed over", self.reasons)
        if max_age_s is not None and (
                found.age_s > max_age_s or found.synthetic or not found.trusted):
            raise NoQuote("no price is good enough", {"websocket": "too old"})
        return found


def quote(symbol: str = "BTCUSDT", **changes: Any) -> Quote:
    whole = Quote(
        symbol=symbol, price=50000.1, bid=50000.0, ask=50000.2, volume=12345.6,
        source="websocket", exchange="binance", timestamp=1704067200000,
        received_at=1704067200087, age_s=0.12, trusted=True, reason="active source is fresh",
        status="trusted", confidence=12.5, sources_used=("binance", "okx"))
    return msgspec.structs.replace(whole, **changes)


def update(price: float = 1.0, symbol: str = "BTCUSDT", exchange: str = "binance",
           kind: UpdateType = "ticker") -> MarketDataUpdate:
    return MarketDataUpdate(exchange, symbol, kind, price, 2.0, 0.5, 1.5, 1704067200000,
                            1704067200087, 1.0)


def exchange(port: int, request: bytes, host: str = LOOPBACK) -> bytes:
    """Send `request` raw. Returns: all that comes back until the server closes."""
    with socket.create_connection((host, port), timeout=PATIENCE_S) as sock:
        sock.sendall(request)
        return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionError:  # a reset after the answer is an end, too
        pass
    return received


def get(port: int, path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return exchange(port, ("\r\n".join(lines) + "\r\n\r\n").encode())


def handshake(*headers: str, host: str = "Host: localhost", path: str = "/ws") -> bytes:
    usual = [f"{name}: {value}" for name, value in HANDSHAKE.items() if name != "Host"]
    lines = [f"GET {path} HTTP/1.1", host, *usual, *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Dashboard:
    """A WebSocket client that leaves no socket behind."""

    def __init__(self, port: int, **options: Any) -> None:
        self.ws = websocket.create_connection(
            f"ws://{LOOPBACK}:{port}/ws", timeout=PATIENCE_S, **options)

    def __enter__(self) -> "Dashboard":
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.shutdown()  # type: ignore[no-untyped-call]

    def next(self) -> Any:
        return msgspec.json.decode(self.ws.recv())

    def next_data(self) -> Any:
        return self.next()["data"]

    def close_code(self) -> int:
        """Read on until the server closes; its code."""
        while True:
            opcode, data = self.ws.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")
