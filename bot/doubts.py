"""When a REST API is worth asking beside the streams, and how often: pure, and seldom."""

from collections.abc import Iterator, Mapping, Sequence

from bot.agreement import Agreement
from bot.fitness import SourceView

DISPUTE_EVERY_S = 1.0
SILENCE_EVERY_S = 1.0
ALONE_EVERY_S = 5.0
STEP_S = 30.0  # for so long a step that no other source confirms is asked about
SILENT_SHARE = 0.4  # of the limit: then it is time to know whether the market is quiet


def doubts(
    views: Sequence[SourceView], agreement: Agreement, active: str | None, limit_s: float,
    exchanges: Sequence[str],
) -> Mapping[str, float]:
    """Which of the exchanges to ask, and how many seconds apart; none while all is well.

    All are asked about a dispute, an outvoted source and a step that nobody confirms, and now and
    then while one source is alone. The active source's own is asked when it has been silent for
    long, to learn whether its market is quiet or its stream is dead.
    """
    asked: dict[str, float] = {}
    venues = {who.removesuffix(" rest") for who in agreement.members + agreement.outside}
    if venues and len(venues - _unheard(views)) < 2:
        asked = dict.fromkeys(exchanges, ALONE_EVERY_S)
    stepped = any(view.step_s is not None and view.step_s < STEP_S for view in views)
    if agreement.disputed or agreement.outside or (stepped and asked):
        asked = dict.fromkeys(exchanges, DISPUTE_EVERY_S)
    for view in views:
        if (view.source == active and view.source in exchanges and view.silent_s is not None
                and view.silent_s > SILENT_SHARE * limit_s):
            asked[view.source] = SILENCE_EVERY_S
    return asked


def _unheard(views: Sequence[SourceView]) -> set[str]:
    """Those whose streams say nothing."""
    return {view.source for view in views if view.price is None}


class Questions:
    """What was asked when. One thread."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], float] = {}

    def due(self, symbol: str, doubts: Mapping[str, float], now: float) -> Iterator[str]:
        """The exchanges whose turn it is."""
        for exchange, every_s in doubts.items():
            if now - self._asked.get((exchange, symbol), float("-inf")) >= every_s:
                self._asked[exchange, symbol] = now
                yield exchange
