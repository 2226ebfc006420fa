"""What the tests of checks share: practice exchanges, and an environment without proxies."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.doctor import commands
from bot.sandbox.server import Sandbox
from tests.helpers import PATIENCE_S

Command = Callable[[str, str | None], None]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate=50) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def no_proxy_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def without_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BOOTED", tmp_path / "nowhere")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Puts a command of systemd on the PATH that does what a shell script says; None: there is
    none. This machine may have none that answers.
    """
    monkeypatch.setattr(commands, "BOOTED", tmp_path)
    monkeypatch.setattr(commands, "ASK_S", 0.2)

    def put(name: str, script: str | None) -> None:
        program = tmp_path / name
        if script is None:
            monkeypatch.setenv("PATH", str(tmp_path))
            return
        if "sleep" not in script:
            monkeypatch.setattr(commands, "ASK_S", PATIENCE_S)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return put
