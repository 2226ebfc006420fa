"""The REST APIs that are asked for an opinion when the streams leave a doubt."""

from collections.abc import Callable
from functools import partial

from bot.aggregator import MultiSourceWebSocketAggregator
from bot.config import Config
from bot.events import Doubted
from bot.exchanges import ALL
from bot.model import Opinion
from bot.sources.poller import WANTED_FOR_S, Poller
from bot.sources.rest import RestSource


class Opinions:
    """okx: the poller of OKX, which is the third tier as well. pollers: all, by exchange."""

    def __init__(
        self, config: Config, report: Callable[[str, str, int], None],
        aggregator: Callable[[], MultiSourceWebSocketAggregator | None],
    ) -> None:
        """report: told of an exchange's faults, and how often. aggregator: who hears the answers.
        """
        self._aggregator = aggregator
        self.okx = RestSource(
            config.rest_urls["okx"], config.symbols, partial(report, "okx"), self._opine,
            doubted=self._doubted,
            wanted_for_s=max(WANTED_FOR_S, config.poll_interval_ms / 1000 + 2.0))
        asked = ["okx"] if config.enable_okx_live else []
        asked += [name for name in config.exchanges if name != "okx"]
        self.pollers: dict[str, Poller] = {
            name: self.okx if name == "okx" else Poller(
                ALL[name], config.rest_urls[name], config.symbols, partial(report, name),
                self._opine)
            for name in asked
        }

    def ask(self, doubt: Doubted) -> None:
        self.pollers[doubt.exchange].ask(doubt.symbol)

    def _opine(self, opinion: Opinion) -> None:
        aggregator = self._aggregator()
        if aggregator is not None:
            aggregator.opine(opinion)

    def _doubted(self, symbol: str) -> str | None:
        """What is held against OKX's word on a symbol."""
        aggregator = self._aggregator()
        if aggregator is None:
            return None
        found = aggregator.standing(symbol).faults.get("okx")
        return found.words if found and found.rule == "disagreement" else None
