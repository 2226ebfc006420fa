"""Random faults over real sockets, with the daemon's own threads."""

from multiprocessing import get_context

import pytest

from tests.chaos.socket_report import LOSS_S, failures
from tests.chaos.sockets import Outcome, run
from tests.chaos.troubles import TROUBLES, drawn

SEEDS = (1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    with get_context("spawn").Pool(2) as pool:
        found = pool.map(run, SEEDS, chunksize=1)
        pool.close()
        pool.join()
    return found


def test_every_promise_is_kept_over_real_sockets(outcomes: list[Outcome]) -> None:
    """No wrong price, a quick successor, recovery without help, and nothing left behind.

    python -m tests.chaos --sockets --seed N runs one of them again.
    """
    broken = [f"{one.plan}\n  {failure}" for one in outcomes for failure in failures(one)]
    assert not broken, f"{len(broken)} failures:\n" + "\n".join(broken)


def test_most_prices_are_good_and_a_lost_connection_is_hardly_seen(outcomes: list[Outcome]) -> None:
    assert sum(one.sight.good for one in outcomes) > 0.8 * sum(
        one.sight.quotes for one in outcomes)
    losses = sorted(loss for one in outcomes for loss in one.sight.losses)
    assert losses and losses[len(losses) // 2] < LOSS_S


def test_every_fault_of_the_practice_exchanges_is_drawn_sometimes() -> None:
    plans = [drawn(seed) for seed in range(1, 301)]
    assert {one.name for plan in plans for one in plan.troubles} == set(TROUBLES)
    assert {len(plan.shapes) for plan in plans} == {2, 3, 4, 5}
    assert sum(plan.decidable for plan in plans) > 0.8 * len(plans)
