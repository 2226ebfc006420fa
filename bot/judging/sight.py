"""What the judgement sees of a source: put together of its connection, its price and its messages.
"""

from collections.abc import Sequence
from typing import get_args

from bot.feeds.intake import Intake
from bot.judging.clocks import behind_s
from bot.judging.fitness import SourceView
from bot.model import FeedHealth, UpdateType
from bot.store import Leg

KINDS: tuple[UpdateType, ...] = get_args(UpdateType)
HELD_S = 1.0  # a doubted price widens the confidence for so long


def seen(
    health: FeedHealth, leg: Leg | None, intake: Intake | None, symbol: str, behind: float,
    now: float,
) -> SourceView:
    """leg: the source's price for the symbol, if it gave one. behind: s, see `all_behind`."""
    source, since = health.source, health.connected_since
    line = intake.lines.get(symbol) if intake else None
    if leg is None or since is None or leg.received_mono < since:
        return SourceView(source=source, connected_since=since, age_s=None, silent_s=None,
                          latency_s=health.latency_s, detail=health.detail, behind_s=behind)
    heard_at = intake.heard_at.get(symbol) if intake else None
    return SourceView(
        source=source, connected_since=since, latency_s=health.latency_s, detail=health.detail,
        age_s=now - leg.fresh_at, silent_s=now - leg.received_mono, behind_s=behind,
        price=leg.price, bid=leg.bid, ask=leg.ask,
        sigma=line.sigma if line else 0.0, rush=line.rush(now) if line else 0.0,
        heard_s=now - heard_at if heard_at is not None else None,
        pause_s=_pause_s(intake, symbol) if intake else 0.0,
        step_s=now - line.step_at if line and line.step_at is not None else None,
        held=line.held if line and now - line.held_at < HELD_S else None)


def all_behind(healths: Sequence[FeedHealth]) -> dict[str, float]:
    """How far each source's stamps are behind every other clock's, in s."""
    offsets = {health.source: health.clock_offset_s for health in healths
               if health.connected_since is not None}
    return {health.source: behind_s(health.source, offsets) for health in healths}


def _pause_s(intake: Intake, symbol: str) -> float:
    """The longest usual pause of the liveliest of a symbol's streams."""
    return min((stream.gap_s for kind in KINDS if (stream := intake.streams.get((symbol, kind)))),
               default=0.0)
