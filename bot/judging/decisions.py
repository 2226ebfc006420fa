"""What the judgement decided, in the form in which it is kept: to be compared when played again."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.events import FailoverFailed, SourceJudged, SourceSwitched, VerdictChanged


class Decision(NamedTuple):
    """The columns of `events` that a judgement made again must give again."""

    kind: str
    source: str | None
    symbol: str
    reason: str
    detail: Mapping[str, object] | None = None


def judged(event: SourceJudged) -> Decision:
    return Decision("source_judged", event.source, event.symbol, event.fault or "fit",
                    {"rule": event.rule})


def verdict(event: VerdictChanged) -> Decision:
    return Decision("verdict", event.source, event.symbol, event.reason,
                    {"from": event.previous, "to": event.status, "price": event.price})


def switched(event: SourceSwitched) -> Decision:
    return Decision("source_switch", event.current, event.symbol, event.reason,
                    {"from": event.previous, "to": event.current, "stepBps": event.step_bps,
                     "blackoutMs": event.blackout_ms})


def failed(event: FailoverFailed) -> Decision:
    return Decision("failover_failed", event.previous, event.symbol, event.reason)


# by the name of the event
DECISIONS: Mapping[str, Callable[[Any], Decision]] = {
    "source_judged": judged, "verdict_changed": verdict, "source_switch": switched,
    "failover_failed": failed,
}
KINDS = ("source_judged", "verdict", "source_switch", "failover_failed")
