"""How it looks, for people: pictures are kept in the folder that BOT_SCREENSHOTS names."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox.server import Sandbox
from tests.page.conftest import Open, cut_off

PNG = b"\x89PNG"
HOUR = (Path(__file__).parent / "hour.js").read_text().rstrip().rstrip(";")


def keep(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    page.screenshot(path=path, full_page=True)
    assert path.read_bytes().startswith(PNG) and path.stat().st_size > 20_000


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_is_well(opened: Open, screenshots: Path, theme: str) -> None:
    page = opened(color_scheme=theme)
    page.evaluate(HOUR)
    expect(page.locator("#events")).to_contain_text("put away")
    keep(page, screenshots, theme)


def test_on_a_phone(opened: Open, screenshots: Path) -> None:
    page = opened(viewport={"width": 420, "height": 900})
    page.evaluate(HOUR)
    expect(page.locator("#events")).to_contain_text("put away")
    keep(page, screenshots, "phone")


def test_an_incident_and_then_the_lost_stream(
    opened: Open, healed: Sandbox, screenshots: Path
) -> None:
    page = opened(color_scheme="dark")
    healed.fault("binance", "silence")
    expect(page.locator("#incidents")).to_contain_text("binance is not fit for BTCUSDT")
    keep(page, screenshots, "incident")
    cut_off(page)
    expect(page.locator("body")).to_have_class("stale")
    keep(page, screenshots, "stream-lost")
