"""The product broken on purpose, each time in one place: the simulation has to notice."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple
from unittest.mock import patch

from bot.feeds.line import Line, Others
from bot.judging.agreement import Agreement, Statement
from bot.judging.fitness import Fault, Policy, SourceView, fault
from tests.chaos.report import failures, simulate

MOST_SEEDS = 60


class Plant(NamedTuple):
    """breaks: what is replaced by what. kinds: the faults among which it must show."""

    breaks: Sequence[tuple[str, Any]]
    kinds: Sequence[str]


def _admits_everything(line: Line, price: float, now: float, others: Others) -> bool:
    line._believe(price, now)
    return True


def _all_agree(statements: Sequence[Statement]) -> Agreement:
    return Agreement(tuple(said.who for said in statements))


def _none_but_connection(view: SourceView, policy: Policy) -> Fault | None:
    found = fault(view, policy)
    return found if found is not None and found.rule in ("connection", "data") else None


def _always(value: object) -> Callable[..., Any]:
    return lambda *_, **__: value


PLANTS = {
    "no gate for wild ticks": Plant([("bot.feeds.line.Line.admit", _admits_everything)],
                                    ["spikes", "refuse"]),
    "everybody agrees": Plant([("bot.judging.trial.agree", _all_agree)], ["wrong", "scale"]),
    "age by receipt only": Plant([("bot.feeds.line.Stream.advances", _always(True)),
                                  ("bot.feeds.lag.LagMeter.excess_s", _always(0.0))],
                                 ["repeat", "delay", "replay"]),
    "late messages are fresh": Plant([("bot.feeds.lag.LagMeter.excess_s", _always(0.0))],
                                     ["delay", "growing"]),
    "nobody is put away": Plant([("bot.judging.trial.FALL", 10**9),
                                 ("bot.judging.trial.FALL_SMALL", 10**9)],
                                ["wrong", "scale", "invert"]),
    "no confidence": Plant([("bot.judging.resolution._confidence", _always(0.0))],
                           ["drift", "wrong"]),
    "silence is no fault": Plant([("bot.judging.judge.fault", _none_but_connection)],
                                 ["silence", "symbol"]),
    "one vote puts away": Plant([("bot.judging.trial.FALL", 1),
                                 ("bot.judging.trial.FALL_SMALL", 1)],
                                ["cut", "silence"]),
    "the first may return at once": Plant([("bot.judging.judge.failback_wait_s", _always(0.0))],
                                          ["flap"]),
}


def caught(name: str) -> tuple[int, str]:
    """Break it, and simulate seed after seed. Returns: which seed, and what failed; "" for nothing.

    What fails with the unbroken product as well does not count.
    """
    kinds = PLANTS[name].kinds
    for seed in range(1, MOST_SEEDS + 1):
        with ExitStack() as stack:
            for target, replacement in PLANTS[name].breaks:
                stack.enter_context(patch(target, replacement))
            found = failures(simulate((seed, kinds)))
        if found and not failures(simulate((seed, kinds))):
            return seed, found[0]
    return MOST_SEEDS, ""
