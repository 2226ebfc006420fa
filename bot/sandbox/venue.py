"""One practice exchange: its listings, its clients, what is pushed to them and what goes wrong."""

import math
import threading
import time
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

from websockets.http11 import Request, Response

from bot.sandbox import junk
from bot.sandbox.audience import Audience
from bot.sandbox.client import Client, Limit
from bot.sandbox.faults import FAULTS, Switches, checked
from bot.sandbox.market import Listing
from bot.sandbox.port import Port
from bot.sandbox.rest_desk import RestDesk
from bot.sandbox.side import Answer, Kind, Push, Session, Side, http_response
from bot.sandbox.speech import Lips
from bot.sandbox.transport import Post
from bot.symbols import parse_symbol

CLOSE_TIMEOUT_S = 0.5


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Venue:
    """Serves one exchange on two ports, so that its REST lives on while its streams are down."""

    def __init__(
        self, name: str, side: Side, listings: Sequence[Listing], post: Post,
        ports: tuple[int, int], snapshot_age_s: float, idle_s: float | None, ping_s: float | None,
    ) -> None:
        self.side = side
        self.switches = Switches()
        self.listings = {listing.symbol.name: listing for listing in listings}
        self.catalogue = side.catalogue(self.listings)
        self.received: list[tuple[float, str]] = []
        self.close_codes: list[int] = []
        self.violations = 0
        self.rest = RestDesk(side, self.switches, self.listings)
        self.subscribed = threading.Event()
        self.recorded: set[str] = set()  # topics of a record, which holds their first pushes
        self._snapshot_age_ms = int(snapshot_age_s * 1000)
        self._idle_s = idle_s
        self._audience = Audience(side, self.switches, self.listings)
        self.lock = self._audience.lock
        self._running = False
        self._lips = Lips(self.switches, self.listings, name)
        handlers: dict[str, Any] = {
            "handler": self._serve, "process_request": self._greet, "compression": None,
            "create_connection": self._client, "open_timeout": None, "ping_interval": ping_s,
            "ping_timeout": 60, "close_timeout": CLOSE_TIMEOUT_S,
        }
        self.stream_port = Port(f"sandbox-{name}-ws", ports[0], self.switches, post, handlers)
        self.rest_port = Port(f"sandbox-{name}-rest", ports[1], Switches(), post, handlers)

    def open(self) -> None:
        self.rest_port.open()
        self.stream_port.open()
        self._running = True

    def close(self) -> None:
        self._running = False
        self.stream_port.close()
        self.rest_port.close()

    @property
    def clients(self) -> list[Client]:
        return self._audience.clients

    def listed(self, symbol: str) -> str:
        """The canonical name of a symbol. Raises: ValueError where it is not traded here."""
        name = parse_symbol(symbol).name
        if name not in self.listings:
            raise ValueError(f"{name} is not here; there are {', '.join(self.listings)}")
        return name

    def last_price(self, symbol: str) -> float:
        """What clients were last told; the start price when they were told nothing yet."""
        return self._audience.told.get(symbol, self.listings[symbol].price)

    def show(self, kind: Kind, symbol: str) -> int:
        """Push the listing as it stands. Returns: how many clients it was sent to."""
        sent = 0
        listing = self._lips.message(kind, symbol)
        for topic, build in self.side.frames(kind, listing):
            if self.wanted(topic):
                price = None if kind == "book" else listing.price
                sent += self.push(Push(topic, symbol, build(listing), price))
        return sent

    def wanted(self, topic: str) -> bool:
        return self._audience.wanted(topic)

    def push(self, push: Push, everyone: bool = False) -> int:
        return self._audience.push(push, everyone)

    def broadcast(self, frame: str | bytes) -> int:
        return self._audience.broadcast(frame)

    def fault(self, name: str, value: object = None, seconds: object = None) -> None:
        """Throw a switch. Raises: ValueError, naming what there is."""
        wanted, duration = checked(name, value, seconds)
        if FAULTS[name].unit == "symbol":
            wanted = self.listed(str(wanted))
        if FAULTS[name].once:
            self._happen(name, wanted)
            return
        with self.lock:
            self._lips.begins(name)
            self._audience.order.begins(name, wanted)
            self.rest.begins(name, now_ms())
            self.switches.throw(name, wanted, duration)
        if name == "refuse" and self._running:
            self.stream_port.refuse()

    def heal(self, fault: str | None = None) -> None:
        """Raises: ValueError for a fault that does not exist."""
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"unknown fault {fault!r}; there are {', '.join(FAULTS)}")
        self.switches.heal(fault)
        self.settle()

    def settle(self) -> None:
        """Bring the port to what the switches say, after some were healed."""
        if self._running and not self.switches.on("refuse"):
            self.stream_port.open()

    def _happen(self, name: str, value: object) -> None:
        if name == "cut":
            self.stream_port.cut()
        elif name == "huge":
            frame = junk.huge()
            for client in self.clients:
                client.push(frame)
        elif name == "notice" and isinstance(value, float):
            for client in self.clients:
                client.push(self.side.notice(client.session, now_ms()))
                client.closing_mono = time.monotonic() + value if value else math.inf
        elif isinstance(value, float):
            for client in self.clients:
                client.ending = (int(value), "service upgrade")

    def _client(self, *args: Any, **options: Any) -> Client:
        limit = Limit(self.side.MESSAGES_PER_S, self.side.COUNTS_CONTROL_FRAMES, self._violated)
        return Client(limit, *args, **options)

    def _violated(self) -> bool:
        """Returns: whether the exchange drops the client for it."""
        self.violations += 1
        return self.side.DROPS_FAST_CLIENTS

    def _greet(self, connection: Any, request: Request) -> Response | None:
        """The answer to a plain GET or a refused handshake; None: go on as a WebSocket."""
        client: Client = connection
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return http_response(self.rest.answer(request.path, client.wire.gone, now_ms))
        if self.switches.on("reject"):
            status = int(self.switches.number("reject"))
            return http_response(Answer(b"{}", status, 5 if status in (418, 429) else None))
        session = self.side.session(request.path, uuid.uuid4().hex[:8])
        if session is None:
            return http_response(Answer(b"{}", 404))
        client.session = session
        client.deaf = self.switches.on("deaf")
        return None

    def _serve(self, connection: Any) -> None:
        """A client's life, on its own thread."""
        client: Client = connection
        self._audience.enter(client)
        try:
            if client.session.topics:
                self.subscribed.set()
            for text in client.messages(partial(self._on_turn, client)):
                self.received.append((time.monotonic(), text))
                self._answer(client, client.session, text)
        finally:
            self._audience.leave(client)
            code = client.close_code_received
            if code is not None:
                self.close_codes.append(code)

    def _answer(self, client: Client, session: Session, text: str) -> None:
        with self.lock:
            reply = self.side.reply(session, text, self.catalogue)
            listings = {name: self._lips.told(one) for name, one in self.listings.items()}
            trade_ms = self._lips.stamp(now_ms() - self._snapshot_age_ms)
            for frame in reply.frames:
                client.push(frame)
            for topic in reply.added:
                first = self.side.first(topic, listings, trade_ms)
                if first is not None and topic not in self.recorded:
                    self._audience.push_first(first, client)
            session.topics.update(dict.fromkeys(reply.added))
            for topic in reply.removed:
                session.topics.pop(topic, None)
        if reply.added:
            self.subscribed.set()

    def _on_turn(self, client: Client) -> None:
        """Several times a second, on the client's thread."""
        now = time.monotonic()
        if self.switches.on("flap"):
            age_s = min(now - client.opened_mono, self.switches.lasted_s("flap"))
            if age_s >= self.switches.number("flap"):
                client.wire.drop()
        idle_s = now - client.sent_mono
        if self._idle_s is not None and idle_s > self._idle_s and not self.switches.on("mute"):
            client.ending = (4004, "No data received in 30s")
