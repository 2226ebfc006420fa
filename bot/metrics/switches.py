"""Changes of the active source, counted as they happen."""

from collections import Counter
from collections.abc import Iterable

from bot.causes import RETURN, RULES
from bot.events import FailoverFailed, Listener, SourceJudged, SourceSwitched
from bot.metrics.buckets import Buckets

BLACKOUT_BOUNDS = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)  # s


class Switches:
    """Listeners of the aggregator's events. One thread calls them, the watchdog's; any may read.

    count: by symbol, the source that was left and the rule that found it unfit, or RETURN. failed:
    by symbol, times there was no successor. blackouts: by symbol, s without a trusted price.
    """

    def __init__(self, symbols: Iterable[str], sources: Iterable[str]) -> None:
        known = list(symbols)
        self.count = Counter({(symbol, source, rule): 0 for symbol in known
                              for source in sources for rule in (*RULES, RETURN)})
        self.failed = Counter({symbol: 0 for symbol in known})
        self.blackouts = {symbol: Buckets(BLACKOUT_BOUNDS) for symbol in known}
        self._rules: dict[tuple[str, str], str] = {}  # symbol, source -> why it is unfit
        self._left: dict[str, tuple[str, str]] = {}  # symbol -> who was left for nobody, and why

    @property
    def listeners(self) -> dict[str, Listener]:
        return {"source_judged": self._judged, "failover_failed": self._failed,
                "source_switch": self._switched}

    def _judged(self, event: SourceJudged) -> None:
        key = (event.symbol, event.source)
        if event.fault is None:
            self._rules.pop(key, None)
        else:
            self._rules[key] = event.rule

    def _failed(self, event: FailoverFailed) -> None:
        self.failed[event.symbol] += 1
        self._left[event.symbol] = event.previous, self._why(event.symbol, event.previous)

    def _switched(self, event: SourceSwitched) -> None:
        left = self._left.pop(event.symbol, None)
        if event.previous is not None:
            left = event.previous, self._why(event.symbol, event.previous)
        if left is not None:
            self.count[event.symbol, *left] += 1
        self.blackouts[event.symbol].observe(event.blackout_ms / 1000)

    def _why(self, symbol: str, source: str) -> str:
        return self._rules.get((symbol, source), RETURN)
