"""What /metrics costs: each message, each scrape, and the feeds while one goes on."""

import time
import timeit
from pathlib import Path

import pytest

from bot.feeds.intake import LAG_BOUNDS
from bot.metrics.buckets import Buckets
from bot.sandbox.server import Sandbox
from tests.bench.conftest import Figure, blasting, spread
from tests.bench.test_figures import FEEDS_ON, PAUSE, cpu_s
from tests.metrics.scraping import Scrape, scrape
from tests.processes import Daemon, daemon

pytestmark = pytest.mark.bench

MANY = [f"{base}USDT" for base in ("BTC", "ETH", *(f"C{number:02}" for number in range(48)))]
LATE = ("0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1")


def test_what_a_message_costs_more(figure: Figure) -> None:
    """All that is done for metrics while a message is taken: two counts."""
    buckets, counts, late, kind = Buckets(LAG_BOUNDS), {"trade": 0}, 0.0031, "trade"
    rounds = 200_000

    def taken() -> None:
        counts[kind] += 1
        buckets.observe(late)

    def nothing() -> None:
        pass

    best = [min(timeit.repeat(what, number=rounds, repeat=9)) / rounds * 1e6
            for what in (taken, nothing)]
    figure("metrics: each message costs more", f"{best[0] - best[1]:.3f} us", "< 0.3 us")
    assert best[0] - best[1] < 0.3


@pytest.mark.parametrize("symbols", [MANY[:2], MANY], ids=["2", "50"])
def test_what_a_scrape_costs(figure: Figure, tmp_path: Path, symbols: list[str]) -> None:
    with Sandbox(symbols=symbols, rate=0) as sandbox:
        settings = FEEDS_ON | sandbox.environment() | {"TRADING_SYMBOL": ",".join(symbols)}
        with daemon(tmp_path, settings) as bot:
            bot.wait_for("initialized successfully")
            size = len(bot.get("/metrics").content)
            series = len(scrape(bot)._samples)
            idle, before, times = -cpu_s(bot), 0.0, []
            PAUSE(5.0)
            idle, before = (idle + cpu_s(bot)) / 5.0, cpu_s(bot)
            began = time.monotonic()
            for _ in range(200):
                asked = time.perf_counter()
                assert bot.get("/metrics").status_code == 200
                times.append(time.perf_counter() - asked)
            spent = cpu_s(bot) - before - idle * (time.monotonic() - began)
            assert bot.terminate() == 0
    figure(f"a scrape, {len(symbols)} symbols, {series} series, {size / 1000:.0f} kB",
           f"{spent / 200 * 1000:.1f} ms of CPU; {spread(times)}",
           "p99 < 50 ms" if len(symbols) == 2 else "-")
    assert len(symbols) > 2 or sorted(times)[197] < 0.05


class Lags:
    """How late messages came over several stretches of time, by the bot's own histogram."""

    def __init__(self) -> None:
        self._above = dict.fromkeys(LATE, 0.0)
        self._count = self._seconds = 0.0

    def watch(self, bot: Daemon, seconds: float, scrapes_per_s: float) -> None:
        before, began = scrape(bot), time.monotonic()
        while time.monotonic() - began < seconds:
            if scrapes_per_s:
                assert bot.get("/metrics").status_code == 200
            PAUSE(1 / (scrapes_per_s or 1))
        self._add(before, -1.0)
        self._add(scrape(bot), 1.0)
        self._seconds += time.monotonic() - began

    def share(self, bound: str) -> float:
        """Of the messages that came later than that."""
        return self._above[bound] / self._count

    def __str__(self) -> str:
        each = ", ".join(f"{self.share(bound):.2%} > {float(bound) * 1000:g} ms" for bound in LATE)
        return f"{each} ({self._count / self._seconds:.0f}/s)"

    def _add(self, now: Scrape, sign: float) -> None:
        count = now.total("source_lag_seconds_count")
        self._count += sign * count
        for bound in LATE:
            self._above[bound] += sign * (count - now.total("source_lag_seconds_bucket", le=bound))


def test_scrapes_delay_no_feed(figure: Figure, tmp_path: Path) -> None:
    """Ten times a second, where once in five is usual; in turn with none, for machines differ from
    one minute to the next.
    """
    lags = {10.0: Lags(), 0.0: Lags()}
    with blasting("binance", 5000, 5) as binance, blasting("okx", 5000, 5) as okx:
        settings = FEEDS_ON | {"BINANCE_WS_URL": binance, "OKX_WS_URL": okx,
                               "ENABLE_OKX_LIVE": "false"}
        with daemon(tmp_path, settings) as bot:
            bot.wait_for("initialized successfully")
            PAUSE(5.0)
            for _ in range(8):
                for scrapes, lag in lags.items():
                    lag.watch(bot, 4.0, scrapes)
            assert bot.terminate() == 0
    for scrapes, lag in lags.items():
        figure(f"lag of messages, {scrapes:.0f} scrapes/s", str(lag), "the same with and without")
    assert lags[10.0].share("0.05") < lags[0.0].share("0.05") + 0.01
