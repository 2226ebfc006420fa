"""One channel at work: what leaves, what comes of it, when to try again.

Its owner's thread gives it a turn several times a second and never waits here: each request is on
a thread of its own, one at a time, and one that hangs is left behind.
"""

import logging
from collections.abc import Callable
from time import monotonic, time

from bot.alerts.case import Told
from bot.alerts.channel import Answer, Channel, Outcome, Request
from bot.alerts.memory import Left
from bot.alerts.outbox import Bucket, Outbox, Step
from bot.alerts.posting import NotSent, masked, post
from bot.backoff import Backoff
from bot.errors import named
from bot.logs.facts import facts
from bot.model import ChannelStatus
from bot.worker import Detached

log = logging.getLogger(__name__)

REQUEST_S = 12.0  # then it is left behind; above what a request allows itself
STRAYS = 2  # requests that hang beyond that; with so many no new one is begun
RETRY_S, RETRY_CAP_S = 2.0, 300.0
REFUSED_S = 600.0  # between attempts at what will not get better by itself
TIRED_S = 60.0  # who asks for fewer messages for so long is taken for down

Post = Callable[[Request, tuple[str, ...]], Answer]


class Delivery:
    """For one thread, its owner's."""

    def __init__(
        self,
        channel: Channel,
        post: Post = post,
        mono: Callable[[], float] = monotonic,
        wall: Callable[[], float] = time,
    ) -> None:
        self.channel = channel
        self._post = post
        self._mono, self._wall = mono, wall
        self._outbox = Outbox(channel.has_updates, Bucket(mono()))
        # one client of one receiver gains nothing from jitter
        self._backoff = Backoff(RETRY_S, RETRY_CAP_S, uniform=lambda _, ceiling: ceiling)
        self._step: Step | None = None
        self._call: Detached[Outcome] | None = None
        self._began = 0.0
        self._strays: list[Detached[Outcome]] = []
        self._not_before = 0.0
        self._up: bool | None = None
        self._reason = ""
        self._said = ""  # to the log, since it was up
        self._down_since = 0.0  # the first failure since then
        self._failures = 0  # since then, refusals too
        self._sent = self._failed = 0
        self._last_sent_at: int | None = None

    def put(self, told: Told) -> None:
        self._outbox.put(told)

    def adopt(self, left: Left, told: Told) -> None:
        """Tell the end of a case of an earlier life, if it was told here. told: that end."""
        if self.name in left.messages:
            self._outbox.adopt(told, left.messages[self.name])

    @property
    def known(self) -> list[tuple[Told, tuple[str, ...]]]:
        """See Outbox."""
        return self._outbox.known

    @property
    def changes(self) -> int:
        """See Outbox."""
        return self._outbox.changes

    @property
    def is_sending(self) -> bool:
        return self._call is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way and nothing waits."""
        return self._call is None and not self._outbox.waiting

    @property
    def status(self) -> ChannelStatus:
        return ChannelStatus(
            self.channel.name, self.channel.to, self._up, self._reason, self._sent, self._failed,
            self._outbox.dropped, self._outbox.waiting, self._last_sent_at)

    def turn(self) -> None:
        """Take what was answered, and send what is due."""
        now = self._mono()
        if self._call is not None and self._step is not None:
            if self._call.ended:
                self._answered(self._step, self._call)
            elif now - self._began >= REQUEST_S:
                self._strays.append(self._call)
                self._failure(f"no answer within {REQUEST_S:g} s")
            else:
                return
            self._call = None
        self._strays = [stray for stray in self._strays if not stray.ended]
        if now >= self._not_before and len(self._strays) < STRAYS:
            self._send(now)

    def _send(self, now: float) -> None:
        step = self._step = self._outbox.next(now)
        if step is None:
            return
        self._outbox.sent(now)
        self._began = now
        channel, send = self.channel, self._post
        # there, a fault in the wording or the reading of one message costs no more than that
        self._call = Detached(f"alerts-{channel.name}", lambda: channel.outcome(send(
            channel.request(step.told, step.edit, step.reply_to, step.more), channel.secrets)))

    def _answered(self, step: Step, call: Detached[Outcome]) -> None:
        fault = call.failure
        if isinstance(fault, NotSent):
            self._failure(str(fault))
        elif fault is not None:
            self._outbox.give_up(step)
            self._failure(masked(f"internal fault ({named(fault)}), this message is given up",
                                 self.channel.secrets))
        elif (outcome := call.result()).ok:
            self._outbox.done(step, outcome.message)
            self._success()
        elif outcome.is_gone:
            self._outbox.gone(step)
        else:
            self._not_taken(outcome)

    def _success(self) -> None:
        now = self._mono()
        if self._said:
            log.info("📣 [ALERTS] Telling %s again after %.1f s; %d attempts had failed",
                     self.name, now - self._down_since, self._failures,
                     extra=facts("alert_mended", count=self._failures,
                                 duration_ms=(now - self._down_since) * 1000))
        self._up, self._reason, self._said = True, "", ""
        self._failures = 0
        self._backoff.reset()
        self._sent += 1
        self._last_sent_at = int(self._wall() * 1000)

    def _not_taken(self, outcome: Outcome) -> None:
        why = masked(outcome.why, self.channel.secrets)
        if outcome.wait_s is not None:
            self._refused(why, outcome.wait_s)
        else:
            self._failure(why, REFUSED_S if outcome.is_final else None)

    def _refused(self, why: str, wait_s: float) -> None:
        """It asks for fewer messages: no fault of the line, unless it goes on."""
        until = self._failed_until(wait_s)
        if self._said or until - self._down_since >= TIRED_S:
            self._down(why, is_news=False)
        self._reason = f"{why}, {wait_s:.0f} s from now on"

    def _failure(self, why: str, pause_s: float | None = None) -> None:
        self._failed_until(self._backoff.next_s() if pause_s is None else pause_s)
        self._down(why, is_news=pause_s is not None)

    def _failed_until(self, pause_s: float) -> float:
        """Count an attempt, and pause. Returns: until when."""
        now = self._mono()
        if not self._failures:
            self._down_since = now
        self._failed += 1
        self._failures += 1
        self._not_before = now + pause_s
        return self._not_before

    def _down(self, why: str, is_news: bool) -> None:
        """is_news: it is said although something was said already, if that was something else."""
        if not self._said or (is_news and why != self._said):
            self._said = why
            log.warning("📣 [ALERTS] Cannot tell %s: %s", self.name, why,
                        extra=facts("alert_failed", reason=why))
        self._up, self._reason = False, why

    @property
    def name(self) -> str:
        """Which channel, and whom it reaches."""
        return f"{self.channel.name} ({self.channel.to})"
