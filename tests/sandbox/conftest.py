import threading
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.sandbox.helpers import Connect


@pytest.fixture(autouse=True)
def no_thread_outlives_a_test() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Sends nothing by itself."""
    with Sandbox(rate=0) as quiet:
        yield quiet


@pytest.fixture
def connect() -> Iterator[Connect]:
    opened: list[Any] = []

    def connected(url: str, timeout: float = 5.0) -> Any:
        client = websocket.create_connection(url, timeout=timeout, skip_utf8_validation=True)
        opened.append(client)
        return client

    yield connected
    for client in opened:
        client.shutdown()
