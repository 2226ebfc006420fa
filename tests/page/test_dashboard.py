"""What somebody sees who looks at the page: in a real browser, while real things happen."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from bot.sandbox.server import Sandbox
from tests.page.conftest import Open, forgive
from tests.processes import Daemon, daemon

LONG_MS = 15_000


def lane(page: Page, name: str) -> str:
    """What a screen reader says of a lane, all along it: state after state."""
    told = page.evaluate("""async (name) => {
        const { page } = await import("/static/js/main.js");
        const { sourceSpans, servedSpans } = await import("/static/js/spans.js");
        const now = page.state.board.timestamp, start = now - 3600000;
        const spans = name === "served" ? servedSpans(page.state, start, now)
            : sourceSpans(page.state, name, start, now);
        return spans.map((span) => `${span.active ? "active " : ""}${span.state} ${span.why}`);
    }""", name)
    return "\n".join(told)


def cell(page: Page, source: str, place: int = 0) -> Locator:
    """Of a source's row in the table, its state by default."""
    return page.locator(f"#sources tr:has(th:has-text('{source}')) td").nth(place)


def test_prices_move_and_the_page_says_what_they_are_worth(opened: Open) -> None:
    page = opened()
    before = page.inner_text("#price")
    expect(page.locator("#price")).not_to_have_text(before)
    expect(page.locator("#verdict")).to_contain_text("Trusted: agreed by")
    expect(page.locator("#confidence")).to_contain_text("of the truth, unless all it rests on")
    expect(page.locator("#active")).to_contain_text("binance since")
    expect(page.locator("#tiers li").first).to_contain_text("websocket serving")
    expect(page.locator("#todo")).to_contain_text("Nothing")
    assert page.locator("#sources tr").count() == 3
    assert page.locator("canvas[role=img]").count() == 2
    expect(page.locator("#footer")).to_contain_text("recording")
    expect(page.locator("#footer")).to_contain_text("healthy at")  # of a health_update


def test_headline_and_table_are_of_the_same_moment(opened: Open) -> None:
    page = opened()
    for _ in range(4):
        headline, table = page.evaluate("""() => [document.getElementById("price").textContent,
            document.querySelector("#sources tr td:nth-child(3) .num").textContent]""")
        assert headline == table
        expect(page.locator("#price")).not_to_have_text(headline)


def test_a_lost_source_turns_and_the_alert_appears(opened: Open, healed: Sandbox) -> None:
    page = opened()
    healed.fault("binance", "refuse")
    healed.fault("binance", "cut")
    expect(cell(page, "binance")).to_contain_text("✕ down")
    expect(page.locator(".lane-row:has-text('binance')")).to_have_attribute("data-state", "down")
    expect(page.locator("#said")).to_contain_text("BTCUSDT: source switch binance -> ")
    # of whom the reason is, and that is not the one that is active
    expect(page.locator("#active")).to_contain_text(", in place of binance: not connected: ")
    expect(page.locator("#events")).to_contain_text("binance → ")
    expect(page.locator("#open")).to_contain_text(" open")
    expect(page.locator("#incidents")).to_contain_text("binance is not fit for BTCUSDT")
    expect(page.locator("#incidents")).to_contain_text("Runbook: docs/runbook.md#source-down")
    expect(page.locator("#todo")).to_contain_text("it connects again by itself")
    healed.heal()
    expect(cell(page, "binance")).to_have_text(
        "● active", timeout=LONG_MS)
    expect(page.locator("#incidents")).to_contain_text("binance was not fit for BTCUSDT for ")
    assert "active fit" in lane(page, "okx") + lane(page, "third")


def test_an_alert_and_the_change_it_tells_of_stand_there_once(
    opened: Open, healed: Sandbox
) -> None:
    page = opened()
    healed.fault("binance", "cut")
    expect(page.locator("#said")).to_contain_text("source switch binance -> ")
    moves = page.locator("#events span")
    expect(moves.filter(has_text="binance → ").first).to_be_visible()
    told = page.evaluate("""async () => (await import("/static/js/main.js")).page.state.alerts
        .filter((one) => one.message.startsWith("BTCUSDT: source switch binance")).length""")
    assert told == 1
    # the alert is there at once, and gives way to the change that the next board brings
    expect(moves.filter(has_text="BTCUSDT: source switch binance -> ")).to_have_count(0)


