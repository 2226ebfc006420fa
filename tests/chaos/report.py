"""The figures of many simulations, and what is promised of them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.events import SourceSwitched
from tests.chaos.faults import KINDS, Schedule, decidable, schedule
from tests.chaos.observer import LIMIT_S, Figures
from tests.chaos.simulation import Simulation

LOSS_S = 0.1
SILENCE_S = LIMIT_S + 0.25
FLAG_S = 2.0
DARK_S, BELIEVED_S = 6.0, 3.0
USABLE_S, TRUSTED_S = 70.0, 130.0  # after the last fault
WARMED_S = 20.0


class Result(NamedTuple):
    plan: Schedule
    decidable: bool
    figures: Figures


def simulate(task: tuple[int, Sequence[str]]) -> Result:
    """One seed, with these kinds of fault."""
    plan = schedule(*task)
    return Result(plan, decidable(plan), Simulation(plan).run().figures)


def failures(result: Result) -> list[str]:
    """What was promised and not kept, in words; nothing is promised of what nobody can decide."""
    plan, figures = result.plan, result.figures
    if not result.decidable:
        return []
    found = [f"{len(figures.wrong)} wrong quotes, {figures.wrong_s:.1f} s: {first}"
             for first in figures.wrong[:1]]
    found += [f"innocent put away: {event}" for event in figures.innocent]
    if figures.unfit:
        found.append(f"not fit {figures.seconds - plan.seconds:.0f} s after: {figures.unfit}")
    if not plan.faults:
        found += [f"false failover: {event}" for event in false_failovers(result)]
    for what, limit, times in (("loss", LOSS_S, figures.losses),
                               ("silence", SILENCE_S, figures.silences),
                               ("flag", FLAG_S, figures.flags.values())):
        found += [f"{what}: {worst:.2f} s" for worst in times if worst > limit]
    found += [f"{what}: {worst:.2f} s" for what, limit, worst in (
        ("dark", DARK_S, figures.dark), ("lies believed", BELIEVED_S, figures.believed))
        if worst > limit]
    if figures.never or figures.trusted_after > TRUSTED_S or figures.usable_after > USABLE_S:
        found.append(f"recovery: usable after {figures.usable_after:.1f} s, trusted after "
                     f"{'never' if figures.never else f'{figures.trusted_after:.1f} s'}: "
                     f"{figures.last}")
    return found


def false_failovers(result: Result) -> list[SourceSwitched]:
    """Sources left although nothing was wrong at all.

    Not the return to the preferred one after the start, nor one that is silent because nothing is
    traded and whose REST API cannot be asked: who is dead looks the same.
    """
    if result.plan.faults:
        return []
    asked = {one.name for one in result.plan.venues if one.rest or one.shape == "binance"}
    return [event for event in result.figures.switches
            if event.mono > WARMED_S and event.previous in asked
            and not event.reason.startswith("primary fit")]


def by_kind(results: Sequence[Result]) -> str:
    """One line for each kind of fault, of the decidable runs in which it occurs."""
    lines = [f"{'kind':12}{'runs':>6}{'failed':>8}{'wrong':>7}{'innocent':>10}{'stuck':>7}  "
             f"switches  usable after p50, max   trusted after p50, max"]
    for kind in KINDS:
        runs = [one for one in results if one.decidable
                and any(fault.kind == kind for fault in one.plan.faults)]
        if not runs:
            continue
        usable = sorted(one.figures.usable_after for one in runs)
        trusted = sorted(one.figures.trusted_after for one in runs)
        lines.append(
            f"{kind:12}{len(runs):6}{sum(bool(failures(one)) for one in runs):8}"
            f"{sum(bool(one.figures.wrong) for one in runs):7}"
            f"{sum(bool(one.figures.innocent) for one in runs):10}"
            f"{sum(bool(one.figures.unfit) for one in runs):7}{_switches(runs) / len(runs):10.1f}"
            f"{usable[len(usable) // 2]:14.1f}{usable[-1]:9.1f}"
            f"{trusted[len(trusted) // 2]:15.1f}{trusted[-1]:9.1f}")
    return "\n".join(lines)


def table(results: Sequence[Result]) -> str:
    sure = [result for result in results if result.decidable]
    unsure = [result for result in results if not result.decidable]
    switches = _switches(results) / max(_hours(results), 1e-9)
    rows = [("runs (simulated hours)", f"{len(results)} ({_hours(results):.1f})"),
            ("faults, sources", f"{sum(len(one.plan.faults) for one in results)}, "
             f"{sum(len(one.plan.venues) for one in results)}"),
            ("quotes checked", f"{sum(one.figures.quotes for one in results)}"),
            ("decidable runs", f"{len(sure)}"), *_wrongs("  ", sure),
            ("undecidable runs", f"{len(unsure)}"), *_wrongs("  ", unsure),
            ("false failovers, no fault", str(sum(len(false_failovers(one)) for one in results))),
            ("switches an hour, any faults", f"{switches:.1f}"),
            ("loss to next trusted", spread(t for one in sure for t in one.figures.losses)),
            ("silence to next trusted", spread(t for one in sure for t in one.figures.silences)),
            ("lie to doubt", spread(t for one in sure for t in one.figures.flags.values())),
            ("dark, longest of a run", spread(one.figures.dark for one in sure)),
            ("lies believed, of a run", spread(one.figures.believed for one in sure)),
            ("trusted to over 1 % only", spread(one.figures.vague_s for one in sure)),
            ("fault's end to usable", spread(one.figures.usable_after for one in sure)),
            ("fault's end to trusted", spread(one.figures.trusted_after for one in sure)),
            ("fault's end to all fit", spread(one.figures.fit_after for one in sure)),
            ("runs with one not fit again", str(sum(bool(one.figures.unfit) for one in sure))),
            ("innocent put away", str(sum(len(one.figures.innocent) for one in sure))),
            ("never trusted again", str(sum(one.figures.never for one in sure)))]
    return "\n".join(f"{name:32} {value}" for name, value in rows)


def _wrongs(indent: str, results: Sequence[Result]) -> list[tuple[str, str]]:
    rows = []
    for status in ("trusted", "degraded"):
        for rule in ("price", "age"):
            count = [sum(wrong.status == status and wrong.rule == rule
                         for wrong in one.figures.wrong) for one in results]
            rows.append((f"{indent}wrong {rule}, {status}",
                         f"{sum(count)} quotes in {sum(map(bool, count))} runs"))
    return rows


def _switches(results: Sequence[Result]) -> int:
    return sum(len(one.figures.switches) for one in results)


def _hours(results: Sequence[Result]) -> float:
    return sum(one.figures.seconds for one in results) / 3600


def spread(times: Iterable[float]) -> str:
    held = sorted(times)
    if not held:
        return "none"
    p50, p99 = held[len(held) // 2], held[min(len(held) - 1, len(held) * 99 // 100)]
    return f"{len(held)} times, p50 {p50:.3f} s, p99 {p99:.3f} s, max {held[-1]:.3f} s"
