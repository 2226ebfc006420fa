"""A real browser before the real bot, which listens to practice exchanges."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright,
)

from bot.sandbox.server import Sandbox
from tests.page.bots import SHAPES, running
from tests.processes import Daemon

FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage "
         "--disable-background-networking --disable-component-update --disable-sync").split()
# A bot that is down is what some tests are about, and the browser itself says so.
WHILE_DOWN = re.compile(r"net::ERR_|WebSocket connection to .* failed")

Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def no_thread_is_left() -> None:
    """Not asked here: exchanges that several tests share open and close their ports on threads."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        assert not os.environ.get("BOT_REQUIRE_BROWSER"), "there is no chromium"
        pytest.skip("there is no chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    """Not for the whole session: the tests after these need the machine, and their threads."""
    with Sandbox(exchanges=SHAPES, rate=20) as exchanges:
        yield exchanges


@pytest.fixture(scope="package")
def bot(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("bot"), sandbox) as daemon:
        yield daemon


@pytest.fixture
def healed(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Whatever a test throws is taken off after it."""
    yield sandbox
    sandbox.heal()


class Faults:
    """Everything that a page may not do: errors, violations of its policy, strange hosts."""

    def __init__(self, host: str) -> None:
        self.may_be_down = False
        self.seen: list[str] = []
        self._host = host

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.seen.append(f"{error} {error.stack}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        allowed = self.may_be_down and WHILE_DOWN.search(message.text)
        if message.type in ("error", "warning") and not allowed:
            self.seen.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"http://{self._host}/", "data:")):
            self.seen.append(f"request to {request.url}")


FAULTS: dict[Page, Faults] = {}  # of the pages that are open


def may_be_down(page: Page) -> None:
    """From now on the browser may complain of a bot that cannot be reached."""
    FAULTS[page].may_be_down = True


def forgive(page: Page) -> None:
    """What the browser complained of so far was right, such as an answer of 401."""
    FAULTS[page].seen.clear()


@pytest.fixture
def opened(browser: Browser, bot: Daemon) -> Iterator[Open]:
    """Opens the page of `bot`, or of another; what went wrong in it fails the test."""
    contexts: list[BrowserContext] = []

    def show(path: str = "/", of: Daemon | None = None, wait: bool = True, **options: Any) -> Page:
        host = f"127.0.0.1:{(of or bot).port}"
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        faults = Faults(host)
        faults.watch(page)
        FAULTS[page] = faults
        page.goto(f"http://{host}{path}")
        if wait:
            page.wait_for_selector('#live[data-live="yes"]')
        return page

    yield show
    for context in contexts:
        context.close()
    seen = [fault for faults in FAULTS.values() for fault in faults.seen]
    FAULTS.clear()
    assert seen == []


def cut_off(page: Page) -> None:
    """The network of the browser is gone."""
    may_be_down(page)
    page.context.set_offline(True)  # which closes no WebSocket that is open
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        page.stream.restart("the network is gone");
    }""")


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = Path(os.environ.get("BOT_SCREENSHOTS") or "build/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
