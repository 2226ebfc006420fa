"""A bot's record, played again by the verb: the same decisions, the same prices, or it says so."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import duckdb
import msgspec
import pytest

from bot.errors import RecordError
from bot.memory import decoded
from bot.record.tape import Tape
from bot.replay import Replay
from bot.sandbox.server import Sandbox
from tests.helpers import eventually
from tests.processes import ROOT, Daemon, daemon

FAULTS = (("binance", "silence"), ("okx", "wrong"), ("binance", "ahead"), ("binance", "cut"),
          ("binance", "notice"))


def settings(sandbox: Sandbox) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "SYMBOLS": "BTCUSDT,ETHUSDT", "POLL_INTERVAL": "100",
        "MAX_SOURCE_LATENCY": "400", "MAX_PRICE_AGE": "900", "FAILBACK_AFTER": "300"}


def live_through(sandbox: Sandbox, bot: Daemon) -> None:
    """Every fault once, each until it is noticed."""
    bot.wait_for("is served from websocket")
    for exchange, fault in FAULTS:
        seen = len(bot.lines)
        sandbox.fault(exchange, fault)
        eventually(lambda: any(exchange.upper() in line or "switch" in line
                               for line in bot.lines[seen:]))
        sandbox.heal(exchange)
        eventually(lambda: bot.price()["status"] == "trusted")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a bot that ran twice: it was killed, and stopped."""
    folder = tmp_path_factory.mktemp("record")
    with Sandbox(rate=200) as sandbox:
        with daemon(folder, settings(sandbox)) as bot:
            live_through(sandbox, bot)
        with daemon(folder, settings(sandbox)) as bot:
            bot.wait_for("is served from websocket")
            eventually(lambda: bot.price()["status"] == "trusted")
            assert bot.terminate() == 0
    yield folder


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    """A copy of its record."""
    path = tmp_path / "record.duckdb"
    copyfile(folder / "data/analytics.duckdb", path)
    return path


def replay(*arguments: str | Path, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "replay", *map(str, arguments)], cwd=folder, text=True,
        capture_output=True, timeout=60, env={"PYTHONPATH": str(ROOT), "PATH": ""})


def changed(file: Path, statement: str) -> list[str]:
    """What differs after someone has been at the record."""
    with duckdb.connect(str(file)) as con:
        con.execute(statement)
    with duckdb.connect(str(file), read_only=True) as con:
        tape, found = Tape(con), Replay()
        span = tape.span(None, None)
        assert span is not None
        list(found.play(tape.entries(span)))
        return found.differences


def test_the_same_comes_out_again(folder: Path) -> None:
    done = replay(folder=folder)
    assert done.returncode == 0, done.stderr
    assert "the same as then: " in done.stderr and "no bot runs" in done.stderr
    with duckdb.connect(str(folder / "data/analytics.duckdb"), read_only=True) as con:
        ((decided,),) = con.execute("SELECT count(*) FROM events WHERE kind IN "
                                    "('source_judged', 'verdict', 'source_switch', "
                                    "'failover_failed')").fetchall()
        ((switches,),) = con.execute(
            "SELECT count(*) FROM events WHERE kind = 'source_switch'").fetchall()
    lines = done.stdout.splitlines()
    # the kill may have taken the last word
    assert decided <= len(lines) <= decided + 2 and switches >= 2
    assert sum(" source_switch " in line for line in lines) == switches


def test_a_record_of_somebody_else_needs_no_settings_and_no_archive(file: Path) -> None:
    done = replay(file, folder=file.parent)
    assert done.returncode == 0 and str(file) in done.stderr


@pytest.mark.parametrize("tampering, told", [
    ("UPDATE served SET price = price * 1.0001 WHERE seq = "
     "(SELECT min(seq) FROM served WHERE source = 'websocket')", "served then: "),
    ("UPDATE events SET kind = 'gossip' WHERE kind = 'source_switch'", "+source_switch | "),
    ("UPDATE events SET reason = 'because' WHERE kind = 'source_switch'", "because"),
    ("UPDATE updates SET price = price * 1.00001 WHERE exchange = 'binance'", "served now:"),
    ("UPDATE inputs SET kind = 'look' WHERE kind = 'judged'", "-source_judged | "),
])
def test_what_does_not_follow_from_the_record_is_shown(
    file: Path, tampering: str, told: str
) -> None:
    assert any(told in line for line in changed(file, tampering))
    done = replay(file, folder=file.parent)
    assert done.returncode == 1 and "NOT the same as then" in done.stderr


def test_behind_a_hole_it_goes_on_with_the_next_state(file: Path) -> None:
    """There is one of each run; the second one was not torn."""
    hole = ("DELETE FROM updates WHERE seq BETWEEN (SELECT min(seq) + 300 FROM updates) "
            "AND (SELECT min(seq) + 320 FROM updates)")
    assert changed(file, hole) == []
    done = replay(file, folder=file.parent)
    assert done.returncode == 0 and "rows had to be refused then" in done.stderr
    assert done.stdout.splitlines(), "of the run after it"


def test_a_span_begins_with_the_state_before_it(folder: Path) -> None:
    with duckdb.connect(str(folder / "data/analytics.duckdb"), read_only=True) as con:
        first, second = (at for (at,) in con.execute(
            "SELECT taken_at FROM states ORDER BY seq").fetchall())
    done = replay("--from", f"{second.isoformat()}Z", folder=folder)
    assert done.returncode == 0 and f"playing {second:%Y-%m-%dT%H:%M:%S}" in done.stderr
    done = replay("--to", f"{first.isoformat()}Z", folder=folder)
    assert done.returncode == 1 and "nothing to play" in done.stderr and not done.stdout


def test_a_memory_of_another_shape_is_refused(file: Path) -> None:
    with duckdb.connect(str(file)) as con:
        con.execute("UPDATE states SET memory = '\\x81\\xA4desk\\x01'::BLOB")
    done = replay(file, folder=file.parent)
    assert done.returncode == 1 and "cannot be played by version" in done.stderr
    with pytest.raises(RecordError, match="another shape"):
        decoded(msgspec.msgpack.encode({"desk": 1}))


def test_a_wrong_moment_is_explained(tmp_path: Path) -> None:
    done = replay("--from", "yesterday", folder=tmp_path)
    assert done.returncode == 2 and "--from: must be a moment" in done.stderr
    assert replay(tmp_path / "none.duckdb", folder=tmp_path).returncode == 69
