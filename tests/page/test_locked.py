"""A bot with a token: logging in and out, and drills, which only such a bot allows."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from bot.sandbox.server import Sandbox
from tests.page.bots import running
from tests.page.conftest import Open, forgive
from tests.processes import Daemon

TOKEN = "a-token;with=signs&+%41,\\"


@pytest.fixture(scope="module")
def locked(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("locked"), sandbox, API_TOKEN=TOKEN,
                 ENABLE_DRILL="true") as daemon:
        yield daemon


def log_in(page: Page, token: str = TOKEN) -> None:
    page.fill("#token", token)
    page.keyboard.press("Enter")


@pytest.fixture
def form(opened: Open, locked: Daemon) -> Page:
    page = opened(of=locked, wait=False)
    # that the form comes with 401 is right, and the browser's console says so
    forgive(page)
    return page


def test_the_right_token_leads_to_the_page_and_its_stream(form: Page) -> None:
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')
    assert not form.evaluate("document.cookie"), "no script can read it"
    form.reload()
    form.wait_for_selector('#live[data-live="yes"]')


def test_a_wrong_token_is_told_and_the_next_may_be_right(form: Page) -> None:
    log_in(form, "wrong")
    expect(form.get_by_role("alert")).to_have_text("That is not the token of this bot.")
    forgive(form)
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')


def test_who_logs_out_sees_nothing_any_more(form: Page) -> None:
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')
    form.click("#logout")
    form.wait_for_selector("#token")
    forgive(form)
    answer = form.request.get(form.url + "api/v1/board")
    assert answer.status == 401


def test_a_page_whose_cookie_is_void_says_what_to_do(form: Page) -> None:
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')
    form.context.clear_cookies()
    expect(form.locator("#banner")).to_contain_text(
        "The bot refuses to tell (it wants its token: load this page again, and log in)")
    forgive(form)


def test_a_drill_is_confirmed_and_its_outcome_shown(form: Page, healed: Sandbox) -> None:
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')
    form.fill("#drill-seconds", "1")
    form.click("text=Cut off binance")
    expect(form.locator("#confirm")).to_contain_text("Cut off binance for 1 s?")
    form.click("#confirm-no")
    expect(form.locator("#drill-outcome")).to_have_text("")
    form.click("text=Cut off binance")
    form.click("#confirm-yes")
    expect(form.locator("#drill-outcome")).to_have_text("Cut off binance for 1 s: running.")
    expect(form.get_by_role("button", name="Silence okx")).to_be_disabled()
    expect(form.locator("#drill-outcome")).to_contain_text(
        "took over after ", timeout=20_000)
    expect(form.locator("#drill-outcome")).to_contain_text("all as before")
    expect(form.locator("#events")).to_contain_text("drill: cut")


def test_a_drill_of_impossible_length_is_not_asked_for(form: Page) -> None:
    log_in(form)
    form.wait_for_selector('#live[data-live="yes"]')
    form.fill("#drill-seconds", "9999")
    form.click("text=Silence okx")
    expect(form.locator("#confirm")).to_be_hidden()
