"""When a REST API is worth asking beside the streams, and how often: pure, and seldom."""

from collections.abc import Iterator, Mapping, Sequence

from bot.judging.agreement import Agreement
from bot.judging.fitness import SourceView

DISPUTE_EVERY_S = 1.0
SILENCE_EVERY_S = 1.0
ALONE_EVERY_S = 4.0  # less than an opinion counts
LASTING = 4
STEP_S = 30.0  # for so long a step that no other source confirms is asked about
# Silence is unusual after so many of a stream's usual pauses, but not within a second, and at the
# latest after this share of the limit: then it is time to know whether the market is quiet.
UNUSUAL_PAUSES, LEAST_SILENCE_S, SILENT_SHARE = 3.0, 1.0, 0.4


def doubts(
    views: Sequence[SourceView], agreement: Agreement, active: str | None, limit_s: float,
    exchanges: Sequence[str], primary: str | None = None,
) -> Mapping[str, float]:
    """Which of the exchanges to ask, and how many seconds apart; none while all is well.

    All are asked about a dispute, an outvoted source and a step that nobody confirms, and now and
    then while one source is alone. The active source's own is asked when it has been silent for
    unusually long, to learn whether its market is quiet or its stream is dead; the primary's too,
    but not as often. active: with none, the one that was so last.
    """
    asked: dict[str, float] = {}
    streams = {view.source for view in views} & {*agreement.members, *agreement.outside}
    if len(streams) == 1:
        asked = dict.fromkeys(exchanges, ALONE_EVERY_S)
    stepped = any(view.step_s is not None and view.step_s < STEP_S for view in views)
    if agreement.disputed or agreement.outside or (stepped and asked):
        asked = dict.fromkeys(exchanges, DISPUTE_EVERY_S)
    for view in views:
        every_s = {active: SILENCE_EVERY_S, primary: ALONE_EVERY_S}.get(view.source)
        if every_s is not None and view.source in exchanges and view.silent_s is not None and (
                view.silent_s > unusual_s(view, limit_s)):
            asked[view.source] = min(every_s, asked.get(view.source, every_s))
    return asked


def unusual_s(view: SourceView, limit_s: float) -> float:
    """The silence from which on it is unusual for this source and symbol."""
    return min(max(LEAST_SILENCE_S, UNUSUAL_PAUSES * view.pause_s), SILENT_SHARE * limit_s)


class Questions:
    """What was asked when. One thread.

    A doubt is asked about once it has lasted for a quarter of its period: many end by themselves.
    """

    def __init__(self) -> None:
        self._began: dict[tuple[str, str], float] = {}
        self._asked: dict[tuple[str, str], float] = {}

    def due(self, symbol: str, doubts: Mapping[str, float], now: float) -> Iterator[str]:
        """The exchanges whose turn it is."""
        for key in [key for key in self._began if key[1] == symbol and key[0] not in doubts]:
            del self._began[key]
        for exchange, every_s in doubts.items():
            key = exchange, symbol
            lasted = now - self._began.setdefault(key, now)
            if (lasted >= every_s / LASTING
                    and now - self._asked.get(key, float("-inf")) >= every_s):
                self._asked[key] = now
                yield exchange
