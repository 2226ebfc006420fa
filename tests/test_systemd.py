"""sd_notify against a real datagram socket."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.systemd import notify


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    """The service manager's end of the socket, not bound yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        yield sock


@pytest.mark.parametrize("message", [
    "READY=1", "WATCHDOG=1", "STOPPING=1", "READY=1\nSTATUS=BTCUSDT 50000.1 ✅",
])
def test_message_arrives_as_it_is(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    assert notify(message) is True
    assert manager.recv(4096).decode() == message


def test_abstract_socket_is_understood(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.bind(f"\0{tmp_path}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{tmp_path}")
    assert notify("READY=1") is True
    assert manager.recv(4096) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "@nobody-listens", "x" * 500])
def test_nobody_listening_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert notify("READY=1") is False


def test_manager_that_does_not_read_never_blocks_us(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    sent = [notify("WATCHDOG=1") for _ in range(5000)]
    assert sent[0] is True and sent[-1] is False
