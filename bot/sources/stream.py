"""Tier 1: the exchanges' streams."""

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.model import Quote
from bot.resolution import TIER


class StreamSource:
    tier = TIER
    synthetic = False

    def __init__(self, aggregator: MultiSourceWebSocketAggregator) -> None:
        self._aggregator = aggregator

    def quote(self, symbol: str) -> Quote:
        return self._aggregator.quote(symbol)
