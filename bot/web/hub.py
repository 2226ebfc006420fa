"""The live stream of /ws: one thread for all dashboards, and none of them can hold it up."""

import logging
import os
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec
from websockets.http11 import Request

from bot.logs.facts import facts
from bot.model import MarketDataUpdate
from bot.web import status
from bot.web.board import Board, Key
from bot.web.client import Client, text_frame
from bot.worker import Deadline, Worker

log = logging.getLogger(__name__)

GOODBYE_S = 0.5
RETRY_AFTER_S = 10
_encode = msgspec.json.Encoder().encode


class Limits(msgspec.Struct, frozen=True):
    """tick_s: shortest time between two values of a key. ping_s: time between pings. silent_s,
    stall_s: a client that sends, or takes, nothing for so long is dropped.
    """

    tick_s: float = 0.05
    ping_s: float = 20.0
    silent_s: float = 50.0
    stall_s: float = 10.0
    max_clients: int = 200


class Hub(Worker):
    """Sends each client the newest value of every key at most once a tick, and every event.

    What changed is encoded once a tick, into frames that all clients share. A client with unsent
    bytes is given nothing; the keys it misses are noted, and it gets their newest values at the
    first tick after it has drained. With no client nothing is encoded and the thread sleeps.

    `publish_update`, `publish_event`, `adopt` and `stop` may be called from any thread. `clients`
    (open now), `dropped` (had to go) and `lost_events` are for reading.
    """

    def __init__(
        self, limits: Limits = Limits(), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__("hub")
        self.clients = 0
        self.dropped = 0
        self._limits = limits
        self._clock = clock
        self._board = Board()
        self._frames: dict[Key, bytes] = {}
        self._selector = selectors.DefaultSelector()
        self._members: dict[int, Client] = {}
        self._owes = False  # some drained client has something to be sent at the next tick
        self._next_tick = self._next_sweep = 0.0

    @property
    def lost_events(self) -> int:
        return self._board.lost_events

    @property
    def waiting(self) -> int:
        """Values and events that were not taken up yet."""
        return self._board.waiting

    def publish_update(self, update: MarketDataUpdate) -> None:
        """Show `update` to all clients, unless a newer one of its key comes first."""
        self._board.update(update)

    def publish_event(self, kind: str, data: Mapping[str, object]) -> None:
        """Send `{"type": kind, "data": data}` once to every client connected now.

        Raises: TypeError when `data` cannot be written as JSON.
        """
        if self.clients:
            self._board.event(text_frame(_encode({"type": kind, "data": dict(data)})))

    def adopt(self, sock: socket.socket, request: Request) -> None:
        """Take over a connection whose handshake was received; once closed, close it instead."""
        if not self._board.arrive((sock, request), self._limits.max_clients):
            sock.close()

    def stop(self) -> None:
        super().stop()
        self._board.ring()
        if self._thread.ident is None:
            self.close()

    def open(self) -> None:
        self._selector.register(self._board.open_bell(), selectors.EVENT_READ)

    def step(self) -> None:
        self._serve(self._patience_s())
        now = self._clock()
        for sock, request in self._board.take_arrivals():
            self._welcome(sock, request, now)
        if (self._board.pending or self._owes) and now >= self._next_tick:
            self._tick(now)
        if self._members and now >= self._next_sweep:
            self._sweep(now)

    def close(self) -> None:
        self._board.close()
        for sock, _ in self._board.take_arrivals():
            sock.close()
        self._say_goodbye()
        self._board.close_bell()
        self._selector.close()

    def _patience_s(self) -> float | None:
        """How long there is nothing to do, None: until the bell rings."""
        if not self._members:
            return None
        due = self._next_sweep
        if self._board.pending or self._owes:
            due = min(due, self._next_tick)
        return max(0.0, due - self._clock())

    def _serve(self, timeout_s: float | None) -> None:
        """Read and write where it is possible, waiting for that up to `timeout_s`."""
        for key, mask in self._selector.select(timeout_s):
            client = self._members.get(key.fd)
            if client is None:
                os.eventfd_read(key.fd)
            elif mask & selectors.EVENT_READ and not self._hear(client):
                self._leave(client)
            else:
                self._flush(client)

    def _hear(self, client: Client) -> bool:
        try:
            return client.receive(self._clock())
        except OSError:
            return False

    def _flush(self, client: Client) -> bool:
        """Returns: whether the client is still there."""
        try:
            client.flush(self._clock())
            finished = client.done
        except OSError:
            finished = True
        if finished:
            self._leave(client)
            return False
        drained = client.drained
        self._selector.modify(client.sock,
                              selectors.EVENT_READ if drained else selectors.EVENT_WRITE)
        self._owes = self._owes or bool(drained and (client.behind or client.events))
        return True

    def _welcome(self, sock: socket.socket, request: Request, now: float) -> None:
        client = Client(sock, now)
        if self.clients < self._limits.max_clients:
            client.accept(request)
        else:
            client.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many dashboards are connected",
                          RETRY_AFTER_S)
        self._members[sock.fileno()] = client
        self._selector.register(sock, selectors.EVENT_READ)
        if self._flush(client) and client.open:
            client.behind = self._board.listen()
            self._owes = True
            self.clients += 1

    def _tick(self, now: float) -> None:
        changed, events = self._board.take()
        self._owes = False
        for key, update in changed.items():
            self._frames[key] = text_frame(_encode(status.websocket_update(update)))
        shared = b"".join([*events, *(self._frames[key] for key in changed)])
        for client in [member for member in self._members.values() if member.open]:
            if client.behind or client.events or not client.drained:
                self._catch_up(client, events, changed)
            elif shared:
                client.queue(shared)
                self._flush(client)
        self._next_tick = now + self._limits.tick_s

    def _catch_up(self, client: Client, events: list[bytes], changed: Mapping[Key, object]) -> None:
        """Note what a client that is not up to date misses now; send all of it when it drained."""
        self._board.count_lost(sum(client.note(event) for event in events))
        client.behind.update(changed)
        if client.drained:
            client.queue(b"".join([*client.events, *(self._frames[key] for key in client.behind)]))
            client.events.clear()
            client.behind.clear()
            self._flush(client)

    def _sweep(self, now: float) -> None:
        limits = self._limits
        for client in list(self._members.values()):
            reason = client.overdue(now, limits.stall_s, limits.silent_s)
            if reason is not None or now >= client.leave_by:
                self._leave(client)
                self.dropped += reason is not None
                why = reason or "it did not close"
                log.info("dashboard client dropped: %s", why,
                         extra=facts("client_dropped", reason=why))
            elif client.open and now - client.pinged_at >= limits.ping_s:
                client.ping(now)
                self._flush(client)
        self._next_sweep = now + min(1.0, limits.stall_s / 4, limits.ping_s / 4)

    def _leave(self, client: Client) -> None:
        del self._members[client.sock.fileno()]
        self._selector.unregister(client.sock)
        client.sock.close()
        self.clients = sum(member.open for member in self._members.values())
        if not self.clients:
            self._board.unlisten()
            self._owes = False

    def _say_goodbye(self) -> None:
        """1001 to every client, and up to GOODBYE_S for them to take it."""
        for client in list(self._members.values()):
            client.say_goodbye()
            self._flush(client)
        deadline = Deadline(GOODBYE_S)
        while self._members and not deadline.passed:
            self._serve(deadline.left_s)
        for client in list(self._members.values()):
            self._leave(client)
