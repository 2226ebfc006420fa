"""One practice exchange: its listings, its clients, what is pushed to them and what goes wrong."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from websockets.http11 import Request, Response

from bot.sandbox import junk
from bot.sandbox.client import Client, Limit
from bot.sandbox.faults import FAULTS, Switches, checked
from bot.sandbox.market import Listing
from bot.sandbox.port import Port
from bot.sandbox.side import Answer, Kind, Listings, Push, Session, Side, http_response, split_path
from bot.sandbox.transport import Post
from bot.symbols import parse_symbol

CLOSE_TIMEOUT_S = 0.5


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Venue:
    """Serves one exchange on two ports, so that its REST lives on while its streams are down."""

    def __init__(
        self, side: Side, listings: Sequence[Listing], post: Post, ports: tuple[int, int],
        snapshot_age_s: float, idle_s: float | None, ping_s: float | None,
    ) -> None:
        self.side = side
        self.switches = Switches()
        self.listings = {listing.symbol.name: listing for listing in listings}
        self.catalogue = side.catalogue(self.listings)
        self.received: list[tuple[float, str]] = []
        self.close_codes: list[int] = []
        self.counts: Counter[str] = Counter()  # violations, rest
        self.subscribed = threading.Event()
        self.recorded: set[str] = set()  # topics of a record, which holds their first pushes
        self._snapshot_age_ms = int(snapshot_age_s * 1000)
        self._idle_s = idle_s
        # Held while a client is answered and while something is pushed, so that nothing overtakes
        # an acknowledgement or a first push. A wire never blocks, so sending under it is harmless.
        self.lock = threading.RLock()
        self._clients: list[Client] = []
        self._running = False
        self._last: dict[str, Push] = {}
        self._told: dict[str, float] = {}
        self._junk: dict[Client, Iterator[tuple[bytes, bool]]] = {}
        handlers: dict[str, Any] = {
            "handler": self._serve, "process_request": self._greet, "compression": None,
            "create_connection": self._client, "open_timeout": None, "ping_interval": ping_s,
            "ping_timeout": 60, "close_timeout": CLOSE_TIMEOUT_S,
        }
        name = f"sandbox-{side.NAME}"
        self.stream_port = Port(f"{name}-ws", ports[0], self.switches, post, handlers)
        self.rest_port = Port(f"{name}-rest", ports[1], Switches(), post, handlers)

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
        with self.lock:
            return list(self._clients)

    def last_price(self, symbol: str) -> float:
        """What clients were last told; the start price when they were told nothing yet."""
        return self._told.get(symbol, self.listings[symbol].price)

    def show(self, kind: Kind, symbol: str) -> int:
        """Push the listing as it stands. Returns: how many clients it was sent to."""
        listing = self._streamed()[symbol]
        sent = 0
        for topic, build in self.side.frames(kind, listing):
            if self.wanted(topic):
                price = None if kind == "book" else listing.price
                sent += self.push(Push(topic, symbol, build(listing), price))
        return sent

    def wanted(self, topic: str) -> bool:
        return any(topic in client.session.topics for client in self._clients)

    def push(self, push: Push, everyone: bool = False) -> int:
        """Send to those who subscribed, as far as the faults allow. Returns: to how many."""
        with self.lock:
            targets = [client for client in self._clients
                       if everyone or push.topic in client.session.topics]
            return self._push(push, targets)

    def broadcast(self, frame: str | bytes) -> int:
        """Send as it is to every connection, a str as text and bytes as binary."""
        return sum(client.push(frame, text=isinstance(frame, str)) for client in self.clients)

    def fault(self, name: str, value: object = None, seconds: object = None) -> None:
        """Throw a switch. Raises: ValueError, naming what there is."""
        wanted, duration = checked(name, value, seconds)
        if isinstance(wanted, str):
            wanted = parse_symbol(wanted).name
            if wanted not in self.listings:
                raise ValueError(f"symbol: {wanted} is not here; there are "
                                 + ", ".join(self.listings))
        if FAULTS[name].once:
            self._happen(name, wanted)
            return
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

    def _streamed(self) -> Listings:
        """The listings as the streams tell them; REST goes on with the true ones."""
        wrong = self.switches.number("wrong")
        if not wrong:
            return self.listings
        return {name: listing.scaled(1 + wrong / 100) for name, listing in self.listings.items()}

    def _happen(self, name: str, value: object) -> None:
        if name == "cut":
            self.stream_port.cut()
        elif name == "huge":
            frame = junk.huge()
            for client in self.clients:
                client.push(frame)
        elif isinstance(value, float):
            for client in self.clients:
                client.ending = (int(value), "service upgrade")

    def _push(self, push: Push, targets: Sequence[Client]) -> int:
        if self.switches.on("silence") or self.switches.text("symbol") == push.symbol:
            return 0
        if self.switches.on("repeat"):
            push = self._last.get(push.topic, push)
        sent = [client for client in targets if client.push(self._wrapped(client, push))]
        if sent:
            self._last[push.topic] = push
            if push.price is not None:
                self._told[push.symbol] = push.price
            if self.switches.on("junk"):
                for client in sent:
                    self._push_junk(client)
        return len(sent)

    def _wrapped(self, client: Client, push: Push) -> bytes:
        return self.side.wrapped(client.session, push)

    def _push_junk(self, client: Client) -> None:
        if client not in self._junk:
            listing = next(iter(self.listings.values()))
            self._junk[client] = junk.frames(self.side, client.session, listing)
        frame, text = next(self._junk[client])
        client.push(frame, text=text)

    def _client(self, *args: Any, **options: Any) -> Client:
        limit = Limit(self.side.MESSAGES_PER_S, self.side.COUNTS_CONTROL_FRAMES, self._violated)
        return Client(limit, *args, **options)

    def _violated(self) -> bool:
        """Returns: whether the exchange drops the client for it."""
        self.counts["violations"] += 1
        return self.side.DROPS_FAST_CLIENTS

    def _greet(self, connection: Any, request: Request) -> Response | None:
        """The answer to a plain GET or a refused handshake; None: go on as a WebSocket."""
        client: Client = connection
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return http_response(self._rest(client, request.path))
        if self.switches.on("reject"):
            status = int(self.switches.number("reject"))
            return http_response(Answer(b"{}", status, 5 if status in (418, 429) else None))
        session = self.side.session(request.path, uuid.uuid4().hex[:8])
        if session is None:
            return http_response(Answer(b"{}", 404))
        client.session = session
        return None

    def _rest(self, client: Client, path: str) -> Answer:
        self.counts["rest"] += 1
        while self.switches.on("rest_hang") and not client.wire.gone.wait(0.05):
            pass
        client.wire.gone.wait(self.switches.number("rest_slow") / 1000)
        for status in (429, 503):
            if self.switches.on(f"rest{status}"):
                return self.side.rest_fault(status, int(self.switches.number("rest429")))
        place, query = split_path(path)
        return self.side.rest(place, query, self.listings, now_ms())

    def _serve(self, connection: Any) -> None:
        """A client's life, on its own thread."""
        client: Client = connection
        with self.lock:
            self._clients.append(client)
        try:
            if client.session.topics:
                self.subscribed.set()
            for text in client.messages(partial(self._check_idle, client)):
                self.received.append((time.monotonic(), text))
                self._answer(client, client.session, text)
        finally:
            with self.lock:
                self._clients.remove(client)
                self._junk.pop(client, None)
            code = client.close_code_received
            if code is not None:
                self.close_codes.append(code)

    def _answer(self, client: Client, session: Session, text: str) -> None:
        with self.lock:
            reply = self.side.reply(session, text, self.catalogue)
            listings, trade_ms = self._streamed(), now_ms() - self._snapshot_age_ms
            for frame in reply.frames:
                client.push(frame)
            for topic in reply.added:
                first = self.side.first(topic, listings, trade_ms)
                if first is not None and topic not in self.recorded:
                    self._push(first, [client])
            session.topics.update(dict.fromkeys(reply.added))
            for topic in reply.removed:
                session.topics.pop(topic, None)
        if reply.added:
            self.subscribed.set()

    def _check_idle(self, client: Client) -> None:
        idle_s = time.monotonic() - client.sent_mono
        if self._idle_s is not None and idle_s > self._idle_s and not self.switches.on("mute"):
            client.ending = (4004, "No data received in 30s")
