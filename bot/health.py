"""The state of the sources as the outside sees it."""

from collections.abc import Sequence

from bot.model import FeedHealth, SourceStatus


def source_status(health: FeedHealth) -> SourceStatus:
    return SourceStatus(
        health.source, health.connected_since is not None,
        None if health.latency_s is None else round(health.latency_s * 1000),
        health.last_update, health.messages_received, health.errors)


def summary(
    healthy: bool, active_source: str | None, sources: Sequence[SourceStatus]
) -> dict[str, object]:
    """What MultiSourceWebSocketAggregator.health_status() gives; last_update in epoch ms."""
    return {
        "healthy": healthy,
        "active_source": active_source,
        "connected_sources": sum(source.connected for source in sources),
        "total_sources": len(sources),
        "sources": sources,
        "update_count": sum(source.messages_received for source in sources),
        "last_update": max((source.last_update for source in sources if source.last_update),
                           default=None),
    }
