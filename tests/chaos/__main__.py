"""python -m tests.chaos: simulate many random schedules, or one that failed, in every detail."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing import get_context
from typing import TypeVar

from tests.chaos import flaps, planted, report, socket_report, sockets
from tests.chaos.faults import KINDS, schedule
from tests.chaos.trace import traced

T = TypeVar("T")
R = TypeVar("R")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    began = time.monotonic()
    if options.planted:
        bad = _planted(options)
    elif options.flaps:
        bad = _flaps(options)
    elif options.sockets:
        bad = _sockets(options)
    else:
        bad = _simulated(options)
    print(f"in {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


def _simulated(options: argparse.Namespace) -> bool:
    if options.seed is not None and options.verbose:
        traced(schedule(options.seed, options.kinds))
    tasks = [(seed, options.kinds) for seed in _seeds(options)]
    results = sorted(_each(options, report.simulate, tasks, 8), key=lambda one: one.plan.seed)
    print(report.table(results))
    if options.each:
        print(f"\n{report.by_kind(results)}\n")
    return _told(options, [(str(one.plan), report.failures(one)) for one in results])


def _sockets(options: argparse.Namespace) -> bool:
    outcomes = sorted(_each(options, sockets.run, _seeds(options)), key=lambda one: one.plan.seed)
    print(socket_report.table(outcomes))
    return _told(options, [(str(one.plan), socket_report.failures(one)) for one in outcomes])


def _flaps(options: argparse.Namespace) -> bool:
    results = list(_each(options, flaps.flapped, flaps.tasks()))
    for row in sorted(map(flaps.row, results)):
        print(row)
    return _told(options, [(str(one.plan), flaps.broken(one)) for one in results])


def _planted(options: argparse.Namespace) -> bool:
    missed = False
    for name in planted.PLANTS:
        seed, words = planted.caught(name)
        print(f"{name:30} " + (f"seed {seed}: {words}" if words else f"MISSED by {seed} seeds"))
        missed = missed or not words
    return missed


def _seeds(options: argparse.Namespace) -> Sequence[int]:
    if options.seed is not None:
        return [options.seed]
    return range(options.first, options.first + options.runs)


def _each(options: argparse.Namespace, call: Callable[[T], R], tasks: Iterable[T],
          chunk: int = 1) -> Iterator[R]:
    if options.seed is not None:
        yield from map(call, tasks)
        return
    with get_context("spawn").Pool(options.processes) as pool:
        yield from pool.imap_unordered(call, tasks, chunksize=chunk)


def _told(options: argparse.Namespace, found: Sequence[tuple[str, Sequence[str]]]) -> bool:
    """Print what failed, of a single run also what was planned."""
    bad = [(plan, failures) for plan, failures in found
           if failures or options.seed is not None]
    for plan, failures in bad[:options.show]:
        print(f"\n{plan}")
        print("".join(f"  FAILED {line}\n" for line in failures), end="")
    return any(failures for _, failures in found)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--sockets", action="store_true", help="over real sockets, in real time")
    parser.add_argument("--flaps", action="store_true",
                        help="an hour each of connections that come and go")
    parser.add_argument("--planted", action="store_true",
                        help="break the product on purpose, and see that it is noticed")
    parser.add_argument("--seed", type=int, help="run this schedule only")
    parser.add_argument("--verbose", action="store_true", help="with every event of it")
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--each", action="store_true", help="and a line for each kind of fault")
    parser.add_argument("--show", type=int, default=20, help="so many failures in full")
    parser.add_argument("--kinds", type=lambda text: tuple(text.split(",")), default=tuple(KINDS),
                        help="only these kinds of fault, as in wrong,silence")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
