"""What the journal costs a feed, update by update, and how long it waits for its turn."""

import gc
import threading
import time
from itertools import islice
from pathlib import Path
from statistics import median

import pytest

from bot.events import Publisher
from bot.feeds.intake import Intake
from bot.judging.journal import Journal, Turn
from bot.record.pile import BATCH_ROWS, Pile
from bot.store import LatestPrices
from tests.bench.conftest import Figure, spread
from tests.bench.market import FIFTY, PAIR, THREE, Daemon, ticks
from tests.bench.offering import CAPACITY, PAUSE, recording

pytestmark = pytest.mark.bench


def us_per_update(journal: Journal, pile: Pile | None) -> float:
    """Of `take`, one at a time. What the recorder's thread does with the pile is not counted."""
    intake = {name: Intake(name, LatestPrices(), Publisher(("market_data",)), journal=journal)
              for name in ("binance", "okx")}
    updates = list(islice(ticks(), 100_000))
    spent = 0.0
    gc.collect()
    for begin in range(0, len(updates), BATCH_ROWS):
        part = [(intake[update.exchange].take, [update], update.received_mono)
                for update in updates[begin:begin + BATCH_ROWS]]
        began = time.perf_counter()
        for take, news, now in part:
            take(news, now)
        spent += time.perf_counter() - began
        if pile is not None:
            pile._queue.clear()
    return spent / len(updates) * 1e6


def test_what_the_journal_costs_a_feed(figure: Figure) -> None:
    without, kept = [], []
    for _ in range(9):
        without.append(us_per_update(Journal(), None))
        pile = Pile(CAPACITY)
        kept.append(us_per_update(Journal(pile.put), pile))
        assert not pile.dropped
    figure("taking an update, journal not kept", f"median {median(without):.2f}, least "
           f"{min(without):.2f} us", "-")
    figure("taking an update, journal kept", f"median {median(kept):.2f}, least "
           f"{min(kept):.2f} us", "-")


def far(values: list[float]) -> str:
    """Out to one in a thousand. values: in s."""
    ordered = [value * 1e6 for value in sorted(values)]
    p50, p99, p999 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99, 0.999))
    return (f"p50 {p50:.0f}, p99 {p99:.0f}, p99.9 {p999:.0f}, max {ordered[-1]:.0f} us "
            f"({len(ordered)} updates)")


class TimedTurn(Turn):
    """It tells how long the watchdog held it."""

    def __init__(self) -> None:
        super().__init__()
        self._began = 0.0
        self.held: list[float] = []

    def __enter__(self) -> None:
        super().__enter__()
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        held = time.perf_counter() - self._began
        super().__exit__()
        if threading.current_thread().name == "watchdog":
            self.held.append(held)


@pytest.mark.parametrize("judging", [False, True])
@pytest.mark.parametrize("symbols", [PAIR, FIFTY])
def test_how_long_the_watchdog_keeps_a_feed_waiting(
    figure: Figure, tmp_path: Path, symbols: tuple[str, ...], judging: bool
) -> None:
    """An update every millisecond, beside the watchdog at its own pace."""
    with recording(tmp_path) as recorder:
        turn = TimedTurn()
        daemon = Daemon(recorder.keep, symbols, THREE, mono=time.monotonic)
        daemon.desk.journal.turn = turn
        daemon.fill(310.0)
        intake = daemon.aggregator.feeds["binance"].intake
        updates = list(islice(ticks(1_000.0, PAIR, ("binance",)), 15_000))
        took, late = list[float](), list[float]()
        if judging:
            daemon.aggregator.watchdog.start()
        for update in updates:
            due = time.perf_counter() + 0.001
            PAUSE(0.001)
            began = time.perf_counter()
            intake.take([update], time.monotonic(), 0.0)
            took.append(time.perf_counter() - began)
            late.append(time.perf_counter() - due)
        if judging:
            daemon.aggregator.watchdog.stop()
            assert daemon.aggregator.watchdog.join(5)
    about = f"{len(symbols)} symbols of 3 exchanges"
    if judging:
        figure(f"turn held by the watchdog, {about}", spread(turn.held, "us", 1e6), "-")
    beside = "watchdog at work" if judging else "no watchdog"
    figure(f"taking an update, {about}, {beside}", far(took), "-")
    figure(f"  from the moment it is due until it is taken, {beside}", far(late), "-")
