"""The connection to one source: frames -> parse -> store, without end and without a gap.

A connection that ends is opened again. One that is about to end is replaced before that: a second
one is opened, subscribed and compared with the first, which is closed once it is not needed.
"""

import logging
from collections.abc import Callable, Sequence
from time import monotonic, time

from bot.backoff import Backoff
from bot.causes import LossCause
from bot.errors import (
    ClosingSoon, ConnectError, ConnectionLost, ExchangeError, ImplausibleStamp, ParseError,
)
from bot.events import Publisher
from bot.exchanges.base import Exchange
from bot.feeds.complaints import Complaints
from bot.feeds.connection import READ_S, Connection, wait_for_any
from bot.feeds.dial import HANDSHAKE_S
from bot.feeds.drill import Drill, DrillFault
from bot.feeds.hosts import Hosts
from bot.feeds.intake import Intake, Reference, nobody
from bot.feeds.notices import Notices, next_attempt
from bot.feeds.planning import BETTER, MAX_AGE_S, Plan
from bot.feeds.session import Session
from bot.feeds.subscriptions import Subscriptions
from bot.feeds.succession import Succession
from bot.judging.journal import Journal
from bot.model import FeedHealth
from bot.store import LatestPrices
from bot.worker import Worker

log = logging.getLogger(__name__)

SETTLED_S = 30.0  # data for that long makes an earlier run of failures forgotten
STOPPED = "stopped"  # the reason of a disconnection that was asked for
SLICE_S = 0.1  # longest wait without a look at what is asked of the feed


