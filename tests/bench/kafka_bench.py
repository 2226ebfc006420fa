"""A broker for figures, and loads on it in processes of their own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any
from uuid import uuid4


from tests.bench.kafka_order import PARTITIONS, SYMBOLS
from tests.broker.cluster import Cluster
from tests.processes import ROOT


ROUNDS = 3
DARK = {"ENABLE_DUCKDB": "false", "ENABLE_OKX_LIVE": "false", "TRADING_SYMBOL": ",".join(SYMBOLS)}
Found = dict[str, Any]


class Load:
    """A process of kafka_load that is ready; `go` lets it measure, `found` waits for the end."""

    def __init__(self, what: str, order: Found) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.kafka_load", what, json.dumps(order)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self) -> "Load":
        assert self._line() == "ready\n"
        return self

    def go(self) -> "Load":
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self

    def found(self) -> Found:
        found: Found = json.loads(self._line())
        self.end()
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Bench:
    """A broker, topics on it, and loads that end with the test."""

    def __init__(self, cluster: Cluster, stack: ExitStack) -> None:
        self.cluster = cluster
        self._stack = stack

    def topic(self, **config: str) -> str:
        name = f"topic-{uuid4().hex[:8]}"
        self.cluster.create_topic(name, PARTITIONS, config=config)
        return name

    def load(self, what: str, topic: str, **order: Any) -> Load:
        load = Load(what, {"brokers": self.cluster.bootstrap, "topic": topic, **order})
        self._stack.callback(load.end)
        return load.ready()

    def run(self, what: str, topic: str, **order: Any) -> Found:
        return self.load(what, topic, **order).go().found()

    def settings(self, instance: str, **more: str) -> dict[str, str]:
        return {"KAFKA_BROKERS": self.cluster.bootstrap, "INSTANCE_ID": instance, **DARK, **more}


@contextmanager
def exchange(rate: int) -> Iterator[str]:
    load = Load("blast", {"rate": rate})
    try:
        yield f"ws://127.0.0.1:{int(load._line())}"
    finally:
        load.end()


def part(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def middle(rounds: list[Found], what: str = "us") -> str:
    """Median and range of a figure over the rounds."""
    values = [found[what] for found in rounds]
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"
