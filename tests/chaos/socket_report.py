"""The figures of many runs over real sockets, and what is promised of them."""

from collections.abc import Sequence

from tests.chaos.report import spread
from tests.chaos.sockets import RECOVERY_S, Outcome
from tests.chaos.witness import PATIENCE_S

LOSS_S = 0.1  # of 99 in a hundred
SLOWEST_LOSS_S = 0.5
RECOVERED_S = 15.0


def failures(outcome: Outcome) -> list[str]:
    """What was promised and not kept, in words."""
    plan, sight = outcome.plan, outcome.sight
    found = [f"left over: {', '.join(outcome.left)}"] if outcome.left else []
    if not plan.decidable:
        return found
    found += [f"{len(sight.wrong)} wrong quotes: {first}" for first in sight.wrong[:1]]
    found += [f"loss: {worst:.2f} s" for worst in sight.losses if worst > SLOWEST_LOSS_S]
    limit = plan.limit_ms / 1000 + PATIENCE_S
    found += [f"silence: {worst:.2f} s, limit {plan.limit_ms} ms"
              for worst in sight.silences if worst > limit]
    if outcome.recovery is None:
        found.append(f"not recovered after {RECOVERY_S:.0f} s: {outcome.last}")
    elif outcome.recovery > RECOVERED_S:
        found.append(f"recovered only after {outcome.recovery:.1f} s")
    return found


def table(outcomes: Sequence[Outcome]) -> str:
    sure = [one for one in outcomes if one.plan.decidable]
    unsure = [one for one in outcomes if not one.plan.decidable]
    sights = [one.sight for one in outcomes]
    quotes = sum(sight.quotes for sight in sights)
    over_s = [silence - one.plan.limit_ms / 1000 for one in sure for silence in one.sight.silences]
    rows = [("runs over sockets (seconds)",
             f"{len(outcomes)} ({sum(one.seconds for one in outcomes):.0f})"),
            ("faults, sources", f"{sum(len(one.plan.troubles) for one in outcomes)}, "
             f"{sum(len(one.plan.shapes) for one in outcomes)}"),
            ("quotes, good, not timely", f"{quotes}, {sum(one.good for one in sights)}, "
             f"{sum(one.busy for one in sights)}"),
            ("decidable runs, wrong quotes",
             f"{len(sure)}, {sum(len(one.sight.wrong) for one in sure)}"),
            ("undecidable runs, wrong quotes",
             f"{len(unsure)}, {sum(len(one.sight.wrong) for one in unsure)}"),
            ("loss to next good", spread(t for one in sure for t in one.sight.losses)),
            ("silence to next good, - limit", spread(over_s)),
            ("faults' end to good", spread(one.recovery for one in sure
                                           if one.recovery is not None)),
            ("not recovered", str(sum(one.recovery is None for one in sure))),
            ("threads, descriptors left", str(sum(bool(one.left) for one in outcomes)))]
    return "\n".join(f"{name:32} {value}" for name, value in rows)
