"""A page that has lost its bot must say so, and must never show a number that looks alive."""

import signal

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from bot.sandbox.server import Sandbox
from tests.page.bots import running
from tests.page.conftest import Open, cut_off, may_be_down
from tests.processes import Daemon, free_port

LONG_MS = 20_000


def is_grey(page: Page) -> bool:
    """Whether the large price has lost its colour and is crossed out."""
    grey: bool = page.evaluate("""() => {
        const muted = document.createElement("i");
        muted.style.color = "var(--muted)";
        document.body.append(muted);
        const style = getComputedStyle(document.getElementById("price"));
        const same = style.color === getComputedStyle(muted).color;
        muted.remove();
        return same;
    }""")
    return grey


def lost(page: Page) -> None:
    """It says what is lost, how old the numbers are, and none of them looks alive."""
    may_be_down(page)
    expect(page.locator("#live")).to_have_attribute("data-live", "no", timeout=LONG_MS)
    expect(page.locator("body")).to_have_class("stale")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator(".old").first).to_contain_text("old: ")
    assert is_grey(page)
    expect(page).to_have_title("BTCUSDT STREAM LOST · autonomous-bot")


def back(page: Page) -> None:
    expect(page.locator("#live")).to_have_text("LIVE", timeout=LONG_MS)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("body")).not_to_have_class("stale")
    expect(page.locator(".old").first).to_have_text("")
    assert not is_grey(page)


def test_a_bot_that_stands_still_is_noticed_within_seconds(opened: Open, bot: Daemon) -> None:
    """Nothing is closed then: packets are taken, and nothing is answered."""
    page = opened()
    bot.signal(signal.SIGSTOP)
    try:
        lost(page)
        expect(page.locator("#banner")).to_contain_text("No answer from the bot (no answer in 3 s)")
        expect(page.locator("#verdict")).to_contain_text("Not known now. When last heard of: ")
        frozen = page.inner_text("#price")
        old = page.inner_text(".old >> nth=0")
        expect(page.locator(".old").first).not_to_have_text(old)  # it counts up
        assert page.inner_text("#price") == frozen
    finally:
        bot.signal(signal.SIGCONT)
    back(page)


def test_a_bot_that_is_started_again_is_taken_up_by_itself(
    opened: Open, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, port = tmp_path_factory.mktemp("again"), str(free_port())
    with running(folder, sandbox, API_PORT=port) as first:
        page = opened(of=first)
        may_be_down(page)
        assert first.terminate() == 0
        lost(page)
        expect(page.locator("#banner")).to_contain_text("it cannot be reached")
    with running(folder, sandbox, API_PORT=port):
        back(page)
        expect(page.locator("#incidents")).to_contain_text("The bot did not run for ")
        told = page.evaluate("""async () => {
            const { page } = await import("/static/js/main.js");
            const { sourceSpans } = await import("/static/js/spans.js");
            const now = page.state.board.timestamp;
            return sourceSpans(page.state, "binance", now - 3600000, now)
                .map((span) => `${span.active ? "active " : ""}${span.state}`);
        }""")
        assert "active fit" in told[:told.index("off")], "as it was before"
        expect(page.locator("#begun")).to_contain_text("begin with the bot, at ")
        expect(page.locator(".lane-row:has-text('binance')")).to_have_attribute(
            "data-state", "active", timeout=LONG_MS)


def test_a_stream_through_which_nothing_comes_is_given_up(opened: Open) -> None:
    """The bot answers, and counts on: only the WebSocket is half-open."""
    page = opened(wait=False)
    page.wait_for_selector('#live[data-live="yes"]')
    sockets: list[WebSocketRoute] = []
    mute = True

    def serve(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(lambda message: None if mute else socket.send(message))

    page.route_web_socket("**/ws", serve)
    page.reload()
    lost(page)
    expect(page.locator("#banner")).to_contain_text("The live stream is lost")
    expect(page.locator("#banner")).to_contain_text("alerts may be missed")
    mute = False
    back(page)
    assert len(sockets) >= 2, "it connected anew"


def test_a_hidden_page_asks_nothing_and_catches_up_when_it_is_seen(opened: Open) -> None:
    page = opened()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide(page, True)
    page.wait_for_timeout(2500)  # that nothing happens can only be waited for
    assert sum("/api/" in url for url in asked) <= 1, "one may have been under way"
    asked.clear()
    assert page.title() == "paused · autonomous-bot", "no state in a title that nobody keeps true"
    hide(page, False)
    back(page)
    assert any("/api/v1/board" in url for url in asked)
    assert not any("/api/v1/trail" in url for url in asked), "news since then are enough"


def test_the_first_answer_after_none_opens_the_stream_at_once_and_only_that(opened: Open) -> None:
    page = opened()
    cut_off(page)
    expect(page.locator("#banner")).to_contain_text("No answer from the bot (it cannot be reached)")
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        const hurry = page.stream.hurry.bind(page.stream);
        window.hurried = 0;
        page.stream.hurry = () => { window.hurried += 1; hurry(); };
    }""")
    page.context.set_offline(False)
    back(page)
    price = page.inner_text("#price")
    expect(page.locator("#price")).not_to_have_text(price)  # an answer more
    assert page.evaluate("window.hurried") == 1


def hide(page: Page, hidden: bool) -> None:
    page.evaluate("""(hidden) => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }""", hidden)


def test_pauses_between_attempts_grow_and_are_never_all_the_same(opened: Open) -> None:
    page = opened()
    pauses = page.evaluate("""async () => {
        const { pauseMs } = await import("/static/js/stream.js");
        return [0, 1, 2, 3, 4, 5, 9].map((n) => [pauseMs(n, () => 0), pauseMs(n, () => 1)]);
    }""")
    assert pauses == [[250, 500], [500, 1000], [1000, 2000], [2000, 4000], [4000, 8000],
                      [7500, 15000], [7500, 15000]]
