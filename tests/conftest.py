"""What holds for every test."""

import threading
import time
from collections.abc import Iterator

import pytest

STRAGGLE_S = 3.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A thread that a test started and that outlives it fails the test."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + STRAGGLE_S
    for thread in set(threading.enumerate()) - before:
        thread.join(max(0.0, deadline - time.monotonic()))
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not left, f"threads outlive the test: {', '.join(left)}"
