"""The thread that tells people, over real sockets."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from bot.alerts import courier as module
from bot.alerts.courier import Courier
from bot.alerts.delivery import Delivery
from bot.alerts.facts import Severity
from bot.alerts.memory import Left, Memory
from bot.alerts.receivers import webhook
from bot.alerts.telegram import Telegram
from bot.alerts.thing import Pace
from tests.alerts.making import incident
from tests.alerts.receiver import CHAT, DISCORD_PATH, TOKEN, Receiver, receiver
from tests.helpers import eventually

QUICK = Pace(gather=0.1, settle=0.05, join=1.0, calm=0.3, calm_most=0.6, update=0.5)


@contextmanager
def running(*servers: Receiver, path: Path | None = None) -> Iterator[Courier]:
    """The first is a Telegram, the second a Discord. path: of what it remembers."""
    channels = [Telegram(servers[0].base, TOKEN, CHAT)]
    others = [webhook(server.base + DISCORD_PATH) for server in servers[1:]]
    made = Courier("primary", Severity.WARNING, "websocket",
                   [Delivery(channel) for channel in (*channels, *others)], QUICK,
                   memory=Memory(path))
    made.start()
    try:
        yield made
    finally:
        made.stop()
        assert made.join(2.0) and made.failure is None


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def opens(courier: Courier, id: str = "p1", symbol: str = "BTCUSDT") -> None:
    courier.put(incident(id, None, symbol, "stale", opened_at=time.time()))


def closes(courier: Courier, id: str = "p1", symbol: str = "BTCUSDT") -> None:
    now = time.time()
    courier.put(incident(id, None, symbol, "stale", revision=2, opened_at=now - 1, closed_at=now,
                         duration_ms=1000.0))


def test_an_incident_is_one_message_from_its_beginning_to_its_end(server: Receiver) -> None:
    with running(server) as courier:
        opens(courier)
        eventually(lambda: server.messages)
        eventually(lambda: courier.status.open and courier.status.channels[0].sent)
        [shown] = courier.status.open
        assert shown.severity == "critical" and "no trusted price" in shown.title
        closes(courier)
        eventually(lambda: any("Over after" in text for text in server.messages.values()))
        eventually(lambda: courier.status.channels[0].sent == 2)
        assert len(server.messages) == 1 and courier.status.open == ()


def test_what_is_open_when_it_ends_is_closed_by_the_next_life(
    server: Receiver, tmp_path: Path
) -> None:
    path = tmp_path / "alerts.json"
    with receiver() as other:
        with running(server, other, path=path) as courier:
            opens(courier)
            eventually(lambda: server.messages and other.messages)
            eventually(lambda: path.exists() and b"telegram (" in path.read_bytes()
                       and b"discord (" in path.read_bytes())
        with running(server, other, path=path) as courier:
            opens(courier, "p2", "ETHUSDT")
            for one in (server, other):
                eventually(lambda: sum("restarted meanwhile" in text and "BTCUSDT" in text
                                       for text in one.messages.values()) == 1)
                eventually(lambda: any("ETHUSDT" in text for text in one.messages.values()))
                assert len(one.messages) == 2
            closes(courier, "p2", "ETHUSDT")
            eventually(lambda: path.read_bytes() == b"[]")
    assert not [post.fault for post in (*server.posts, *other.posts) if post.fault]


def test_a_second_bot_in_the_same_folder_closes_nothing_of_the_first(
    server: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alerts.json"
    with running(server, path=path) as first:
        opens(first)
        eventually(lambda: path.exists() and b"telegram (" in path.read_bytes())
        with running(server, path=path) as second:
            eventually(lambda: "kept by another process" in caplog.text)
            opens(second, "p2", "ETHUSDT")
            eventually(lambda: any("ETHUSDT" in text for text in server.messages.values()))
        assert not any("restarted" in text for text in server.messages.values())
        assert b"BTCUSDT" in path.read_bytes() and b"ETHUSDT" not in path.read_bytes()


def test_another_chat_is_not_told_the_end_of_what_it_never_knew(
    server: Receiver, tmp_path: Path
) -> None:
    path = tmp_path / "alerts.json"
    path.write_bytes(msgspec.json.encode([Left(
        "c1", 1, Severity.CRITICAL, 1.0, "old", {"telegram (another by elsewhere)": ("1",)})]))
    with running(server, path=path) as courier:
        eventually(lambda: path.read_bytes() == b"[]")
        assert courier.status.channels[0].waiting == 0
    assert not server.posts


def test_one_that_hangs_does_not_hold_up_the_other(server: Receiver) -> None:
    server.silent.set()
    with receiver() as other, running(server, other) as courier:
        opens(courier)
        eventually(lambda: other.messages)
        assert not server.posts
        server.silent.clear()
        eventually(lambda: server.messages)


def test_it_ends_in_time_while_everything_hangs_and_says_what_was_not_sent(
    server: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    server.silent.set()
    with running(server) as courier:
        opens(courier)
        eventually(lambda: courier.status.channels[0].waiting)
        courier.stop()
        assert courier.join(2.0)
    assert "📣 [ALERTS] Not told before the stop: 1" in caplog.messages


def test_what_is_due_at_the_stop_is_still_sent(server: Receiver) -> None:
    with running(server) as courier:
        opens(courier)
        eventually(lambda: server.messages)
        closes(courier)
        eventually(lambda: courier.status.channels[0].sent)
    assert not [post for post in server.posts if post.fault]


def test_a_stop_at_once_is_none_too_early(server: Receiver) -> None:
    with running(server):
        pass
    never = Courier("primary", Severity.WARNING, "websocket", [])
    never.stop()
    assert never.join(0.0)


def test_nobody_is_woken_while_nothing_is_wrong(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = []
    monkeypatch.setattr(Courier, "_turn", lambda self: turns.append(1))
    made = Courier("primary", Severity.WARNING, "websocket", [])
    made.start()
    assert not threading.Event().wait(0.6) and not turns
    made.stop()
    assert made.join(2.0)


def test_what_there_is_no_room_for_is_counted(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CAPACITY", 10)
    made = Courier("primary", Severity.WARNING, "websocket", [])
    for number in range(15):
        opens(made, f"p{number}")
    made.start()
    eventually(lambda: made.status.dropped == 5)
    made.stop()
    assert made.join(2.0)
