"""The clients of one practice exchange, and what is sent to them."""

import threading
from collections.abc import Iterator, Sequence

from bot.sandbox import junk
from bot.sandbox.client import Client
from bot.sandbox.faults import Switches
from bot.sandbox.side import Listings, Push, Side
from bot.sandbox.speech import Order


class Audience:
    """Any thread may push. A wire never blocks, so sending under the lock is harmless.

    lock: held while a client is answered and while something is pushed, so that nothing overtakes
    an acknowledgement or a first push. told: by symbol, the last price that anyone was sent.
    """

    def __init__(self, side: Side, switches: Switches, listings: Listings) -> None:
        self.lock = threading.RLock()
        self.order = Order(switches)
        self.told: dict[str, float] = {}
        self._side = side
        self._switches = switches
        self._listings = listings
        self._clients: dict[Client, Iterator[tuple[bytes, bool]]] = {}  # each with its junk

    @property
    def clients(self) -> list[Client]:
        with self.lock:
            return list(self._clients)

    def enter(self, client: Client) -> None:
        listing = next(iter(self._listings.values()))
        with self.lock:
            self._clients[client] = junk.frames(self._side, client.session, listing)

    def leave(self, client: Client) -> None:
        with self.lock:
            del self._clients[client]

    def wanted(self, topic: str) -> bool:
        with self.lock:
            return any(topic in client.session.topics for client in self._clients)

    def push(self, push: Push, everyone: bool = False) -> int:
        """Send to those who subscribed, as far as the faults allow. Returns: to how many."""
        with self.lock:
            targets = [client for client in self._clients if self._served(client)
                       and (everyone or push.topic in client.session.topics)]
            sent = [self._send(one, targets) for one in self.order.messages(push)]
            return max(sent, default=0)

    def push_first(self, push: Push, client: Client) -> None:
        """What one client gets because it has subscribed."""
        with self.lock:
            said = self.order.instead(push)
            if said is not None and self._served(client):
                self._send(said, [client], first=True)

    def broadcast(self, frame: str | bytes) -> int:
        """Send as it is to every connection, a str as text and bytes as binary."""
        return sum(client.push(frame, text=isinstance(frame, str)) for client in self.clients)

    def _served(self, client: Client) -> bool:
        return not (client.deaf and self._switches.on("deaf"))

    def _send(self, push: Push, targets: Sequence[Client], first: bool = False) -> int:
        sent = [client for client in targets
                if client.push(self._side.wrapped(client.session, push))]
        if sent:
            self.order.sent(push, first)
            if push.price is not None:
                self.told[push.symbol] = push.price
            if self._switches.on("junk"):
                for client in sent:
                    frame, text = next(self._clients[client])
                    client.push(frame, text=text)
        return len(sent)
