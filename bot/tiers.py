"""Which tiers the chain has, and what stands in the place of those that are switched off."""

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.broker.reader import TopicReader
from bot.config import Config
from bot.sources.base import SWITCHED_OFF, NoSource, Source
from bot.sources.mock import MockSource
from bot.sources.rest import RestSource
from bot.sources.stream import StreamSource


def tiers(
    config: Config, aggregator: MultiSourceWebSocketAggregator | None,
    reader: TopicReader | None, rest: RestSource, mock: MockSource,
) -> list[Source]:
    """Best first. aggregator, reader: None with the feeds, with Kafka switched off."""
    return [
        StreamSource(aggregator) if aggregator
        else NoSource("websocket", f"{SWITCHED_OFF} (ENABLE_WEBSOCKET_FEEDS)"),
        reader or NoSource("kafka", f"{SWITCHED_OFF} (ENABLE_KAFKA)"),
        rest if config.enable_okx_live else NoSource("okx", f"{SWITCHED_OFF} (ENABLE_OKX_LIVE)"),
        mock if config.mode == "simulation"
        else NoSource("mock", f"only in simulation, not in {config.mode}"),
    ]
