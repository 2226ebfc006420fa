"""Which tiers the chain has, and what stands in the place of those that are switched off."""

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.broker.reader import TopicReader
from bot.config import Config
from bot.sources.base import SWITCHED_OFF, NoSource, Source
from bot.sources.mock import MockSource
from bot.sources.rest import RestSource
from bot.sources.stream import StreamSource


def stream_tier(
    aggregator: MultiSourceWebSocketAggregator | None, on_record: bool = False
) -> Source:
    """The first. aggregator: None with the feeds switched off."""
    if aggregator is None:
        return NoSource("websocket", f"{SWITCHED_OFF} (ENABLE_WEBSOCKET_FEEDS)")
    return StreamSource(aggregator, on_record)


def lower_tiers(
    config: Config, reader: TopicReader | None, rest: RestSource, mock: MockSource
) -> list[Source]:
    """Those below it, best first. reader: None with Kafka switched off."""
    return [
        reader or NoSource("kafka", f"{SWITCHED_OFF} (ENABLE_KAFKA)"),
        rest if config.enable_okx_live else NoSource("okx", f"{SWITCHED_OFF} (ENABLE_OKX_LIVE)"),
        mock if config.mode == "simulation"
        else NoSource("mock", f"only in simulation, not in {config.mode}"),
    ]
