"""For everybody: nothing that axe finds (WCAG 2 A and AA, 2.1 AA) in either theme."""

from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.sandbox.server import Sandbox
from bot.web.login import FORM, STYLE
from tests.page.conftest import Open, cut_off

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
THEMES = ["dark", "light"]


def violations(page: Page) -> list[str]:
    page.add_script_tag(content=AXE)
    found: Any = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    assert len(found["passes"]) > 10, "it looked"
    return [f"{rule['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
            for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_found_while_all_is_well(opened: Open, theme: str) -> None:
    page = opened(color_scheme=theme, bypass_csp=True)
    assert violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_found_on_a_phone(opened: Open, theme: str) -> None:
    page = opened(color_scheme=theme, bypass_csp=True, viewport={"width": 420, "height": 900})
    assert violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_found_in_an_incident(opened: Open, healed: Sandbox, theme: str) -> None:
    page = opened(color_scheme=theme, bypass_csp=True)
    healed.fault("third", "refuse")
    healed.fault("third", "cut")
    healed.fault("okx", "silence")
    for source in ("okx", "third"):
        expect(page.locator("#incidents")).to_contain_text(f"{source} is not fit for BTCUSDT")
    assert violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_found_when_the_stream_is_lost(opened: Open, theme: str) -> None:
    page = opened(color_scheme=theme, bypass_csp=True)
    cut_off(page)
    expect(page.locator("body")).to_have_class("stale")
    assert violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_found_in_the_form_of_the_log_in(
    browser: Browser, theme: Literal["dark", "light"]
) -> None:
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    page.set_content(FORM.format(style=STYLE, instance="primary", word=(
        '<p class="wrong" role="alert">That is not the token of this bot.</p>')))
    found = violations(page)
    context.close()
    assert found == []


def test_the_price_is_not_read_aloud_at_every_change(opened: Open) -> None:
    page = opened()
    spoken = page.evaluate("""() => [...document.querySelectorAll(
        "[aria-live], [role=status], [role=alert]")].map((element) => element.id)""")
    assert set(spoken) == {"live", "banner", "said", "todo", "drill-outcome"}


def test_everything_can_be_reached_by_keyboard(opened: Open) -> None:
    page = opened()
    reached = []
    for _ in range(16):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(
            "document.activeElement.id || document.activeElement.getAttribute('aria-label') "
            "|| document.activeElement.textContent"))
    assert any(name.startswith("BTCUSDT") for name in reached)
    for name in ("theme", "incidents", "events", "5 min", "What was served",
                 "binance over time"):
        assert name in reached


def test_that_time_passes_is_not_read_aloud(opened: Open) -> None:
    page = opened()
    page.evaluate("""() => {
        window.said = [];
        for (const place of document.querySelectorAll("[role=status], [role=alert]"))
            new MutationObserver((changes) => window.said.push(...changes
                .map((change) => change.target)
                .filter((node) => !(node.nodeType === Node.TEXT_NODE ? node.parentElement : node)
                    ?.closest("[aria-hidden]"))
                .map((node) => node.textContent))
            ).observe(place, {subtree: true, childList: true, characterData: true});
    }""")
    cut_off(page)
    expect(page.locator("#live")).to_contain_text("STREAM LOST 5 s", timeout=20_000)
    said = page.evaluate("window.said")
    assert said[0] == "STREAM LOST" and not [words for words in said if words.endswith(" s")], said
