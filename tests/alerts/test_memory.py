"""What a later life of the bot needs to close what an earlier one told."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bot.alerts import memory as module
from bot.alerts.facts import Severity
from bot.alerts.letter import text, title
from bot.alerts.memory import AGAIN_S, MOST, NAME, Left, Memory
from tests.alerts.making import WALL
from tests.helpers import eventually

TITLE = "🔴 [primary] BTCUSDT has no trusted price"


def left(id: str = "c1", **fields: object) -> Left:
    whole: dict[str, object] = {"id": id, "revision": 3, "severity": Severity.CRITICAL, "at": WALL,
                                "title": TITLE, "messages": {"telegram (5)": ("7", "8")}}
    return Left(**whole | fields)  # type: ignore[arg-type]


def opened(path: Path) -> tuple[Memory, tuple[Left, ...]]:
    """A new life, and what it finds."""
    made, found = Memory(path), list[Left]()
    made.open()
    settle(made, found.extend)
    return made, tuple(found)


def ended(path: Path) -> tuple[Left, ...]:
    """What a life finds that is over at once."""
    memory, found = opened(path)
    memory.close()
    return found


def settle(memory: Memory, take: Callable[[tuple[Left, ...]], None] = lambda found: None) -> None:
    def is_settled() -> bool:
        take(memory.turn())
        return not memory.is_busy
    eventually(is_settled)


def test_what_is_kept_is_found_by_the_next_life_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / NAME
    memory, found = opened(path)
    assert found == () and not path.exists()
    memory.keep((left(), left("c2", messages={})))
    settle(memory)
    memory.close()
    later, found = opened(path)
    assert found == (left(), left("c2", messages={}))
    assert msgspec.json.decode(path.read_bytes()) == []  # it keeps what it closes by itself
    assert {one.name for one in path.parent.iterdir()} == {NAME, f"{NAME}.lock"}
    assert later.turn() == ()
    later.close()


def test_what_belongs_to_a_living_bot_is_left_alone_until_it_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / NAME, [0.0]
    first, _ = opened(path)
    first.keep((left(),))
    settle(first)
    other, found = Memory(path, mono=lambda: clock[0]), list[Left]()
    other.open()
    settle(other, found.extend)
    other.keep((left("c2"),))
    for _ in range(3):
        clock[0] += AGAIN_S
        assert other.is_busy
        settle(other, found.extend)
    assert found == [] and not other.is_busy and b"c2" not in path.read_bytes()
    [line] = caplog.messages
    assert f"kept by another process (PID {os.getpid()})" in line and "DUCKDB_PATH" in line
    first.close()
    clock[0] += AGAIN_S / 2
    assert other.turn() == () and not other.is_busy and other.rest_s == AGAIN_S / 2
    clock[0] += AGAIN_S / 2
    settle(other, found.extend)
    assert found == [left()] and b"c2" in path.read_bytes()
    other.close()


def test_without_locks_it_is_kept_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    memory, _ = opened(tmp_path / NAME)
    memory.keep((left(),))
    settle(memory)
    memory.close()
    assert ended(tmp_path / NAME) == (left(),)


def test_nothing_is_written_before_all_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, held = tmp_path / NAME, threading.Event()
    path.write_bytes(msgspec.json.encode([left()]))
    read = module._read
    monkeypatch.setattr(module, "_read", lambda *given: (held.wait(10.0), read(*given))[1])
    memory = Memory(path)
    memory.open()
    memory.keep((left("new"),))
    for _ in range(100):
        assert memory.turn() == ()
    assert memory.is_busy and b"c1" in path.read_bytes()
    held.set()
    found: list[Left] = []
    settle(memory, found.extend)
    memory.close()
    assert found == [left()] and b"new" in path.read_bytes()


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, writes = threading.Event(), list[object]()

    def hang(path: Path, cases: tuple[Left, ...]) -> tuple[Left, ...]:
        writes.append(cases)
        held.wait(10.0)
        return cases

    memory, _ = opened(tmp_path / NAME)
    monkeypatch.setattr(module, "_write", hang)
    for number in range(100):
        memory.keep((left(f"c{number}"),))
        memory.turn()
    assert len(writes) == 1
    held.set()
    settle(memory)
    memory.close()
    assert writes[1:] == [(left("c99"),)]


@pytest.mark.parametrize("content", [
    b"", b"{", b"null", b"[{}]", b'[{"id": 5}]', b"\xff\xfe", b"[" * 5000,
    msgspec.json.encode([left(at=1e300)]), msgspec.json.encode([left(severity=7)]),
    msgspec.json.encode([left(messages={"telegram (5)": ["1/../../x"]})])])
def test_a_damaged_file_is_said_once_and_written_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / NAME).write_bytes(content)
    memory, found = opened(tmp_path / NAME)
    assert found == ()
    memory.close()
    assert ended(tmp_path / NAME) == ()
    [line] = caplog.messages
    assert f"{NAME} cannot be read: " in line and "stays open where it was told" in line


def test_a_file_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    memory, _ = opened(tmp_path / "file" / NAME)
    for number in range(3):
        memory.keep((left(f"c{number}"),))
        settle(memory)
    assert ["cannot be written: " in line for line in caplog.messages].count(True) == 1


def test_there_is_a_bound(tmp_path: Path) -> None:
    memory, _ = opened(tmp_path / NAME)
    memory.keep(tuple(left(f"c{number}") for number in range(MOST + 9)))
    settle(memory)
    memory.close()
    assert len(ended(tmp_path / NAME)) == MOST


def test_without_a_path_nothing_is_kept() -> None:
    memory = Memory()
    memory.open()
    memory.keep((left(),))
    assert memory.turn() == () and not memory.is_busy


def test_its_end_says_what_is_known_of_it() -> None:
    told = left().closed("primary", WALL + 90.0)
    assert (told.event, told.revision, told.lasted_s) == ("closed", 4, 90.0)
    assert title(told) == (
        "⚪ [primary] The bot was restarted meanwhile; what is wrong now is told anew")
    assert text(told) == f"{title(told)}\nTold before: {TITLE}\nSince 2026-09-21 14:13:20 UTC."
