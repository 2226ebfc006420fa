"""What a line about an event tells beside its text."""

from functools import singledispatch

from bot.events import (
    FailoverFailed, LinkChanged, SourceActivated, SourceConnected, SourceDisconnected, SourceFault,
    SourceHandedOver, SourceJudged, SourceSwitched, TierChanged, VerdictChanged,
)
from bot.incidents.incident import Incident
from bot.logs.facts import facts

Extra = dict[str, object]


@singledispatch
def told(event: object) -> Extra:
    """For `extra=` of a line of the log about this event."""
    raise TypeError(f"nothing is known of a {type(event).__name__}")


@told.register
def _connected(event: SourceConnected) -> Extra:
    return facts("source_connected", source=event.source, reason=event.reason)


@told.register
def _disconnected(event: SourceDisconnected) -> Extra:
    return facts("source_disconnected", source=event.source, reason=event.reason)


@told.register
def _fault(event: SourceFault) -> Extra:
    return facts("source_error", source=event.source, reason=event.reason, count=event.count)


@told.register
def _handed_over(event: SourceHandedOver) -> Extra:
    return facts("source_handed_over", source=event.source, reason=event.reason,
                 duration_ms=event.overlap_s * 1000)


@told.register
def _judged(event: SourceJudged) -> Extra:
    return facts("source_judged", source=event.source, symbol=event.symbol,
                 reason=event.fault or "fit")


@told.register
def _verdict(event: VerdictChanged) -> Extra:
    return facts("verdict", source=event.source, symbol=event.symbol, reason=event.reason,
                 previous=event.previous, current=event.status)


@told.register
def _activated(event: SourceActivated) -> Extra:
    return facts("source_activated", source=event.current, symbol=event.symbol,
                 reason=event.reason, previous=event.previous, current=event.current)


@told.register
def _switched(event: SourceSwitched) -> Extra:
    return facts("source_switch", source=event.current, symbol=event.symbol, reason=event.reason,
                 duration_ms=event.blackout_ms, previous=event.previous, current=event.current)


@told.register
def _failed(event: FailoverFailed) -> Extra:
    return facts("failover_failed", source=event.previous, symbol=event.symbol,
                 reason=event.reason, previous=event.previous)


@told.register
def _tier(event: TierChanged) -> Extra:
    return facts("tier_change", source=event.current, symbol=event.symbol, reason=event.reason,
                 previous=event.previous, current=event.current)


@told.register
def _link(event: LinkChanged) -> Extra:
    return facts("kafka_up" if event.up else "kafka_down", source="kafka",
                 reason=event.reason or event.link,
                 duration_ms=None if event.lasted_s is None else event.lasted_s * 1000)


@told.register
def _incident(event: Incident) -> Extra:
    return facts("incident_closed", source=event.source, symbol=event.symbol, reason=event.cause,
                 duration_ms=event.duration_ms)
