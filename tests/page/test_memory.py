"""A page that is left open for days must not grow: eight hours of messages in some seconds."""

from typing import Any

from playwright.sync_api import CDPSession

from tests.page.conftest import Open

# An hour as the bot would tell it: a board a second with its samples, some messages of the stream
# between two boards, now and then an incident, a hand-over, an alert. Drawn every other minute.
HOUR = """async ({ board, hour }) => {
    const { page } = await import("/static/js/main.js");
    const start = page.simulated ??= board.timestamp, source = board.sources[0].exchange;
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let second = hour * 3600; second < (hour + 1) * 3600; second += 1) {
        const at = start + second * 1000;
        const told = { ...board, timestamp: at,
            served: { ...board.served, price: 60000 + (second % 100) },
            incidents: board.incidents.map((one) => (
                { ...one, id: one.id + Math.floor(second / 60) })) };
        told.news = { ...board.news, cursor: second + 1,
            changes: second % 20 ? [] : [[at, "active", source, "x" + second, "", "why " + second],
                [at, "state", source, second % 40 ? "fit" : "unfit", "late", "words " + second]],
            samples: second % 2 ? empty(board) : sample(board, at) };
        page.state.takeBoard(told, performance.now());
        for (const one of board.sources) {
            page.take({ type: "websocket_update", data: { exchange: one.exchange,
                symbol: board.symbol, price: second, updateType: "ticker", timestamp: at } });
        }
        if (second % 10 === 0) {
            page.take({ type: "health_update", data: { healthy: true, timestamp: at } });
        }
        if (second % 120 === 0) {
            page.take({ type: "alert", data: { severity: "info", message: "no " + second,
                from: "a", to: "b" + second, reason: "", timestamp: at } });
            page.draw();
            await frame();
        }
    }
    return page.state.samples.at.length;

    function empty(board) { return shaped(board, []); }
    function sample(board, at) {
        const samples = shaped(board, [1.5]);
        samples.at = [at];
        return samples;
    }
    function shaped(board, values) {
        const own = () => ({ price: [...values], rate: [...values], lagMs: [...values],
            silentMs: [...values] });
        return { at: [], price: [...values], tier: values.map(() => 0), status: values.map(() => 0),
            sources: Object.fromEntries(board.sources.map((one) => [one.exchange, own()])) };
    }
}"""


def used(session: CDPSession) -> tuple[float, float]:
    """Bytes of the heap and nodes of the document, after a collection."""
    session.send("HeapProfiler.collectGarbage")
    metrics: list[dict[str, Any]] = session.send("Performance.getMetrics")["metrics"]
    told = {one["name"]: one["value"] for one in metrics}
    return told["JSHeapUsedSize"], told["Nodes"]


def test_eight_hours_of_messages_do_not_make_the_page_grow(opened: Open) -> None:
    page = opened()
    page.evaluate("""async () => {
        const { page } = await import("/static/js/main.js");
        page.pause();
    }""")
    symbol = "BTCUSDT"
    board = page.request.get(page.url + f"api/v1/board?symbol={symbol}&after=0").json()
    board["incidents"] = [
        {"id": f"x{n}-", "source": "okx", "symbol": symbol, "openedAt": 1, "closedAt": None,
         "story": "story", "advice": "advice", "runbook": "r"} for n in range(12)]
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    after = []
    for hour in range(8):
        samples = page.evaluate(HOUR, {"board": board, "hour": hour})
        after.append(used(session))
    assert samples <= 1802
    (first_bytes, first_nodes), (last_bytes, last_nodes) = after[0], after[-1]
    assert last_bytes - first_bytes < 1_000_000, after
    assert abs(last_nodes - first_nodes) < 50, after