class Feed(Worker):
    """The connection to one source, and the only thread that uses it; for short times two of them.

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
        reference: Reference = nobody,
        handshake_s: float = HANDSHAKE_S,
        max_connection_age_s: float = MAX_AGE_S,
        backoff: Backoff | None = None,
        retry: Backoff | None = None,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
        journal: Journal | None = None,
    ) -> None:
        """reference, journal: for its Intake. urls: the preferred one first. backoff: between
        attempts to connect; retry: to replace a connection, at max_connection_age_s at latest.
        """
        self.source = exchange.NAME
        super().__init__(f"feed-{self.source}")
        self._exchange = exchange
        self._subscriptions = subscriptions
        self._backoff = backoff or Backoff()
        self._mono = mono
        self._wall = wall
        self.intake = Intake(self.source, store, publisher, reference, mono, wall, journal)
        self._complaints = Complaints(self.source, publisher, mono, wall)
        self.tally = self._complaints.tally
        self._notices = Notices(self.source, publisher, self.tally, wall)
        self._hosts = Hosts([exchange.stream_url(url) for url in urls], handshake_s, mono)
        plan = Plan(max_connection_age_s, retry)
        self._succession = Succession(self.source, self._hosts, plan, self._open, self.intake)
        self._drill = Drill(mono)
        self._settled = False
        # read by other threads; each is one assignment by this thread
        self._session: Session | None = None
        self._connected_since: float | None = None
        self._messages_received = 0
        self._last_update: int | None = None
        self._detail = "not connected yet"

    def health(self) -> FeedHealth:
        """Thread: any."""
        session = self._session
        return FeedHealth(
            source=self.source, connected_since=self._connected_since,
            latency_s=session.latency_s(self._mono()) if session is not None else None,
            event_lag_s=self.intake.event_lag_s, clock_offset_s=self.intake.clock_offset_s,
            messages_received=self._messages_received, errors=self._complaints.count,
            last_update=self._last_update, detail=self._drill.in_words() or self._detail,
        )

    def drill(self, fault: DrillFault, seconds: float) -> None:
        """Behave for that long as if the network did this. Thread: any; it begins within 0.2 s.

        cut: the connection is lost, and none can be opened. silence: no data come, while pings are
        answered. Raises: ValueError for another fault.
        """
        self._drill.begin(fault, seconds)

    def end_drill(self) -> None:
        """Thread: any."""
        self._drill.end()

    def step(self) -> None:
        self._complaints.remind()
        try:
            if self._drill.fault() == "cut":
                self._end(self._drill.in_words() or "drill", "drill")
                self.stopping.wait(SLICE_S)
            elif self._session is None:
                self._connect()
            else:
                self._turn(self._session)
        except (ConnectError, ConnectionLost) as error:
            self._lost(error)

    def close(self) -> None:
        self._end(STOPPED)

    def _connect(self) -> None:
        if not self._hosts.dialling:
            if self._complaints.pause(self._hosts.pause_s(), self.stopping):
                return
            self._hosts.dial(self._hosts.in_turn())
        connection = self._hosts.poll(SLICE_S)
        if connection is not None:
            self._connected(self._open(connection))

    def _open(self, connection: Connection) -> Session:
        return Session(connection, self._hosts.url, self._exchange, self._subscriptions,
                       self._mono())

    def _connected(self, session: Session, since: float | None = None) -> None:
        """since: monotonic s, where that is not when it was opened."""
        self.intake.connected(session.opened_at)
        self._session, self._settled = session, False
        self._detail = "connected"
        self._connected_since = session.opened_at if since is None else since
        self._succession.plan.opened(session.opened_at)
        self._notices.connected()
        session.chores(session.opened_at)

    def _turn(self, session: Session) -> None:
        """Read what came, on two connections if there are two, and do what is due."""
        second = self._succession.second
        if second is None:
            now = self._serve(session)
        else:
            wait_for_any((session.connection, second.connection), READ_S)
            try:
                now = self._serve(session, wait=False)
            except ConnectionLost as error:
                return self._first_lost(session, second, error)
        try:
            if second is not None:
                now = self._serve(second, wait=False)
            if self._succession.advance(session, now):
                self._hand_over(session, self._succession.reason)
        except (ConnectError, ConnectionLost) as error:
            self._call_off(error)
        if not self._settled and session.data_at - session.opened_at >= SETTLED_S:
            self._settled = True
            self._backoff.reset()

    def _serve(self, session: Session, wait: bool = True) -> float:
        """Take what a connection brought, and do its chores. Returns: monotonic s."""
        frames = session.receive(wait)
        if frames:
            now, received_at = session.connection.heard_at, int(self._wall() * 1000)
            if self._drill.fault() == "silence":
                frames = [frame for frame in frames if frame == self._exchange.PONG]
            for frame in frames:
                self._take(session, frame, now, received_at)
        else:
            now = self._mono()
        session.chores(now)
        return now

    def _take(self, session: Session, frame: bytes, now: float, received_at: int) -> None:
        if frame == self._exchange.PONG:
            session.pings.answered(None, now)
            return
        try:
            updates = self._exchange.parse(frame, session.symbols, received_at, now)
            if updates and self._succession.overlap is not None:
                session.data_at = now  # what the other connection told before is a sign of life
                updates = self._succession.news(session, updates, now)
            if updates:
                if self.intake.take(updates, now):
                    session.data_at = now
                self._messages_received += len(updates)
                self._last_update = received_at
        except ClosingSoon as notice:
            if session is self._succession.second:
                raise ConnectionLost(str(notice)) from notice
            self._succession.plan.wish(str(notice).removeprefix(f"{self._exchange.NAME}: "))
        except (ParseError, ExchangeError, ImplausibleStamp) as error:
            self._complaints.tell(error)

    def _first_lost(self, first: Session, second: Session, error: ConnectionLost) -> None:
        """Go on with the second connection. Without a loss only if it has delivered already."""
        if second.data_at > second.opened_at:
            return self._hand_over(first, f"{self._succession.reason}; then lost: {error}")
        self._succession.second = None
        self._disconnected(str(error), error.cause)
        self._connected(second, self._mono())

    def _hand_over(self, first: Session, reason: str) -> None:
        self._session, overlap_s = self._succession.take_over(self._mono())
        first.close()
        self._notices.handed_over(reason, overlap_s)

    def _call_off(self, error: ConnectError | ConnectionLost) -> None:
        """The second connection came to nothing; the first one stays."""
        pause = self._succession.call_off(self._mono())
        reason = f"no second connection ({self._succession.reason}): {error}"
        if self._succession.reason == BETTER:
            log.debug("[%s] %s", self.source.upper(), reason)
        else:
            self._complaints.tell(ConnectError(reason, cause="second"), next_attempt(pause))

    def _end(self, reason: str, cause: LossCause | None = None) -> None:
        self._hosts.abandon()
        if self._session is not None:
            self._disconnected(reason, cause)

    def _lost(self, error: ConnectError | ConnectionLost) -> None:
        pause = 0.0  # where a second connection is being dialled it becomes the only one
        if not self._hosts.dialling:
            pause = max(self._backoff.next_s(), self._hosts.pause_s())
        if isinstance(error, ConnectionLost):
            self._disconnected(str(error), error.cause, pause)
        elif not self.stopping.is_set():
            self._detail = str(error)
            self._complaints.tell(error, next_attempt(pause))
        self._complaints.pause(pause, self.stopping)

    def _disconnected(
        self, reason: str, cause: LossCause | None, pause: float | None = None
    ) -> None:
        """cause: None when it was asked for."""
        self.intake.disconnected(self._mono())  # first: who sees it gone asks since when
        session, self._session, self._connected_since = self._session, None, None
        self._succession.end()
        if session is not None:
            session.close()
        self._detail = reason
        self._notices.ended(reason, cause, pause)
