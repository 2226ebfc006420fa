"""The lines at the end of the start: what is on, with what is true at that moment."""

import logging
from collections.abc import Sequence

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.config import Config
from bot.logs.facts import facts
from bot.model import LinkStatus
from bot.record.recorder import Recorder

log = logging.getLogger(__name__)


def announce(
    config: Config, aggregator: MultiSourceWebSocketAggregator | None,
    links: Sequence[LinkStatus], recorder: Recorder | None,
) -> None:
    """aggregator, recorder: None where they are switched off. links: of Kafka."""
    failover = "ENABLED" if config.enable_failover else "DISABLED"
    connected, total = (aggregator.connected, len(aggregator.feeds)) if aggregator else (0, 0)
    if aggregator is not None:
        if connected:
            log.info("✅ [WEBSOCKET] Multi-Source Feeds Initialized",
                     extra=facts("feeds_started", count=connected))
        else:
            log.warning("⚠️ [WEBSOCKET] No source is connected yet; all are tried on and on",
                        extra=facts("feeds_started", count=0))
        _setting("   🌐 Primary: %s", config.primary_exchange)
        _setting("   🌐 Failover: %s", failover)
        _setting("   🌐 Resolution: %s", config.conflict_resolution)
        _setting("   🌐 Symbol: %s", ",".join(symbol.name for symbol in config.symbols))
    log.info("✅ [%s] Autonomous Trading Bot initialized successfully", config.instance_id,
             extra=facts("started"))
    if aggregator is None:
        _setting("   🌐 WebSocket Feeds: DISABLED (ENABLE_WEBSOCKET_FEEDS)")
    else:
        _setting("   🌐 WebSocket Feeds: %s (%d/%d sources)",
                 "ACTIVE" if connected else "CONNECTING", connected, total)
        _setting("   🌐 Primary: %s, Failover: %s", config.primary_exchange, failover)
    for link in links:
        _setting("   📨 Kafka: %s %s at %s (%s)", link.direction, link.topic,
                 ",".join(config.kafka_brokers), config.kafka_security_protocol)
    _setting("   📊 DuckDB Analytics: %s", _analytics(recorder))


def _setting(text: str, *values: object) -> None:
    log.info(text, *values, extra=facts("setting"))


def _analytics(recorder: Recorder | None) -> str:
    if recorder is None:
        return "DISABLED"
    return "ACTIVE" if recorder.active else f"NOT ACTIVE ({recorder.state})"
