"""How the current connection of a source is replaced by a second one, without a gap."""

import logging
from collections.abc import Callable, Sequence

from bot.errors import ConnectError, ConnectionLost
from bot.feeds.connection import Connection
from bot.feeds.handover import NEW, OLD, Overlap
from bot.feeds.hosts import Hosts
from bot.feeds.intake import Intake
from bot.feeds.planning import BETTER, Plan
from bot.feeds.session import Session
from bot.logs.facts import facts
from bot.model import MarketDataUpdate

log = logging.getLogger(__name__)

TRIAL_S = 30.0  # a second connection that is not good by then is given up


class Succession:
    """One attempt at a time: dial, subscribe, compare with the current connection, take over.

    second: the second connection while there is one. overlap: what two connections told, also for
    a while after one of them is gone. reason: of the attempt under way, or of the last. All of it
    is for the feed's thread, which reads both connections.
    """

    def __init__(
        self, source: str, hosts: Hosts, plan: Plan, open: Callable[[Connection], Session],
        intake: Intake,
    ) -> None:
        """open: makes a session of a connection."""
        self.plan = plan
        self.second: Session | None = None
        self.overlap: Overlap | None = None
        self.reason = ""
        self._source = source
        self._hosts = hosts
        self._open = open
        self._intake = intake
        self._newest: Session | None = None  # the last that was a second one, and may be it no more
        self._asked_at: float | None = None

    def advance(self, current: Session, now: float) -> bool:
        """Do what is due. Returns: whether the second connection can take over now.

        Raises: ConnectError, ConnectionLost when the attempt is to be called off.
        """
        if self.second is not None:
            return self._is_settled(current, self.second, now)
        if self.overlap is not None and self.overlap.over(now):
            self.overlap = None
        if self._hosts.dialling:
            connection = self._hosts.poll(0.0)
            if connection is not None:
                self.second = self._newest = self._open(connection)
                self.overlap = Overlap(self._intake.last(), now)
                self._asked_at = None
        elif now >= self.plan.next_at and self.overlap is None:
            self._begin(current, now)
        return False

    def news(
        self, session: Session, updates: Sequence[MarketDataUpdate], now: float
    ) -> list[MarketDataUpdate]:
        """Those of a connection's updates that were not told before. Only with an overlap."""
        overlap = self.overlap
        assert overlap is not None
        found = overlap.news(updates, NEW if session is self._newest else OLD, now)
        if overlap.firsts:
            self._intake.expect_old(overlap.firsts, now)
            overlap.firsts = set()
        return found

    def take_over(self, now: float) -> tuple[Session, float]:
        """The second connection becomes the current one. Returns: it, and for how many s both were.
        """
        second, overlap = self.second, self.overlap
        assert second is not None and overlap is not None, "there is a second one"
        overlap.leave(OLD, now)
        self.second = None
        self.plan.opened(now)
        return second, now - overlap.began

    def call_off(self, now: float) -> float:
        """The attempt came to nothing. Returns: s until the next one."""
        self._hosts.abandon()
        if self.second is not None and self.overlap is not None:
            self._hosts.blame(self.second.url)
            self.second.close()
            self.second = None
            self.overlap.leave(NEW, now)
        return self.plan.failed(self.reason, now)

    def end(self) -> None:
        """There is no current connection any more. An attempt to dial may go on."""
        if self.second is not None:
            self.second.close()
        self.second = self.overlap = None

    def _begin(self, current: Session, now: float) -> None:
        better = self._hosts.preferred(before=current.url)
        reason = self.plan.due(now, better is not None)
        if reason is None:
            return
        self.reason = reason
        url = better if reason == BETTER else self._hosts.preferred()
        if url is None:
            raise ConnectError("every host has asked to be left alone for a while", cause="limited")
        log.log(logging.DEBUG if reason == BETTER else logging.INFO,
                "🤝 [%s] Opening a second connection: %s", self._source.upper(), reason,
                extra=facts("source_replacing", source=self._source, reason=reason))
        self._hosts.dial(url)

    def _is_settled(self, current: Session, second: Session, now: float) -> bool:
        overlap, subscribed_at = self.overlap, second.subscribed_at
        assert overlap is not None
        missing: str | None = "not subscribed yet"
        if subscribed_at is not None:
            if self._asked_at is None:
                self._asked_at = now
                current.pings.hurry(now)
            # what the old one sent before its answer may be older than the new subscription
            if (current.pings.answered_to >= self._asked_at
                    and second.pings.answered_to >= subscribed_at):
                overlap.ready(now)
            missing = overlap.missing(second.keys, now)
        if missing is not None and now - overlap.began > TRIAL_S:
            raise ConnectionLost(f"not as good within {TRIAL_S:.0f} s ({missing})")
        return missing is None
