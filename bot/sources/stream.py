"""Tier 1: the exchanges' streams."""

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.judging.resolution import TIER
from bot.model import Quote


class StreamSource:
    tier = TIER
    synthetic = False

    def __init__(
        self, aggregator: MultiSourceWebSocketAggregator, on_record: bool = False
    ) -> None:
        """on_record: for prices that are kept as served, so that a replay can ask again."""
        self._quote = aggregator.quote_on_record if on_record else aggregator.quote

    def quote(self, symbol: str) -> Quote:
        return self._quote(symbol)