def test_a_source_put_away_explains_itself(opened: Open, healed: Sandbox) -> None:
    page = opened()
    healed.fault("third", "wrong", 2.0)
    state = cell(page, "third")
    expect(state).to_contain_text("⊘ put away: disagrees with", timeout=LONG_MS)
    expect(state).to_contain_text("; back ")
    expect(page.locator("#incidents")).to_contain_text("Compare with another venue by hand")
    expect(cell(page, "third", 2)).to_contain_text("+19")
    assert "away disagrees with" in lane(page, "third")
    # which would else be all that one can see in the chart of distances
    expect(page.locator("#beyond")).to_contain_text("Beyond the picture: third, +19")


def test_the_last_error_stands_there_short_and_on_demand_in_full(opened: Open) -> None:
    page = opened()
    row = page.locator("#sources tr:has(th:has-text('okx'))")
    page.evaluate("async () => (await import('/static/js/main.js')).page.pause()")
    without = row.evaluate("(row) => row.clientHeight")
    message = '{"arg": {"channel": "tickers"}, "data": [{"last": ""}]}'
    words = f"okx: no price in '{message * 2}'"
    page.evaluate("""async (words) => {
        const { page } = await import("/static/js/main.js");
        Object.assign(page.state.board.sources[1],
            { errors: 1234, lastError: words, lastErrorAt: page.state.board.timestamp });
        page.draw();
    }""", words)
    errors = cell(page, "okx", 8)
    expect(errors).to_contain_text("1,234, last ")
    expect(errors.get_by_text("okx: no price in …")).to_be_visible()
    expect(errors.get_by_text(words)).to_be_hidden()
    assert row.evaluate("(row) => row.clientHeight") < without + 40, "two lines more at most"
    errors.locator("summary").click()
    expect(errors.get_by_text(words)).to_be_visible()


def test_the_last_line_of_what_happened_is_never_cut(opened: Open) -> None:
    page = opened()
    for height in range(600, 640, 7):
        page.set_viewport_size({"width": 1440, "height": height})
        page.evaluate("""async () => {
            const { page } = await import("/static/js/main.js");
            page.pause();
            const { board } = page.state;
            page.state.alerts = [...Array(30).keys()].map((n) => ({
                severity: "info", from: null, to: null, timestamp: board.timestamp - n,
                message: `${n} `.repeat(n % 2 ? 3 : 90) }));
            page.draw();
        }""")
        expect(page.locator("#events li").last).not_to_be_in_viewport()
        lines = page.evaluate("""() => {
            const list = document.getElementById("events");
            return list.clientHeight / parseFloat(getComputedStyle(list).lineHeight);
        }""")
        assert lines >= 4 and abs(lines - round(lines)) < 0.1, lines


def test_no_price_from_anywhere_is_told_as_such(opened: Open, healed: Sandbox) -> None:
    page = opened()
    for exchange in healed.exchanges:
        healed.fault(exchange, "rest_hang")
        healed.fault(exchange, "silence")
    expect(page.locator("#verdict")).to_contain_text("Made up", timeout=LONG_MS)
    expect(page.locator("#todo")).to_have_attribute("data-severity", "critical")
    expect(page.locator("#tiers")).to_contain_text("mock serving")
    assert "synthetic" in lane(page, "served")
    healed.heal()
    expect(page.locator("#verdict")).to_contain_text("Trusted", timeout=LONG_MS)


def test_a_reload_loses_nothing_of_the_lanes(opened: Open) -> None:
    page = opened()
    before = {name: lane(page, name) for name in ("served", "binance", "third")}
    page.reload()
    page.wait_for_selector('#live[data-live="yes"]')
    for name, told in before.items():
        assert told and lane(page, name).startswith(told)


def test_symbols_are_chosen_by_keyboard_and_kept_in_the_address(opened: Open) -> None:
    page = opened()
    page.focus("[role=tab][aria-selected=true]")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#served-symbol")).to_have_text("ETHUSDT")
    expect(page.locator("[role=tab][aria-selected=true]")).to_have_text("ETHUSDT")
    assert float(page.inner_text("#price").replace(",", "")) < 20_000
    page.reload()
    expect(page.locator("#served-symbol")).to_have_text("ETHUSDT")
    page.focus("[role=tab][aria-selected=true]")
    page.keyboard.press("Home")
    expect(page.locator("#served-symbol")).to_have_text("BTCUSDT")


