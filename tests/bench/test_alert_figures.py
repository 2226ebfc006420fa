"""Alerts: what a fact costs who brings it, and what a big outage costs the thread that tells it."""

import time

import pytest

from bot.alerts import letter
from bot.alerts.courier import Courier
from bot.alerts.delivery import Delivery
from bot.alerts.facts import Severity
from bot.alerts.telegram import Telegram
from bot.alerts.thing import Pace
from tests.alerts.making import Desk, incident, tier
from tests.alerts.receiver import CHAT, TOKEN, receiver
from tests.bench.conftest import Figure, spread

pytestmark = pytest.mark.bench

SYMBOLS = 500


def test_what_a_fact_costs_while_the_receiver_hangs(figure: Figure) -> None:
    with receiver() as server:
        server.silent.set()
        courier = Courier("primary", Severity.WARNING, "websocket",
                          [Delivery(Telegram(server.base, TOKEN, CHAT))], Pace(gather=0.05))
        courier.start()
        took = []
        for number in range(10_000):
            event = incident(f"p{number}", None, f"C{number}USDT", "stale", opened_at=time.time())
            began = time.perf_counter()
            courier.put(event)
            took.append(time.perf_counter() - began)
            if number % 100 == 0:
                time.sleep(0.005)
        began = time.monotonic()
        courier.stop()
        assert courier.join(2.0)
        ended_s = time.monotonic() - began
    figure("a fact is brought while the receiver hangs", spread(took, "us", 1e6), "never waits")
    figure("  the thread ends after", f"{ended_s * 1000:.0f} ms", "about 500 ms")
    assert ended_s < 1.0
    assert sorted(took)[len(took) // 2] < 50e-6


def test_what_an_outage_of_500_symbols_costs(figure: Figure) -> None:
    desk = Desk()
    began = time.perf_counter()
    for number in range(SYMBOLS):
        for source in ("binance", "okx"):
            desk.open(f"{source}{number}", source, f"C{number}USDT", "connection")
        desk.open(f"p{number}", None, f"C{number}USDT")
        desk.take(tier("mock", symbol=f"C{number}USDT"))
    taken_s = time.perf_counter() - began
    desk.now += 4.0
    began = time.perf_counter()
    [told] = desk.cases.due(desk.now, desk.wall)
    text = letter.text(told)
    told_s = time.perf_counter() - began
    idle = []
    for _ in range(40):
        desk.now += 0.25
        began = time.perf_counter()
        desk.cases.due(desk.now, desk.wall)
        idle.append(time.perf_counter() - began)
    figure(f"an outage of {SYMBOLS} symbols: facts, each", f"{taken_s / SYMBOLS / 4 * 1e6:.0f} us",
           "")
    figure("  told as one message of", f"{len(text)} characters in {told_s * 1000:.1f} ms", "one")
    figure("  looked after, four times a second", spread(idle, "ms", 1e3), "")
    assert len(desk.told) == 0 and text.count("•") == 4
