"""The page's own modules, each by itself, run where they will run."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.processes import Daemon

Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(browser: Browser, bot: Daemon) -> Iterator[Run]:
    """Evaluates `module: body`, with the module's names in `m`."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{bot.port}/static/icon.svg")

    def evaluated(module_and_body: str) -> Any:
        module, _, body = module_and_body.partition(":")
        return page.evaluate(f"""async () => {{
            const m = await import("/static/js/{module}.js");
            {body}
        }}""")

    yield evaluated
    context.close()


PULSE = """pulse:
    const pulse = new m.Pulse(0);
    const at = (now) => { const v = pulse.verdict(now); return [v.word, v.live]; };
"""


def test_a_page_that_has_just_begun_is_not_lost_yet(run: Run) -> None:
    assert run(PULSE + "return [at(0), at(2900), at(4100)];") == [
        ["CONNECTING", False], ["CONNECTING", False], ["STREAM LOST", False]]


def test_it_is_live_while_both_lines_work_and_old_once_no_board_comes(run: Run) -> None:
    assert run(PULSE + """
        pulse.opened(100); pulse.answered(5, 200); pulse.frame(900);
        const live = at(1000);
        return [live, at(4100), at(4300)];""") == [
            ["LIVE", True], ["LIVE", True], ["STREAM LOST", False]]


def test_a_refused_question_counts_at_once_and_an_answer_mends_it(run: Run) -> None:
    assert run(PULSE + """
        pulse.opened(100); pulse.answered(5, 200); pulse.unanswered("why");
        const lost = pulse.verdict(300).lost; pulse.answered(6, 400);
        return [lost.includes("(why)"), at(500)];""") == [True, ["LIVE", True]]


def test_a_quiet_market_is_no_lost_stream_and_a_busy_one_without_frames_is(run: Run) -> None:
    assert run(PULSE + """
        pulse.opened(0); pulse.frame(10);
        for (let s = 1; s <= 20; s += 1) pulse.answered(7, s * 1000);
        const quiet = at(20100);
        for (let s = 21; s <= 24; s += 1) pulse.answered(7 + s, s * 1000);
        return [quiet, at(24100), pulse.isMute(24100)];""") == [
            ["LIVE", True], ["STREAM LOST", False], True]


def test_the_first_answer_after_none_is_told_as_such(run: Run) -> None:
    assert run(PULSE + """
        const first = pulse.answered(5, 100);
        pulse.unanswered("why");
        return [first, pulse.answered(6, 200), pulse.answered(7, 300)];""") == [False, True, False]


def test_a_bot_that_refuses_is_not_told_as_one_that_does_not_answer(run: Run) -> None:
    assert run(PULSE + """
        pulse.opened(100); pulse.answered(5, 200);
        pulse.unanswered("it wants its token", true);
        const refused = pulse.verdict(300).lost; pulse.unanswered("no answer in 3 s");
        return [refused, pulse.verdict(300).lost].map((lost) => lost.split(":")[0]);""") == [
            "The bot refuses to tell (it wants its token)",
            "No answer from the bot (no answer in 3 s)"]


def test_that_numbers_still_come_is_only_told_once_one_has_come(run: Run) -> None:
    still = "The numbers still come once a second, crossed out until it is back."
    assert run(PULSE + f"""
        const told = (now) => pulse.verdict(now).lost.includes("{still}");
        pulse.opened(100); pulse.answered(5, 200); pulse.closed("why", 300);
        const at_once = told(301); pulse.answered(6, 1200);
        pulse.closed("no answer", 1300);
        return [at_once, told(1201), told(1301)];""") == [False, True, True]


STREAM = """stream:
    const sockets = [];
    globalThis.WebSocket = class { constructor() { sockets.push(this); } close() {} };
    const pulse = { socket: "closed", opened() { this.socket = "open"; },
        closed() { this.socket = "closed"; } };
    const stream = new m.Stream("ws://x/ws", pulse, () => {});
    stream.open();
"""


