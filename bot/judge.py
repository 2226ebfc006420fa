"""Which source is active for a symbol: pure functions of plain values, no clock, no state.

The policy in words. A source is fit while it is connected, has brought the symbol on this
connection, is not silent or late beyond the limit, and answers pings within it. An unfit active
source is left at once for a fit one, and for none when there is none. The primary comes back only
after a time of unbroken fitness. Two unfit sources therefore never swap.
"""

from collections.abc import Mapping, Sequence

import msgspec

# While nothing but the start has happened, the primary may take over from a source that was only
# quicker to connect, without the wait that a return needs.
START_GRACE_S = 1.0
LOOK_OUT_S = 0.1  # between two looks for a source while there is none
JUST_CONNECTED = "primary has just connected"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    primary: str
    failover: bool
    max_latency_s: float
    failback_after_s: float


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """One source as seen for one symbol at one moment.

    connected_since: monotonic s, None while not connected. age_s: of its price for the symbol, by
    what this connection brought; None if it brought none. silent_s: since it brought the last
    message of the symbol, however old that one was. latency_s: ping round trip, None unknown.
    detail: why it is not connected.
    """

    source: str
    connected_since: float | None
    age_s: float | None
    silent_s: float | None
    latency_s: float | None
    detail: str


class Standing(msgspec.Struct, frozen=True):
    """The judgement for one symbol, and what the next one needs to remember.

    reason: why `active` is what it is. fit_since: monotonic s, only of sources that are fit now.
    grace_until: monotonic s up to which the primary may take over from the first one chosen; None
    before any was. last: the source that was active last.
    """

    active: str | None = None
    reason: str = "no source has been fit yet"
    fit_since: Mapping[str, float] = {}
    grace_until: float | None = None
    last: str | None = None


def unfit(view: SourceView, policy: Policy) -> str | None:
    """Why a source may not be active, in words; None when it is fit."""
    if view.connected_since is None:
        return f"not connected: {view.detail}"
    if view.age_s is None:
        return "connected, but no data yet"
    if view.age_s > policy.max_latency_s:
        if view.silent_s is not None and view.silent_s <= policy.max_latency_s:
            return f"data come {view.age_s * 1000:.0f} ms late"
        return f"no data for {view.age_s * 1000:.0f} ms"
    if view.latency_s is not None and view.latency_s > policy.max_latency_s:
        return f"latency {view.latency_s * 1000:.0f} ms"
    return None


def judge(
    before: Standing, views: Sequence[SourceView], policy: Policy, now: float
) -> Standing:
    """The next standing. `views` in the order in which sources are preferred after the primary."""
    faults = {view.source: unfit(view, policy) for view in views}
    since = {
        view.source: max(before.fit_since.get(view.source, now), view.connected_since)
        for view in views if faults[view.source] is None and view.connected_since is not None
    }
    active, reason = _choose(before, faults, since, policy, now)
    grace_until = before.grace_until
    if grace_until is None and active in since:
        grace_until = now + START_GRACE_S
    if active == policy.primary and active in since:
        grace_until = now
    return Standing(active, reason, since, grace_until, active or before.active or before.last)


def next_due_s(
    standing: Standing, views: Sequence[SourceView], policy: Policy, now: float
) -> float:
    """Seconds until a judgement of the same facts could differ: silence, or a return, is due."""
    if standing.active is None:
        return LOOK_OUT_S
    dues = [policy.max_latency_s - view.age_s for view in views
            if view.source in standing.fit_since and view.age_s is not None]
    if standing.active != policy.primary and policy.primary in standing.fit_since:
        dues.append(standing.fit_since[policy.primary] + policy.failback_after_s - now)
    return max(0.0, min(dues, default=LOOK_OUT_S))


def _choose(
    before: Standing,
    faults: Mapping[str, str | None],
    since: Mapping[str, float],
    policy: Policy,
    now: float,
) -> tuple[str | None, str]:
    if not policy.failover:
        return policy.primary, faults[policy.primary] or "failover is disabled"
    fit = sorted(since, key=lambda source: source != policy.primary)  # stable: else in given order
    if before.active in since:
        if policy.primary in since and before.active != policy.primary:
            waited = now - since[policy.primary]
            if waited >= policy.failback_after_s:
                return policy.primary, f"primary fit for {waited:.1f} s"
            if before.grace_until is not None and now < before.grace_until:
                return policy.primary, JUST_CONNECTED
        return before.active, before.reason
    if before.active is None:
        if fit:
            return fit[0], "first fresh data" if before.grace_until is None else "fresh again"
        return None, _all(faults)
    if fit:
        return fit[0], str(faults[before.active])
    return None, _all(faults)


def _all(faults: Mapping[str, str | None]) -> str:
    return "; ".join(f"{source}: {fault}" for source, fault in faults.items())
