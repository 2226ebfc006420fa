"""Whether a source is fit to be active, seen by itself alone: pure functions of plain values."""

import msgspec

from bot.causes import Rule


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    primary: str
    failover: bool
    max_latency_s: float
    failback_after_s: float


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """One source as seen for one symbol at one moment.

    connected_since: monotonic s, None while not connected. age_s: of its price for the symbol, by
    what this connection brought; None if it brought none. silent_s: since it brought the last
    news of the symbol, however old that was. latency_s: ping round trip, None unknown. detail: why
    it is not connected.

    price, bid, ask: what it says. sigma, rush: usual move in a second, and the move of the last
    two, as shares. heard_s: since it sent anything of the symbol, news or not. pause_s: the longest
    pause that has been usual of late. behind_s: how far
    its stamps are behind every other clock's. step_s: since its price stepped in a way that no
    other source confirmed; None if it did not. held: a price that it has just said and that is
    doubted.
    """

    source: str
    connected_since: float | None
    age_s: float | None
    silent_s: float | None
    latency_s: float | None
    detail: str
    price: float | None = None
    bid: float | None = None
    ask: float | None = None
    sigma: float = 0.0
    rush: float = 0.0
    heard_s: float | None = None
    pause_s: float = 0.0
    behind_s: float = 0.0
    step_s: float | None = None
    held: float | None = None


class Fault(msgspec.Struct, frozen=True):
    """Why a source is not fit. rule: one word, see SourceJudged."""

    rule: Rule
    words: str


def fault(view: SourceView, policy: Policy) -> Fault | None:
    """Why a source may not be active, by itself alone; None when it is fit."""
    limit, silent = policy.max_latency_s, view.silent_s
    if view.connected_since is None:
        return Fault("connection", f"not connected: {view.detail}")
    if view.age_s is None:
        return Fault("data", "connected, but no data yet")
    if view.behind_s > limit:
        return Fault("clock", f"its stamps are {view.behind_s:.1f} s behind every other clock")
    if view.age_s > limit:
        ms = f"{view.age_s * 1000:.0f} ms"
        if silent is not None and silent < view.age_s / 2:
            return Fault("late", f"data come {ms} late")
        # what it said last may have been news, and a little late: then it has fallen silent
        if view.heard_s is not None and view.heard_s <= limit and view.heard_s != silent:
            return Fault("frozen", f"nothing but repetitions for {ms}")
        return Fault("silence", f"no data for {ms}")
    if view.latency_s is not None and view.latency_s > limit:
        return Fault("latency", f"latency {view.latency_s * 1000:.0f} ms")
    return None


def unfit(view: SourceView, policy: Policy) -> str | None:
    """`fault` in words only."""
    found = fault(view, policy)
    return None if found is None else found.words