def test_a_stream_that_waits_to_connect_again_does_so_at_once_when_hurried(run: Run) -> None:
    assert run(STREAM + """
        sockets.at(-1).onclose({ code: 1006 });
        const waiting = sockets.length;
        stream.hurry();
        const hurried = sockets.length; // and one that hangs since the bot was away is given up
        stream.hurry();
        return [waiting, hurried, sockets.length];""") == [1, 2, 3]


def test_a_stream_that_is_open_is_not_hurried(run: Run) -> None:
    assert run(STREAM + "sockets[0].onopen(); stream.hurry(); return sockets.length;") == 1


@pytest.mark.parametrize("value, told", [
    (60035.7, "60,035.70"), (3.14159, "3.1416"), (0.00001234, "0.000012340"), (None, "–"),
    (0, "0.0000")])
def test_prices_of_one_size_have_as_many_decimals(run: Run, value: Any, told: str) -> None:
    given = "null" if value is None else value
    assert run(f"format: return m.price({given});") == told


@pytest.mark.parametrize("value, told", [
    (2.34, "+2.3 bps"), (-51.27, "−51.3 bps"), (-0.01, "+0.0 bps"), (4000.4, "+4,000 bps")])
def test_a_distance_has_its_sign(run: Run, value: float, told: str) -> None:
    assert run(f"format: return m.bps({value});") == told


@pytest.mark.parametrize("ms, told", [
    (12, "12 ms"), (3400, "3.4 s"), (125_000, "2 min 5 s"), (11_520_000, "3 h 12 min")])
def test_a_duration_reads_as_in_the_stories_of_incidents(run: Run, ms: int, told: str) -> None:
    assert run(f"format: return m.lasted({ms});") == told


@pytest.mark.parametrize("words, told", [
    ("connection refused", "connection refused"),
    ("binance: not a message: '{\"e\": \"trade\", \"p\": 1}'", "binance: not a message …"),
    ("{\"e\": 1}", "{\"e\": 1}"),
    ("x" * 60, "x" * 47 + "…")])
def test_of_a_fault_the_first_words_are_told(run: Run, words: str, told: str) -> None:
    assert run(f"format: return m.gist({json.dumps(words)});") == told


def test_what_a_price_is_worth_is_told_in_words(run: Run) -> None:
    worth = """format:
        const served = (status, reason, more) => m.worth({ price: 1, status, reason, ...more });
        return [served("trusted", "active source is fresh", {sourcesUsed: ["a", "b", "c"]}),
            served("degraded", "active source is fresh; no other source confirms it"),
            served("disputed", "a is fresh; disagrees with b by +51.0 bps"),
            served("synthetic", "made up: no real source has a price"),
            m.worth({ price: null, reason: "websocket: nothing" })];"""
    assert run(worth) == [
        "agreed by a, b and c", "no other source confirms it", "disagrees with b by +51.0 bps",
        "no real source has a price", "websocket: nothing"]


def test_a_lane_goes_on_from_what_the_record_knows(run: Run) -> None:
    spans = """spans:
        const state = { startedAt: 1000, since: 0, past: [
            { from: 200, to: 300, kind: "state", source: "a", word: "down", rule: "r", why: "w" },
            { from: 100, to: 250, kind: "active", source: "a", word: "active", rule: "", why: "" },
            { from: 200, to: 300, kind: "state", source: "b", word: "away", rule: "r", why: "w" },
            { from: 900, to: 1000, kind: "off", source: null, word: "off", rule: "down",
              why: "down" }],
          changes: [
            { at: 1000, kind: "state", source: "a", word: "fit", rule: "", why: "" },
            { at: 1100, kind: "active", source: "a", word: "", rule: "", why: "" },
            { at: 1200, kind: "active", source: "b", word: "a", rule: "", why: "" }] };
        return m.sourceSpans(state, "a", 0, 1300).map((span) =>
            [span.from, span.to, span.state, span.active]);"""
    assert run(spans) == [
        [0, 100, "fit", False], [100, 200, "fit", True], [200, 250, "down", True],
        [250, 300, "down", False], [300, 900, "fit", False], [900, 1000, "off", False],
        [1000, 1100, "fit", False], [1100, 1200, "fit", True], [1200, 1300, "fit", False]]