def test_a_lane_can_be_walked_along_and_says_what_was(opened: Open) -> None:
    page = opened()
    bar = page.get_by_role("slider", name="okx over time")
    bar.focus()
    page.keyboard.press("Home")
    expect(page.locator("#lane-detail")).to_contain_text("okx, ")
    first = bar.get_attribute("aria-valuetext")
    page.keyboard.press("End")
    assert first and bar.get_attribute("aria-valuenow") == bar.get_attribute("aria-valuemax")
    assert first != bar.get_attribute("aria-valuetext")


def test_the_time_shown_can_be_chosen(opened: Open) -> None:
    page = opened()
    long = page.get_by_role("button", name="1 h")
    expect(long).to_have_attribute("aria-pressed", "false")  # there is not that much to see yet
    long.click()
    expect(long).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="5 min", exact=True)).to_have_attribute(
        "aria-pressed", "false")


def test_the_time_shown_stays_as_it_is_while_more_becomes_known(opened: Open) -> None:
    page = opened()
    shown = page.inner_text("#spans [aria-pressed=true]")
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        page.state.since -= 3600000;
        page.draw();
    }""")
    price = page.inner_text("#price")
    expect(page.locator("#price")).not_to_have_text(price)  # it has been drawn since
    expect(page.locator("#spans [aria-pressed=true]")).to_have_text(shown)


def test_the_theme_is_the_systems_until_another_is_chosen(opened: Open) -> None:
    page = opened(color_scheme="dark")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.click("#theme")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("width", [320, 420, 768])
def test_no_width_scrolls_sideways(opened: Open, width: int) -> None:
    page = opened(viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_drills_are_not_offered_where_they_are_refused(opened: Open, bot: Daemon) -> None:
    page = opened()
    expect(page.locator("#drills")).to_be_hidden()
    expect(page.locator("#logout")).to_be_hidden()


def test_what_the_stream_brings_that_nobody_knows_is_passed_over(opened: Open) -> None:
    page = opened()
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        for (const message of [{type: "new", data: 1}, {type: "toString", data: null}])
            page.take(message);
    }""")


def test_text_of_the_bot_is_text_and_no_markup(opened: Open) -> None:
    page = opened()
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        page.take({type: "alert", data: {severity: "warning", from: null, to: null, reason: "",
            message: "<img src=x onerror=alert(1)>", timestamp: page.state.board.timestamp}});
    }""")
    expect(page.locator("#events")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator("#events img").count() == 0


def test_of_many_symbols_there_is_a_list_instead_of_tabs(opened: Open) -> None:
    page = opened()
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        page.pause();
        const { board } = page.state;
        board.symbols = [...Array(300).keys()].map((n) => (
            {symbol: n ? `A${n}USDT` : board.symbol, status: n === 7 ? "stale" : "trusted",
             openIncidents: 0}));
        page.draw();
    }""")
    choice = page.get_by_role("combobox", name="Symbol")
    expect(choice.locator("option")).to_have_count(300)
    expect(choice).to_have_value("BTCUSDT")
    expect(choice.locator("option").nth(7)).to_have_text("A7USDT ⏱")


def test_an_address_that_names_no_symbol_of_the_bot_shows_the_main_one(opened: Open) -> None:
    page = opened("/#XRPUSDT")
    expect(page.locator("#served-symbol")).to_have_text("BTCUSDT")
    # that the bot refused the other one is right, and the browser's console says so
    forgive(page)


def test_with_the_feeds_off_the_page_shows_what_is_served_all_the_same(
    opened: Open, sandbox: Sandbox, tmp_path: Path
) -> None:
    with daemon(tmp_path, sandbox.environment() | {"POLL_INTERVAL": "200"}) as bare:
        bare.wait_for("BTCUSDT is served from ")
        page = opened(of=bare, wait=False)
        page.wait_for_selector('#live[data-live="yes"]')
        expect(page.locator("#tiers li").first).to_contain_text("websocket off")
        expect(page.locator("#active")).to_have_text("nobody")
        expect(page.locator("#origin")).to_contain_text("OKX", timeout=LONG_MS)
        page.close()  # before its bot ends
