import threading
from collections.abc import Callable, Iterator

import pytest

from bot.web.hub import Hub, Limits
from bot.web.server import WebServer
from bot.worker import Deadline, stop_all
from tests.web.fakes import FakeView

Serve = Callable[..., tuple[WebServer, Hub]]


@pytest.fixture(autouse=True)
def no_thread_outlives_the_test() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert not left


@pytest.fixture
def view() -> FakeView:
    return FakeView()


@pytest.fixture
def serve(view: FakeView, no_thread_outlives_the_test: None) -> Iterator[Serve]:
    """Start a server with its hub on a free port of loopback; both are stopped at the end."""
    running: list[WebServer | Hub] = []

    def start(limits: Limits = Limits(), **options: str) -> tuple[WebServer, Hub]:
        hub = Hub(limits)
        web = WebServer(view, hub, host=options.pop("host", "127.0.0.1"), port=0, **options)
        web.bind()
        running.extend((web, hub))
        hub.start()
        web.start()
        return web, hub

    yield start
    assert stop_all(running, Deadline(5)) == []
    assert [worker.failure for worker in running if worker.failure] == []
