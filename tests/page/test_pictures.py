"""How it looks, for people: pictures are kept in the folder that BOT_SCREENSHOTS names."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox.server import Sandbox
from tests.page.conftest import Open, cut_off

LONG_MS = 15_000
PNG = b"\x89PNG"
HOUR = (Path(__file__).parent / "hour.js").read_text().rstrip().rstrip(";")
# What comes now is drawn behind that hour, which the page would else take for another bot's.
GO_ON = """async () => {
    const { page } = await import("/static/js/main.js");
    page.state.isOf = () => true;
    page.resume();
}"""


def keep(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    assert path.read_bytes().startswith(PNG) and path.stat().st_size > 20_000


def fill(page: Page) -> None:
    """Give it an hour to show, once the bot, which may have just started, knows rates."""
    expect(page.locator("#sources")).not_to_contain_text("–/s", timeout=LONG_MS)
    page.evaluate(HOUR)
    page.get_by_role("button", name="1 h").click()
    expect(page.locator("#events")).to_contain_text("put away")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_is_well(opened: Open, screenshots: Path, theme: str) -> None:
    page = opened(color_scheme=theme)
    fill(page)
    keep(page, screenshots, theme)


def test_on_a_phone(opened: Open, screenshots: Path) -> None:
    page = opened(viewport={"width": 420, "height": 900})
    fill(page)
    keep(page, screenshots, "phone")


def test_an_incident_and_then_the_lost_stream(
    opened: Open, healed: Sandbox, screenshots: Path
) -> None:
    page = opened(color_scheme="dark")
    fill(page)
    page.evaluate(GO_ON)
    page.get_by_role("button", name="5 min", exact=True).click()
    healed.fault("binance", "silence")
    # for so long that it can be seen among five minutes
    expect(page.locator("#incidents")).to_contain_text(
        re.compile(r"binance is not fit for BTCUSDT for [3-9]\.\d s so far"), timeout=LONG_MS)
    keep(page, screenshots, "incident")
    cut_off(page)
    expect(page.locator("body")).to_have_class("stale")
    expect(page.locator("#banner")).to_contain_text("No answer from the bot", timeout=LONG_MS)
    keep(page, screenshots, "stream-lost")