@pytest.mark.parametrize("marks, places", [
    ([[10, 30]], [14]),
    ([[10, 30], [20, 30]], [None, 24]),  # the newest says how things are
    ([[5, 30], [80, 30]], [9, 46]),  # at the right edge to the left
    ([[60, 30], [80, 30]], [None, 46]),
    ([[10, 30], [90, 95]], [14, None])])
def test_labels_do_not_stand_on_one_another(run: Run, marks: Any, places: Any) -> None:
    assert run(f"""labels:
        const marks = {marks}.map(([x, wide]) => ({{ x, wide }}));
        return m.placed(marks, 0, 100, 4);""") == places


def test_hand_overs_and_the_start_of_the_bot_are_marked_in_order(run: Run) -> None:
    assert run("""spans:
        const state = { startedAt: 50, past: [
            { from: 20, to: 40, kind: "active", source: "a" }], changes: [
            { at: 50, kind: "active", source: "b" },
            { at: 51, kind: "served", source: "websocket" },
            { at: 60, kind: "served", source: "okx" }, { at: 70, kind: "active", source: null }] };
        const told = (start) => m.marks(state, start).map((mark) => `${mark.kind} ${mark.label}`);
        return [told(10), told(50)];""") == [
            ["active → a", "start start of the bot", "active → b", "tier → okx", "active → nobody"],
            ["active → b", "tier → okx", "active → nobody"]]


DISTANCES = """ranges:
    const data = [[1, 2, 3], [0, 0, 0], [2, 3, null], [null, 90000, 89000]];
    const names = ["a", "b", "c"];
    const sources = (bps, state) => [{ state: "fit", bps: 0 }, { state, bps }];
"""


def test_an_absurd_source_leaves_the_picture_of_distances_and_is_told(run: Run) -> None:
    assert run(DISTANCES + """
        const range = m.ofDistances(data, 1, sources(89000, "away"));
        return [range.map(Math.round), m.beyond(data, names, 1, range)];""") == [
            [0, 3], [{"name": "c", "farthest": 90000}]]


def test_sources_that_are_believed_stay_in_the_picture_however_far_apart(run: Run) -> None:
    low, high = run(DISTANCES + 'return m.ofDistances(data, 1, sources(89000, "fit"));')
    assert low < 0 and high > 90_000


def test_of_distances_what_is_no_longer_in_view_does_not_count(run: Run) -> None:
    assert run(DISTANCES + """
        const range = m.ofDistances(data, 3, sources(2, "fit"));
        return [range.map(Math.abs).every((value) => value < 1), m.beyond(data, names, 4, range),
            m.ofDistances(data, 4, []), m.ofPrices(data, 4)];""") == [True, [], [-1, 1], None]


def test_of_a_full_hour_what_is_older_goes_and_the_standing_of_each_lane_stays(run: Run) -> None:
    assert run("""state:
        const state = new m.State();
        const samples = (at) => ({ at: [...at], price: at.map(() => 1), tier: at.map(() => 0),
            status: at.map(() => 0), sources: {} });
        state.takeTrail({ startedAt: 0, knownSince: 0, past: [], pastSince: 0, since: 0, cursor: 1,
            everyMs: 2000, statuses: [], tiers: [], samples: samples([0, 2000, 4000]), changes: [
                [0, "state", "a", "down", "", ""], [10, "state", "a", "fit", "", ""],
                [20, "connection", "a", "lost", "", ""], [5000, "active", "a", "", "", ""]] });
        state.takeBoard({ timestamp: m.HOUR_MS + 3000, sources: [], news: { cursor: 2,
            everyMs: 2000, changes: [], samples: samples([m.HOUR_MS]) } }, 0);
        return [state.samples.at, state.changes.map((one) => [one.kind, one.word])];""") == [
            [4000, 3_600_000], [["state", "fit"], ["active", ""]]]
