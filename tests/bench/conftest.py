"""One table of figures at the end of the run."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # importing them takes kafka-python along, which warns
    from tests.bench.kafka_bench import Bench
    from tests.broker.cluster import Cluster

Figure = Callable[[str, str, str], None]

ROWS: list[tuple[str, str, str]] = []


@pytest.fixture
def figure() -> Figure:
    """Put a row in the table: what was measured, the figure, and what was promised."""
    return lambda what, value, promised: ROWS.append((what, value, promised))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROWS:
        return
    terminalreporter.section("figures")
    terminalreporter.line(f"{platform.machine()}, {os.cpu_count()} cores, Linux "
                          f"{platform.release()}, Python {platform.python_version()}")
    widths = [max(map(len, column)) for column in zip(*ROWS, strict=True)]
    for row in ROWS:
        terminalreporter.line("  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Cluster]":
    from tests.broker import fetch
    if lack := fetch.missing():
        pytest.skip(f"Apache Kafka is not here, {lack}: {fetch.HOW_TO}")
    from tests.broker.cluster import Cluster
    patient = {"broker.session.timeout.ms": "9000"}
    with Cluster(tmp_path_factory.mktemp("kafka"), properties=patient) as cluster:
        yield cluster


@pytest.fixture
def bench(node: "Cluster") -> "Iterator[Bench]":
    """The broker, topics on it, and loads that end with the test."""
    from tests.bench.kafka_bench import Bench
    with ExitStack() as stack:
        yield Bench(node, stack)
        node.start()


@contextmanager
def blasting(exchange: str, rate: float, batch: int = 1) -> Iterator[str]:
    """A market data server in a process of its own. Yields: its URL."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.blaster", exchange, str(rate), str(batch)],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert server.stdout is not None
    try:
        yield f"ws://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def spread(values: list[float], unit: str = "ms", scale: float = 1000.0) -> str:
    """p50 / p99 / max of values in s."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return (f"p50 {ordered[len(ordered) // 2] * scale:.1f}, p99 {p99 * scale:.1f}, "
            f"max {ordered[-1] * scale:.1f} {unit} ({len(ordered)} runs)")
