"""Rounds of judgement: look at the sources, judge every symbol, tell what changed, ask REST."""

import math
from collections.abc import Callable, Sequence
from time import monotonic, time

from bot.events import Publisher
from bot.judging.announcer import Announcer
from bot.judging.desk import Desk
from bot.judging.doubts import Questions, doubts
from bot.judging.memory import STATE_EVERY_S, Memoirs
from bot.judging.resolution import Case
from bot.model import FeedHealth


class Court:
    """Everything that is done at a desk when it is time to judge. Thread: one, the watchdog's."""

    def __init__(
        self, desk: Desk, publisher: Publisher, opinions_of: Sequence[str] = (),
        mono: Callable[[], float] = monotonic, wall: Callable[[], float] = time,
        states_s: float = STATE_EVERY_S,
    ) -> None:
        """opinions_of: exchanges whose REST API may be asked, by `doubt`. states_s: between two
        states in the journal.
        """
        self.announcer = Announcer(publisher, mono, wall)
        self._desk = desk
        self._mono = mono
        self._opinions_of = tuple(opinions_of)
        self._questions = Questions()
        self._memoirs = Memoirs(desk, self.announcer, states_s)

    def sit(
        self, symbols: Sequence[str], healths: Callable[[], list[FeedHealth]],
        ended: Callable[[], bool] = lambda: False,
    ) -> float:
        """Judge every symbol anew. ended: whether nobody is to be active any more.

        Returns: seconds until the passing of time alone can change something.
        """
        desk, due_s = self._desk, math.inf
        self._memoirs.note_due(symbols, self._mono())
        seen, now = desk.look(healths, self._mono)
        for symbol in symbols:
            desk.journal.turn.give_way()
            before, case, due = desk.judge(symbol, seen, now)
            if ended():
                desk.clear(now)  # what was cleared at the end may have been undone
                break
            due_s = min(due_s, due)
            self.announcer.judged(before, case, desk.outcome(case), desk.policy.max_latency_s)
            self._ask(case)
        self.announcer.clocks({health.source: health.clock_offset_s for health in seen
                               if health.connected_since is not None})
        return due_s

    def _ask(self, case: Case) -> None:
        """Ask the REST APIs that may know better."""
        policy, standing = self._desk.policy, case.standing
        wanted = doubts(list(case.views.values()), case.jury.agreement,
                        standing.active or standing.last, policy.max_latency_s,
                        self._opinions_of, policy.primary)
        for exchange in self._questions.due(case.symbol, wanted, case.now):
            self.announcer.doubted(case.symbol, exchange, standing.reason)
