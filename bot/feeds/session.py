"""One open connection with its subscriptions, its pings and what it has yet to send.

Everything here is for the one thread that reads the connection.
"""

from collections import deque
from collections.abc import Mapping
from itertools import groupby

from bot.errors import ConnectionLost
from bot.exchanges.base import Exchange
from bot.feeds.connection import Connection
from bot.feeds.pacing import Pacer
from bot.feeds.pings import Pings
from bot.feeds.subscriptions import Row, Subscriptions
from bot.model import UpdateType

NO_DATA_S = 60.0  # a connection that answers pings and brings nothing is opened anew after this
CHORES_EVERY_S = 0.1


class Session:
    """A connection that keeps itself subscribed and alive.

    url: where it leads. opened_at: monotonic s. data_at: monotonic s of its last data, or of its
    opening. symbols: native spelling -> canonical, of what it is subscribed to. keys: what it has
    asked for, by symbol and type. subscribed_at: monotonic s at which the last request for a
    subscription went out; None while one waits.
    """

    def __init__(
        self, connection: Connection, url: str, exchange: Exchange,
        subscriptions: Subscriptions, now: float,
    ) -> None:
        self.connection = connection
        self.url = url
        self.opened_at = self.data_at = now
        self.symbols: Mapping[str, str] = {}
        self.keys: tuple[tuple[str, UpdateType], ...] = ()
        self.subscribed_at: float | None = None
        self.pings = Pings(now)
        self._exchange = exchange
        self._subscriptions = subscriptions
        self._rows: tuple[Row, ...] = ()
        self._outbox: deque[str] = deque()
        self._pacer = Pacer(exchange.SENDS_PER_S)  # the limit is the connection's
        self._next_chores = now

    def receive(self, wait: bool) -> list[bytes]:
        """As Connection.receive, and pongs are counted. Raises: ConnectionLost."""
        connection = self.connection
        frames = connection.receive(wait)
        while connection.pongs:
            self.pings.answered(connection.pongs.popleft(), connection.heard_at)
        return frames

    def latency_s(self, now: float) -> float | None:
        """Thread: any."""
        return self.pings.round_trip_s(now, self.connection.heard_at)

    def chores(self, now: float) -> None:
        """What is due from time to time. Raises: ConnectionLost, also when it has gone dead."""
        if now < self._next_chores:
            return
        self._next_chores = now + CHORES_EVERY_S
        self._subscribe()
        while self._outbox and self._pacer.may_send(now):
            self.connection.send(self._outbox.popleft())
        if not self._outbox and self.subscribed_at is None:
            self.subscribed_at = now
        self._keep_alive(now)
        if now - self.data_at > NO_DATA_S:
            raise ConnectionLost(f"no data for {NO_DATA_S:.0f} s on an open connection", "no_data")

    def close(self) -> None:
        self.connection.close()

    def _subscribe(self) -> None:
        wanted = self._subscriptions.rows
        if wanted is self._rows:
            return
        new = wanted[len(self._rows):]
        self._rows = wanted
        self.subscribed_at = None
        self.symbols = {self._exchange.native(symbol): symbol.name for symbol, _ in wanted}
        self.keys = tuple((symbol.name, kind) for symbol, kinds in wanted for kind in kinds)
        for kinds, rows in groupby(new, key=lambda row: row[1]):
            natives = [self._exchange.native(symbol) for symbol, _ in rows]
            self._outbox.extend(self._exchange.subscribe(natives, kinds))

    def _keep_alive(self, now: float) -> None:
        heard_at = self.connection.heard_at
        if self.pings.overdue(now, heard_at):
            raise ConnectionLost(
                f"nothing heard for {now - heard_at:.0f} s, no answer to a ping", "no_pong")
        if self.pings.due(now) and self._pacer.may_send(now):
            payload = b"%d" % int(now * 1000)
            if self._exchange.PING is None:
                self.connection.ping(payload)
            else:
                self.connection.send(self._exchange.PING)
            self.pings.sent(payload, now)
