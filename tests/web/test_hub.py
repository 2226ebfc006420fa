import socket
import struct
import threading
import time
from contextlib import ExitStack

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from bot.web.board import EVENTS
from bot.web.hub import Hub, Limits
from tests.helpers import eventually
from tests.web.conftest import Serve
from tests.web.fakes import (
    HANDSHAKE, LOOPBACK, PATIENCE_S, Dashboard, get, handshake, read_all, update)


def test_a_new_client_gets_the_newest_value_of_every_key_at_once(serve: Serve) -> None:
    web, hub = serve()
    for price in (1.0, 2.0):
        hub.publish_update(update(price))
    hub.publish_update(update(3.0, exchange="okx", kind="trade"))
    with Dashboard(web.port) as dashboard:
        first, second = dashboard.next_data(), dashboard.next_data()
    assert {(data["exchange"], data["updateType"], data["price"]) for data in (first, second)} == {
        ("binance", "ticker", 2.0), ("okx", "trade", 3.0)}


def test_a_later_client_gets_what_an_earlier_one_was_sent_already(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as early, Dashboard(web.port) as late:
        hub.publish_update(update(1.0))
        assert early.next_data()["price"] == late.next_data()["price"] == 1.0
        with Dashboard(web.port) as latest:
            assert latest.next_data()["price"] == 1.0


def test_what_changed_while_nobody_listened_is_not_lost(serve: Serve) -> None:
    web, hub = serve()
    hub.publish_update(update(1.0))
    with Dashboard(web.port) as dashboard:
        assert dashboard.next_data()["price"] == 1.0
    eventually(lambda: hub.clients == 0)
    hub.publish_update(update(2.0))
    with Dashboard(web.port) as dashboard:
        assert dashboard.next_data()["price"] == 2.0


def test_a_burst_of_one_key_arrives_as_few_messages_with_the_last_value(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as dashboard:
        eventually(lambda: hub.clients == 1)
        for number in range(1000):
            hub.publish_update(update(number + 1.0))
        prices = [dashboard.next_data()["price"]]
        while prices[-1] != 1000.0:
            prices.append(dashboard.next_data()["price"])
    assert len(prices) <= 20
    assert prices == sorted(prices)


def test_a_key_is_sent_at_most_twenty_times_a_second(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as dashboard:
        eventually(lambda: hub.clients == 1)
        began = time.monotonic()
        received: list[float] = []
        reader = threading.Thread(target=_read_until, args=(dashboard, -1.0, received))
        reader.start()
        for number in range(200):
            hub.publish_update(update(number + 1.0))
            hub.publish_update(update(number + 1.0, exchange="okx"))
            threading.Event().wait(0.004)
        hub.publish_event("alert", {"price": -1.0})
        reader.join(PATIENCE_S)
        took = time.monotonic() - began
    assert 2 <= len(received) <= 2 * (took * 20 + 2)


def _read_until(dashboard: Dashboard, last: float, received: list[float]) -> None:
    while (price := dashboard.next_data()["price"]) != last:
        received.append(price)


def test_every_event_arrives_once_and_in_order(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as one, Dashboard(web.port) as other:
        eventually(lambda: hub.clients == 2)
        for number in range(30):
            hub.publish_event("health_update" if number % 2 else "alert", {"number": number})
        for dashboard in (one, other):
            messages = [dashboard.next() for _ in range(30)]
            assert [message["data"]["number"] for message in messages] == list(range(30))
            assert messages[0]["type"] == "alert" and messages[1]["type"] == "health_update"
    assert hub.lost_events == 0


def test_an_event_that_is_no_json_is_the_publishers_fault(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as dashboard:
        eventually(lambda: hub.clients == 1)
        with pytest.raises(TypeError):
            hub.publish_event("alert", {"bad": object()})
        hub.publish_event("alert", {"good": 1})
        assert dashboard.next_data() == {"good": 1}


def test_an_event_is_not_kept_for_clients_to_come(serve: Serve) -> None:
    web, hub = serve()
    hub.publish_event("alert", {"old": 1})
    with Dashboard(web.port) as dashboard:
        eventually(lambda: hub.clients == 1)
        hub.publish_event("alert", {"new": 1})
        assert dashboard.next_data() == {"new": 1}


def test_a_hundred_clients_get_an_update_without_a_thread_of_their_own(serve: Serve) -> None:
    web, hub = serve()
    get(web.port, "/healthz")  # by now every thread of the server runs
    before = threading.active_count()
    with ExitStack() as stack:
        dashboards = [stack.enter_context(Dashboard(web.port)) for _ in range(100)]
        eventually(lambda: hub.clients == 100)
        hub.publish_update(update(5.0))
        assert [dashboard.next_data()["price"] for dashboard in dashboards] == [5.0] * 100
        assert threading.active_count() == before
    eventually(lambda: hub.clients == 0)
    assert hub.dropped == 0


def test_one_client_too_many_is_told_to_come_back(serve: Serve) -> None:
    web, hub = serve(Limits(max_clients=1))
    with Dashboard(web.port) as first:
        eventually(lambda: hub.clients == 1)
        with socket.create_connection((LOOPBACK, web.port), timeout=PATIENCE_S) as sock:
            sock.sendall(handshake())
            answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 10" in answer
        hub.publish_update(update(1.0))
        assert first.next_data()["price"] == 1.0


def _deaf(port: int) -> socket.socket:
    """A client that connects and never reads; the kernel holds little for it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(PATIENCE_S)
    sock.connect((LOOPBACK, port))
    sock.sendall(handshake())
    assert sock.recv(12) == b"HTTP/1.1 101"
    return sock


def test_a_client_that_never_reads_is_dropped_and_holds_up_nobody(serve: Serve) -> None:
    web, hub = serve(Limits(stall_s=0.4, tick_s=0.005))
    with _deaf(web.port), Dashboard(web.port) as dashboard:
        eventually(lambda: hub.clients == 2)
        number = 0
        deadline = time.monotonic() + PATIENCE_S
        while not hub.dropped and time.monotonic() < deadline:
            number += 1
            for symbol in range(50):
                hub.publish_update(update(float(number), symbol=f"S{symbol}"))
            assert dashboard.next_data()["price"] <= number
        assert hub.dropped == 1 and hub.clients == 1
        hub.publish_event("alert", {"price": -1.0})
        _read_until(dashboard, -1.0, [])


def test_a_client_that_falls_behind_gets_the_newest_values_when_it_reads_again(
    serve: Serve
) -> None:
    web, hub = serve(Limits(tick_s=0.005))
    small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)]
    with Dashboard(web.port, sockopt=small) as slow, Dashboard(web.port) as quick:
        eventually(lambda: hub.clients == 2)
        for number in range(1, 301):
            for symbol in range(20):
                hub.publish_update(update(float(number), symbol=f"S{symbol}"))
            hub.publish_event("alert", {"price": -float(number)})
            _read_until(quick, -float(number), [])
        hub.publish_event("alert", {"price": 0.0})
        seen: list[float] = []
        _read_until(slow, 0.0, seen)
        newest = {f"S{symbol}": 0.0 for symbol in range(20)}
        while set(newest.values()) != {300.0}:
            data = slow.next_data()
            newest[data["symbol"]] = data["price"]
    assert len(seen) < 300 * 21
    assert 0 < hub.lost_events <= 301 - EVENTS


def test_a_client_is_pinged_and_dropped_when_it_stays_silent(serve: Serve) -> None:
    web, hub = serve(Limits(ping_s=0.1, silent_s=0.5))
    with Dashboard(web.port) as lively:
        with _deaf(web.port) as sock:
            reader = threading.Thread(target=read_all, args=(sock,))
            reader.start()
            while not hub.dropped:
                lively.ws.recv_data_frame(control_frame=True)  # answers the pings
            reader.join(PATIENCE_S)
        assert hub.clients == 1


def test_an_oversize_message_closes_with_1009(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port) as dashboard:
        dashboard.ws.send("x" * 5000)
        assert dashboard.close_code() == 1009
    eventually(lambda: hub.clients == 0)


def test_a_client_that_fails_and_stays_is_closed_after_a_while(serve: Serve) -> None:
    web, hub = serve(Limits(ping_s=1.0))
    with _deaf(web.port) as sock:
        eventually(lambda: hub.clients == 1)
        sock.sendall(b"\xff\xff")
        eventually(lambda: hub.clients == 0)
    assert hub.dropped == 0


def test_clients_that_break_off_leave_nothing(serve: Serve) -> None:
    web, hub = serve()
    for _ in range(20):
        _deaf(web.port).close()
    with Dashboard(web.port) as dashboard:
        dashboard.ws.close()
    eventually(lambda: hub.clients == 0)
    assert hub.dropped == 0


def test_a_reset_connection_is_no_fault(serve: Serve) -> None:
    web, hub = serve()
    sock = _deaf(web.port)
    eventually(lambda: hub.clients == 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    eventually(lambda: hub.clients == 0)


def test_a_connection_that_breaks_while_it_is_written_to_is_no_fault() -> None:
    hub = Hub()
    hub.open()
    dashboard, theirs = socket.socketpair()
    hub.adopt(theirs, Request("/ws", Headers(HANDSHAKE)))
    hub.step()
    assert hub.clients == 1
    dashboard.close()
    hub.publish_update(update())
    hub._tick(time.monotonic())
    assert hub.clients == 0
    hub.close()


def test_stop_closes_every_client_with_1001(serve: Serve) -> None:
    web, hub = serve()
    with ExitStack() as stack:
        dashboards = [stack.enter_context(Dashboard(web.port)) for _ in range(5)]
        eventually(lambda: hub.clients == 5)
        hub.stop()
        hub.stop()
        assert [dashboard.close_code() for dashboard in dashboards] == [1001] * 5
        assert hub.join(PATIENCE_S)
    assert hub.clients == 0


def test_stop_waits_only_briefly_for_a_client_that_does_not_answer(serve: Serve) -> None:
    web, hub = serve()
    with _deaf(web.port) as sock:
        eventually(lambda: hub.clients == 1)
        hub.stop()
        assert hub.join(5)
        assert read_all(sock).endswith(b"the bot is stopping")


def test_a_stopped_hub_takes_no_more_clients() -> None:
    hub = Hub()
    waiting, theirs = socket.socketpair()
    hub.adopt(theirs, Request("/ws", Headers()))
    hub.stop()
    hub.stop()
    late, theirs = socket.socketpair()
    hub.adopt(theirs, Request("/ws", Headers()))
    for sock in (waiting, late):
        assert sock.recv(1) == b"", "closed"
        sock.close()


def test_with_no_client_the_thread_sleeps(serve: Serve) -> None:
    web, hub = serve()
    with Dashboard(web.port):
        eventually(lambda: hub.clients == 1)
    eventually(lambda: hub.clients == 0)
    hub.publish_update(update())
    hub.publish_event("alert", {})
    assert hub._patience_s() is None and not hub._board.pending
