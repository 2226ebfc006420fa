"""The stream of each exchange, opened and subscribed by the feeds' own code."""

import time
from collections.abc import Iterator

from bot.config import Config
from bot.doctor.finding import Report, fail
from bot.doctor.heard import NAME, Heard, told
from bot.doctor.place import Place, stream_places
from bot.doctor.rounds import Check
from bot.doctor.trouble import HANGS, network_remedy, refused
from bot.errors import ClosingSoon, ConnectError, ConnectionLost, ExchangeError, ParseError
from bot.feeds.connection import Connection
from bot.feeds.hosts import Hosts
from bot.feeds.session import Session
from bot.feeds.subscriptions import Subscriptions
from bot.worker import Deadline

HANDSHAKE_S = 8.0
WATCH_S = 6.0  # from the handshake on; the ticker of Binance comes every second
SECONDS = HANDSHAKE_S + WATCH_S + 1.0
SLICE_S = 0.1


def stream_checks(config: Config) -> Iterator[Check]:
    for place in stream_places(config):
        yield Check(NAME, place.subject, Stream(place, config).look, SECONDS, HANGS,
                    spare=not place.first)


class Stream:
    """One address. Thread: that of the check."""

    def __init__(self, place: Place, config: Config) -> None:
        self._place = place
        self._symbols = config.symbols
        self._old_s = config.max_source_latency_ms / 1000
        self._subscriptions = Subscriptions()
        for symbol in config.symbols:
            self._subscriptions.add(symbol, ("ticker", "trade"))
        self._heard = Heard(WATCH_S)

    def look(self, deadline: Deadline) -> Report:
        begun, place, heard = time.monotonic(), self._place, self._heard
        try:
            connection = self._connected(deadline)
        except ConnectError as error:
            return Report((fail(NAME, place.subject, *self._unopened(error)),))
        heard.opened_s = time.monotonic() - begun
        session = Session(connection, place.url, place.exchange, self._subscriptions,
                          time.monotonic())
        try:
            self._listen(session, deadline)
        except ConnectionLost as error:
            heard.lost = str(error)
        finally:
            session.close()
        findings = tuple(told(heard, place, self._symbols, self._old_s))
        return Report(findings, prices=heard.prices(place.exchange.NAME, self._old_s)
                      if place.first else ())

    def _connected(self, deadline: Deadline) -> Connection:
        """Raises: ConnectError."""
        url = self._place.exchange.stream_url(self._place.url)
        hosts = Hosts([url], HANDSHAKE_S)
        hosts.dial(url)
        while not deadline.passed:
            connection = hosts.poll(SLICE_S)
            if connection is not None:
                return connection
        hosts.abandon()
        raise ConnectError(f"{url}: no answer")

    def _unopened(self, error: ConnectError) -> tuple[str, str]:
        """Words and remedy."""
        place = self._place
        if error.status is not None:
            return refused(error.status, error.retry_after_s, place.exchange, place.setting)
        words = str(error).partition(": ")[2] or str(error)  # the subject names the host
        return words, network_remedy(words, place.setting)

    def _listen(self, session: Session, deadline: Deadline) -> None:
        """Until there is news of every symbol, or for WATCH_S. Raises: ConnectionLost."""
        heard, until = self._heard, Deadline(WATCH_S)
        while not (until.passed or deadline.passed or self._complete()):
            session.chores(time.monotonic())
            heard.subscribed_at = heard.subscribed_at or session.subscribed_at
            for frame in session.receive(wait=True):
                self._take(session, frame)

    def _complete(self) -> bool:
        heard = self._heard
        return heard.acknowledged_at is not None and (
            len(heard.fresh(self._old_s)) == len(self._symbols))

    def _take(self, session: Session, frame: bytes) -> None:
        exchange, heard, now = self._place.exchange, self._heard, time.monotonic()
        if heard.acknowledged_at is None and exchange.is_acknowledgement(frame):
            heard.acknowledged_at = now
        try:
            for update in exchange.parse(frame, session.symbols, int(time.time() * 1000), now):
                session.data_at = now
                heard.take(update)
        except ExchangeError as error:
            heard.refusals.append(str(error))
        except ClosingSoon:
            pass  # what it will do later is no fault now
        except ParseError as error:
            heard.unreadable.append(str(error))
