"""What happened: frozen records, and the Publisher that hands them to whoever asked."""

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

import msgspec

from bot.logs.facts import facts

log = logging.getLogger(__name__)

FAULT_EVERY_S = 60.0

Listener = Callable[[Any], None]


class SourceConnected(msgspec.Struct, frozen=True):
    """A source's WebSocket is open; its subscriptions go out next. at: epoch s."""

    source: str
    at: float
    reason: str


class SourceDisconnected(msgspec.Struct, frozen=True):
    """A source's open connection was lost or closed."""

    source: str
    at: float
    reason: str


class SourceFault(msgspec.Struct, frozen=True):
    """Something a source sent or did was refused. count: how often this same error was seen."""

    source: str
    at: float
    reason: str
    count: int


class SourceHandedOver(msgspec.Struct, frozen=True):
    """A source's connection was replaced by a new one that already delivered: no gap."""

    source: str
    at: float
    reason: str
    overlap_s: float


class SourceSwitched(msgspec.Struct, frozen=True):
    """Another source became active for a symbol. previous is None after a time without any.

    step_bps: the new source's price against the old one's last, in 1/10,000; None if one of them is
    not known. blackout_ms: how long no trusted price of the exchanges could be given until now.
    mono: monotonic s.
    """

    symbol: str
    previous: str | None
    current: str
    at: float
    reason: str
    step_bps: float | None = None
    blackout_ms: float = 0.0
    mono: float = 0.0


class SourceActivated(msgspec.Struct, frozen=True):
    """A source became active for a symbol at the start: the first one, or the primary that was only
    slower to connect. Every later change is a switch. mono: monotonic s.
    """

    symbol: str
    previous: str | None
    current: str
    at: float
    reason: str
    mono: float = 0.0


class SourceJudged(msgspec.Struct, frozen=True):
    """A source became unfit for a symbol, or fit again.

    fault: why it is unfit, in words; None: it is fit again. rule: which rule found it, one word:
    connection, data, silence, frozen, late, latency, clock, disagreement; first: it was fit when it
    was judged for the first time. since: monotonic s of the last that was good of it; None if
    nothing was, or if that cannot be known, as of one that says what is wrong. mono: monotonic s of
    the judgement.
    """

    source: str
    symbol: str
    fault: str | None
    rule: str
    since: float | None
    at: float
    mono: float


class VerdictChanged(msgspec.Struct, frozen=True):
    """What the exchanges' streams together give for a symbol got another status.

    status: as in Quote, None when there is no price at all. price, source: what would be served;
    source is None for an average. mono: monotonic s.
    """

    symbol: str
    previous: str | None
    status: str | None
    price: float | None
    source: str | None
    reason: str
    at: float
    mono: float


class Doubted(msgspec.Struct, frozen=True):
    """An exchange's REST API is worth asking what it says of a symbol, once, now."""

    symbol: str
    exchange: str
    reason: str
    at: float


class FailoverFailed(msgspec.Struct, frozen=True):
    """The active source was left and no other is fit."""

    symbol: str
    previous: str
    at: float
    reason: str


class TierChanged(msgspec.Struct, frozen=True):
    """The chain serves a symbol from another tier; None stands for no tier at all."""

    symbol: str
    previous: str | None
    current: str | None
    at: float
    reason: str


class LinkChanged(msgspec.Struct, frozen=True):
    """Kafka can be read or written again, or cannot any more, or cannot for another reason.

    link: what goes over it, such as `reading prices`. lasted_s: how long it was as it was before,
    None at the first time, and where only the reason is another.
    """

    link: str
    up: bool
    reason: str
    at: float
    lasted_s: float | None


class RecordingChanged(msgspec.Struct, frozen=True):
    """Whether all that comes is being stored became another matter.

    rule: `record` (it is not), `disk` (it is, on a disk that runs low) or `good`.
    """

    good: bool
    rule: str
    reason: str
    at: float


class Publisher:
    """Calls listeners on the thread that publishes, in the order in which they subscribed.

    A listener must be quick; one that is not owns a bounded queue and counts what it drops. What a
    listener raises is logged and goes no further.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._listeners: dict[str, tuple[Listener, ...]] = {name: () for name in names}
        self._quiet_until: dict[str, float] = {}  # event name -> no fault is logged before
        self._lock = threading.Lock()  # guards changes of _listeners; publish() needs none

    def on(self, name: str, listener: Listener) -> None:
        """Call `listener` with every event of that name.

        Raises: ValueError for a name that is never published.
        """
        with self._lock:
            if name not in self._listeners:
                raise ValueError(f"no event {name!r}; there are {', '.join(self._listeners)}")
            self._listeners[name] += (listener,)

    def publish(self, name: str, event: object) -> None:
        for listener in self._listeners[name]:
            try:
                listener(event)
            except Exception:
                self._failed(name, event)

    def _failed(self, name: str, event: object) -> None:
        """Log what a listener raises, once a minute: there may be thousands of events a second."""
        now = monotonic()
        if now >= self._quiet_until.get(name, 0.0):
            self._quiet_until[name] = now + FAULT_EVERY_S
            log.exception("a listener of %s failed; the event was %.300r", name, event,
                          extra=facts("listener_failed", reason=name))
