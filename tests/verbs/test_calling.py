"""How a verb says that it got no answer, or none for it."""

from pathlib import Path

import pytest

from bot.__main__ import main
from tests.processes import free_port
from tests.servers import raw_server, say

REFUSES = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("verb", [("status",), ("price", "BTCUSDT")])
@pytest.mark.parametrize("token, words", [
    ("another", "it wants another API_TOKEN than the one set here"),
    ("", "it wants an API_TOKEN, and none is set here")])
def test_a_bot_that_does_not_know_us_is_not_said_to_be_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...],
    token: str, words: str,
) -> None:
    with raw_server(say(REFUSES)) as server:
        port = server.port
        monkeypatch.setenv("API_PORT", str(port))
        monkeypatch.setenv("API_TOKEN", token)
        assert main([*verb]) == 69
    assert capsys.readouterr().err == (
        f"the bot at http://127.0.0.1:{port} does not answer us: {words}\n"
        "Set API_TOKEN here as it is set there.\n")


def test_where_nobody_answers_it_asks_whether_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API_PORT", str(free_port()))
    assert main(["status"]) == 69
    assert "Is it running" in capsys.readouterr().err
