"""Kafka for tests: the shared node, a topic on it, and clusters to break."""

import gc
import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.broker import fetch

with warnings.catch_warnings():
    # on Python 3.11 and 3.12 the import of kafka-python itself warns (importlib.resources)
    warnings.simplefilter("ignore", DeprecationWarning)
    from tests.broker.cluster import Cluster

# `pytestmark` of a module whose tests make clients of kafka-python: 3.0 leaves many a socket to the
# collector, which is to run while the warning still belongs to the test
CLIENTS = [pytest.mark.filterwarnings(r"ignore:unclosed <s\S+ocket fd=:ResourceWarning"),
           pytest.mark.usefixtures("collected")]


class ClusterMaker:
    """`cluster(nodes, **options)`: a started Cluster that ends with the fixture."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._numbers = itertools.count(1)

    def __call__(self, nodes: int = 1, **options: Any) -> Cluster:
        folder = self._folder / f"cluster{next(self._numbers)}"
        return self._stack.enter_context(Cluster(folder, nodes, **options))


@pytest.fixture(scope="session")
def kafka_is_here() -> None:
    """Skips, or with BOT_REQUIRE_KAFKA=1 fails, where Kafka cannot run."""
    if lack := fetch.missing():
        text = f"Apache Kafka is not here, {lack}: {fetch.HOW_TO}"
        if os.environ.get("BOT_REQUIRE_KAFKA") == "1":
            pytest.fail(text)
        pytest.skip(text)


@pytest.fixture(scope="session")
def kafka(kafka_is_here: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node that all tests share: do not kill, hang or fill it."""
    patient = {"broker.session.timeout.ms": "9000"}  # not fenced when the machine is busy
    with Cluster(tmp_path_factory.mktemp("kafka"), properties=patient) as cluster:
        yield cluster


@pytest.fixture
def topic(kafka: Cluster) -> str:
    """A topic of 3 partitions on the shared node that no other test knows."""
    name = f"topic-{uuid4().hex[:12]}"
    kafka.create_topic(name)
    return name


@pytest.fixture
def cluster(kafka_is_here: None, tmp_path: Path) -> Iterator[ClusterMaker]:
    """Makes clusters of the test's own, to be broken; arguments as Cluster's after the folder."""
    with ExitStack() as stack:
        yield ClusterMaker(tmp_path, stack)


@pytest.fixture(scope="module")
def module_cluster(
    kafka_is_here: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClusterMaker]:
    """`cluster` for a whole module, whose tests leave it as they found it."""
    with ExitStack() as stack:
        yield ClusterMaker(tmp_path_factory.mktemp("cluster"), stack)


@pytest.fixture
def collected() -> Iterator[None]:
    """Garbage is collected at the end of the test, see CLIENTS."""
    yield
    gc.collect()
