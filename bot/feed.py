"""One exchange connection: frames -> parse -> store, kept alive, and opened again when it ends."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from time import monotonic, time

from bot.backoff import Backoff
from bot.connection import Connection
from bot.dial import HANDSHAKE_S, Dial
from bot.errors import (
    BotError, ConnectError, ConnectionLost, ExchangeError, ImplausibleStamp, ParseError,
)
from bot.events import Publisher, SourceConnected, SourceDisconnected, SourceFault
from bot.exchanges.base import Exchange
from bot.folding import Fold
from bot.intake import Intake, Reference, nobody
from bot.model import FeedHealth
from bot.pacing import Pacer
from bot.pings import Pings
from bot.store import LatestPrices
from bot.subscriptions import Row, Subscriptions
from bot.worker import Worker

NO_DATA_S = 60.0  # a connection that answers pings and brings nothing is opened anew after this
SETTLED_S = 30.0  # data for that long makes an earlier run of failures forgotten
STRAY_DIALS = 3  # attempts that were left behind and still hang; with so many none is begun
CHORES_EVERY_S = 0.1
STOPPED = "stopped"  # the reason of a disconnection that was asked for
DIAL_SLICE_S = 0.1


class Feed(Worker):
    """The connection to one exchange, and the only thread that uses it.

    Whatever happens on the network becomes a pause and another attempt, without end. Frames that
    cannot be read are counted and change nothing else.
    """

    def __init__(
        self,
        exchange: Exchange,
        urls: Sequence[str],
        subscriptions: Subscriptions,
        store: LatestPrices,
        publisher: Publisher,
        *,
        name: str | None = None,
        reference: Reference = nobody,
        handshake_s: float = HANDSHAKE_S,
        backoff: Backoff | None = None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        """name: of the source, where that is not the exchange's own. reference: for its Intake."""
        self.source = name or exchange.NAME
        super().__init__(f"feed-{self.source}")
        self._exchange = exchange
        self._urls = [exchange.stream_url(url) for url in urls]
        self._not_before = dict.fromkeys(self._urls, 0.0)
        self._subscriptions = subscriptions
        self._publisher = publisher
        self._handshake_s = handshake_s
        self._backoff = backoff or Backoff()
        self._mono = mono
        self._wall = wall
        self.intake = Intake(self.source, store, publisher, reference, mono, wall)
        self._fold = Fold()
        self._pacer = Pacer(exchange.SENDS_PER_S)
        self._outbox: deque[str] = deque()
        self._connection: Connection | None = None
        self._subscribed: tuple[Row, ...] = ()
        self._symbols: Mapping[str, str] = {}
        self._strays: list[Dial] = []
        self._next_chores = 0.0
        self._data_at = 0.0
        self._settled = False
        # read by other threads; each is one assignment by this thread
        self._pings = Pings(0.0)
        self._connected_since: float | None = None
        self._messages_received = 0
        self._errors = 0
        self._last_update: int | None = None
        self._detail = "not connected yet"

    def health(self) -> FeedHealth:
        """Thread: any."""
        connection, latency = self._connection, None
        if connection is not None:
            latency = self._pings.round_trip_s(self._mono(), connection.heard_at)
        return FeedHealth(
            source=self.source, connected_since=self._connected_since, latency_s=latency,
            event_lag_s=self.intake.event_lag_s, clock_offset_s=self.intake.clock_offset_s,
            messages_received=self._messages_received,
            errors=self._errors, last_update=self._last_update, detail=self._detail,
        )

    def step(self) -> None:
        try:
            if self._connection is None:
                self._connect()
            else:
                self._read(self._connection)
        except (ConnectError, ConnectionLost) as error:
            self._lost(error)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._disconnected(STOPPED)

    def _connect(self) -> None:
        url = min(self._urls, key=lambda url: self._not_before[url])
        if self.stopping.wait(max(0.0, self._not_before[url] - self._mono())):
            return
        # a URL that was tried goes behind the others; a failure sends it further back
        self._not_before[url] = self._mono()
        self._strays = [stray for stray in self._strays if not stray.wait(0.0)]
        if len(self._strays) >= STRAY_DIALS:
            raise ConnectError(f"{url}: {len(self._strays)} attempts hang in name look-up")
        dial = Dial(url, self._handshake_s)
        while not dial.wait(DIAL_SLICE_S):
            if self.stopping.is_set():
                return dial.abandon()
            if dial.expired:
                dial.abandon()
                self._strays.append(dial)
                raise ConnectError(f"{url}: no answer within {self._handshake_s:g} s")
        try:
            connection = dial.connection()
        except ConnectError as error:
            if error.retry_after_s is not None:
                self._not_before[url] = self._mono() + error.retry_after_s
            raise
        self._connected(connection)

    def _connected(self, connection: Connection) -> None:
        now = self._mono()
        self._connection = connection
        self._subscribed, self._symbols = (), {}
        self._outbox.clear()
        self._pacer = Pacer(self._exchange.SENDS_PER_S)  # the limit is the connection's
        self.intake.connected()
        self._pings = Pings(now)
        self._next_chores = now
        self._data_at, self._settled = now, False
        self._detail = "connected"
        self._connected_since = now
        self._publisher.publish(
            "source_connected", SourceConnected(self.source, self._wall(), "connected"))
        self._chores(connection, now)

    def _read(self, connection: Connection) -> None:
        frames = connection.receive()
        if frames:
            now, received_at = connection.heard_at, int(self._wall() * 1000)
            for frame in frames:
                self._take(frame, now, received_at)
        else:
            now = self._mono()
        while connection.pongs:
            self._pings.answered(connection.pongs.popleft(), connection.heard_at)
        if now >= self._next_chores:
            self._chores(connection, now)

    def _take(self, frame: bytes, now: float, received_at: int) -> None:
        if frame == self._exchange.PONG:
            self._pings.answered(None, now)
            return
        try:
            updates = self._exchange.parse(frame, self._symbols, received_at, now)
            if updates:
                if self.intake.take(updates, now):
                    self._data_at = now
                self._messages_received += len(updates)
                self._last_update = received_at
        except (ParseError, ExchangeError, ImplausibleStamp) as error:
            self._fault(error)

    def _chores(self, connection: Connection, now: float) -> None:
        """What is due from time to time; the reading thread alone sends."""
        self._next_chores = now + CHORES_EVERY_S
        self._resubscribe()
        self._keep_alive(connection, now)
        while self._outbox and self._pacer.may_send(now):
            connection.send(self._outbox.popleft())
        if not self._settled and self._data_at - (self._connected_since or now) >= SETTLED_S:
            self._settled = True
            self._backoff.reset()
        if now - self._data_at > NO_DATA_S:
            raise ConnectionLost(f"no data for {NO_DATA_S:.0f} s on an open connection")

    def _resubscribe(self) -> None:
        wanted = self._subscriptions.rows
        if wanted is self._subscribed:
            return
        new = wanted[len(self._subscribed):]
        self._subscribed = wanted
        self._symbols = {self._exchange.native(symbol): symbol.name for symbol, _ in wanted}
        for kinds, rows in groupby(new, key=lambda row: row[1]):
            natives = [self._exchange.native(symbol) for symbol, _ in rows]
            self._outbox.extend(self._exchange.subscribe(natives, kinds))

    def _keep_alive(self, connection: Connection, now: float) -> None:
        if self._pings.overdue(now, connection.heard_at):
            raise ConnectionLost(f"nothing heard for {now - connection.heard_at:.0f} s, "
                                 f"no answer to a ping")
        if self._pings.due(now) and self._pacer.may_send(now):
            payload = b"%d" % int(now * 1000)
            if self._exchange.PING is None:
                connection.ping(payload)
            else:
                connection.send(self._exchange.PING)
            self._pings.sent(payload, now)

    def _lost(self, error: ConnectError | ConnectionLost) -> None:
        pause = max(self._backoff.next_s(), min(self._not_before.values()) - self._mono())
        if self._connection is not None:
            self._connection.close()
            self._disconnected(str(error), pause)
        elif not self.stopping.is_set():
            self._detail = str(error)
            self._fault(error, f"; next attempt in {pause:.0f} s")
        self.stopping.wait(pause)

    def _disconnected(self, reason: str, pause: float | None = None) -> None:
        self._connection = self._connected_since = None
        self.intake.disconnected()
        self._detail = reason
        after = "" if pause is None else f"; next attempt in {pause:.0f} s"
        self._publisher.publish(
            "source_disconnected", SourceDisconnected(self.source, self._wall(), reason + after))

    def _fault(self, error: BotError, after: str = "") -> None:
        self._errors += 1
        # unreadable frames come in many kinds at once, and the first one tells enough
        kinds = {ParseError: "unreadable", ImplausibleStamp: "stamp"}
        kind = kinds.get(type(error), str(error))
        count = self._fold.count(kind, self._mono())
        if count:
            reason = str(error).removeprefix(f"{self.source}: ")
            if isinstance(error, ParseError):
                reason = f"unreadable frame: {reason}"
            self._publisher.publish(
                "source_error", SourceFault(self.source, self._wall(), reason + after, count))
