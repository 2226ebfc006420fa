"""A bot's record, played again by the verb: the same decisions, the same prices, or it says so."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shutil import copyfile

import duckdb
import pytest

from bot.__main__ import main
from bot.record.schema import TABLES, create_tables
from bot.record.tape import Tape
from bot.sandbox.server import Sandbox
from bot.verbs.replaying import Replay
from tests.helpers import eventually
from tests.processes import ROOT, Daemon, daemon

# Which fault, and the line that tells that it was noticed.
FAULTS = (("binance", "silence", "Source switch: binance -> okx"), ("okx", "wrong", "[OKX]"),
          ("binance", "ahead", "ahead of this source's clock"),
          ("okx", "notice", "Connection handed over"), ("binance", "cut", "disconnected"))
# A bot that notes a state every second.
EAGER = ("-c", "import sys, bot.__main__, bot.judging.court as court; court.STATE_EVERY_S = 1.0; "
               "court.Court.__init__.__defaults__ = "
               "(*court.Court.__init__.__defaults__[:-1], 1.0); "
               "sys.exit(bot.__main__.main([]))")
NEWS = "(kind <> 'verdict' OR detail->>'from' IS DISTINCT FROM detail->>'to')"
DECISIONS = "kind IN ('source_judged', 'verdict', 'source_switch', 'failover_failed')"


def settings(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return sandbox.environment() | {
        "ENABLE_WEBSOCKET_FEEDS": "true", "TRADING_SYMBOL": "BTCUSDT,ETHUSDT",
        "POLL_INTERVAL": "100", "MAX_SOURCE_LATENCY": "400", "MAX_PRICE_AGE": "900",
        "FAILBACK_AFTER": "300"} | more


def live_through(sandbox: Sandbox, bot: Daemon) -> None:
    """Every fault once, each until it is noticed."""
    bot.wait_for("is served from websocket")
    for exchange, fault, line in FAULTS:
        seen = len(bot.lines)
        sandbox.fault(exchange, fault)
        eventually(lambda: any(line in told for told in bot.lines[seen:]), 15.0, line)
        sandbox.heal(exchange)
        eventually(lambda: bot.price()["status"] == "trusted", 15.0)
    now_ms = time.time() * 1000
    eventually(lambda: bot.json("/api/v1/recorder")["lastCommitAt"] > now_ms)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a bot that ran three times: it was killed, stopped, and then had other exchanges."""
    folder = tmp_path_factory.mktemp("record")
    with Sandbox(rate=200, symbols=("BTCUSDT", "ETHUSDT")) as sandbox:
        with daemon(folder, settings(sandbox), program=EAGER) as bot:
            live_through(sandbox, bot)
        for more in ({"CONFLICT_RESOLUTION": "average"},
                     {"EXCHANGES": "okx", "PRIMARY_EXCHANGE": "okx"}):
            with daemon(folder, settings(sandbox, **more)) as bot:
                bot.wait_for("is served from websocket")
                eventually(lambda: bot.price()["trusted"])
                assert bot.terminate() == 0
    yield folder


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    """A copy of its record."""
    path = tmp_path / "record.duckdb"
    copyfile(folder / "data/analytics.duckdb", path)
    return path


def run(*arguments: str | Path, folder: Path = Path(), flags: tuple[str, ...] = ()
        ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-m", "bot", *map(str, arguments)], cwd=folder, text=True,
        capture_output=True, timeout=60, env={"PYTHONPATH": str(ROOT), "PATH": ""})


def replay(*arguments: str | Path, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    return run("replay", *arguments, folder=folder)


def asked(file: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


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
    record = folder / "data/analytics.duckdb"
    done = replay(folder=folder)
    assert done.returncode == 0, done.stderr
    assert "the same as then: " in done.stderr and "no bot runs" in done.stderr
    assert done.stderr.count("a run of `primary`") == 3
    assert "what is remembered at" in done.stderr
    assert " verdict - none -> none" not in done.stdout
    ((decided, switches),) = asked(record, f"SELECT count(*) FILTER ({DECISIONS} AND {NEWS}), "
                                           "count(*) FILTER (kind = 'source_switch') FROM events")
    lines = done.stdout.splitlines()
    assert isinstance(decided, int) and isinstance(switches, int) and switches >= 2
    assert decided <= len(lines) <= decided + 2  # the kill may have taken the last words
    assert sum(" source_switch " in line for line in lines) == switches
    assert {symbol for (symbol,) in asked(record, "SELECT DISTINCT symbol FROM served")} == {
        "BTCUSDT", "ETHUSDT"}
    kinds = {kind for (kind,) in asked(record, "SELECT DISTINCT kind FROM inputs")}
    # `expected` only if the second connection was the first to tell something, which is chance
    assert kinds - {"expected"} == {"begun", "connected", "disconnected", "refused", "opinion",
                                    "source", "look", "judged", "asked", "cleared"}


def test_assertions_switched_off_change_nothing(folder: Path) -> None:
    done = run("replay", folder=folder, flags=("-O",))
    assert (done.returncode, done.stdout) == (0, replay(folder=folder).stdout)


def test_an_exported_incident_needs_no_settings_and_no_archive(
    folder: Path, tmp_path: Path
) -> None:
    ((middle,),) = asked(folder / "data/analytics.duckdb",
                         "SELECT min(happened_at) FROM events WHERE kind = 'source_handed_over'")
    assert isinstance(middle, datetime)
    out = tmp_path / "incident.duckdb"
    made = run("export", "--from", f"{middle.isoformat()}Z", "--out", out, folder=folder)
    assert made.returncode == 0, made.stderr
    done = replay(out, folder=tmp_path)
    assert done.returncode == 0 and str(out) in done.stderr, done.stderr
    assert 0 < len(done.stdout.splitlines()) < len(replay(folder=folder).stdout.splitlines())


def test_a_running_bot_is_asked_for_a_snapshot(tmp_path: Path) -> None:
    with Sandbox(rate=50) as sandbox, daemon(tmp_path, settings(sandbox)) as bot:
        bot.wait_for("is served from websocket")
        eventually(lambda: bot.json("/api/v1/recorder")["written"] > 100)
        (tmp_path / ".env").write_text(f"API_PORT={bot.port}\n")
        done = replay(folder=tmp_path)
        assert done.returncode == 0 and "a snapshot of" in done.stderr, done.stderr


KILLED = f"""
    UPDATE events SET kind = 'gossip' WHERE {DECISIONS} AND seq >= (
        SELECT min(seq) FROM events WHERE kind = 'source_switch') AND seq < (
        SELECT max(seq) FROM inputs WHERE kind = 'begun' AND seq < (
            SELECT max(seq) FROM inputs WHERE kind = 'begun'))
"""


@pytest.mark.parametrize("tampering, told", [
    ("UPDATE served SET price = price * 1.0001 WHERE seq = "
     "(SELECT min(seq) FROM served WHERE source = 'websocket')", " served: price "),
    ("UPDATE events SET kind = 'gossip' WHERE kind = 'source_switch'",
     "decided now: kind source_switch"),
    ("UPDATE events SET reason = 'because' WHERE kind = 'source_switch'", "reason because"),
    (KILLED, "decided now: kind source_switch"),
    ("UPDATE updates SET price = price * 1.00001 WHERE exchange = 'binance'", " served: price "),
    ("UPDATE updates SET price = price * 1.00001 WHERE exchange = 'binance'",
     "what is remembered differs: desk.sources['binance']"),
    ("UPDATE inputs SET kind = 'look' WHERE kind = 'judged'", "decided then: kind source_judged"),
    ("UPDATE inputs SET kind = 'look' WHERE kind = 'asked'", "without being asked for on record"),
])
def test_what_does_not_follow_from_the_record_is_shown(
    file: Path, tampering: str, told: str
) -> None:
    assert any(told in line for line in changed(file, tampering))
    done = replay(file, folder=file.parent)
    assert done.returncode == 1 and "NOT the same as then" in done.stderr


def test_behind_a_hole_it_goes_on_with_the_next_state(file: Path) -> None:
    hole = ("DELETE FROM updates WHERE seq BETWEEN (SELECT min(seq) + 300 FROM updates) "
            "AND (SELECT min(seq) + 320 FROM updates)")
    assert changed(file, hole) == []
    done = replay(file, folder=file.parent)
    assert done.returncode == 3 and "rows are missing" in done.stderr
    assert done.stderr.count("a run of `primary`") == 4  # it goes on with the state after it


def test_a_record_of_which_next_to_nothing_is_left_is_not_told_as_the_same(file: Path) -> None:
    """It is the same as far as it goes, which says nothing."""
    assert changed(file, """DELETE FROM updates WHERE seq > (SELECT min(seq) FROM states)
        AND seq <> (SELECT max(seq) FROM updates)""") == []
    done = replay(file, folder=file.parent)
    assert done.returncode == 3 and "\nthe same as then" not in done.stderr
    assert "NOT all could be played, but " in done.stderr


def test_what_is_missing_for_ever_is_passed_over_at_once(file: Path) -> None:
    """Whoever writes a file may write any number into it."""
    assert changed(file, "UPDATE inputs SET seq = 9000000000000000000 WHERE kind = 'look' "
                         "AND seq = (SELECT max(seq) FROM inputs WHERE kind = 'look')") == []


def test_a_span_begins_with_the_state_before_it(folder: Path) -> None:
    states = [at for (at,) in asked(folder / "data/analytics.duckdb",
                                    "SELECT taken_at FROM states ORDER BY seq")]
    first, last = states[0], states[-1]
    assert isinstance(first, datetime) and isinstance(last, datetime)
    done = replay("--from", f"{last.isoformat()}Z", folder=folder)
    assert done.returncode == 0 and f"playing {last:%Y-%m-%dT%H:%M:%S}" in done.stderr
    done = replay("--to", f"{first.isoformat()}Z", folder=folder)
    assert done.returncode == 1 and "nothing to play" in done.stderr and not done.stdout


@pytest.mark.parametrize("tampering, told", [
    ("UPDATE states SET settings = replace(settings, '\"shape\":\"', '\"shape\":\"0')",
     "which remembered other things"),
    ("UPDATE states SET settings = '{}'", "not as this version writes them"),
    ("UPDATE states SET memory = '\\x81\\xA4desk\\x01'::BLOB", "memory of a state is damaged"),
    ("UPDATE states SET settings = replace(settings, '[\"binance\",\"okx\"]', '[\"okx\"]')",
     "of other sources"),
    ("UPDATE inputs SET detail = 'NaN' WHERE kind = 'source'", "cannot be played: "),
    ("UPDATE inputs SET detail = NULL WHERE kind = 'opinion'", "cannot be played: "),
    ("UPDATE inputs SET mono = NULL WHERE kind = 'judged'", "cannot be played: "),
    ("UPDATE inputs SET kind = 'prayer' WHERE kind = 'judged'", "no kind of input"),
    ("UPDATE updates SET price = NULL", "cannot be played: "),
    ("UPDATE updates SET exchange = 'kraken'", "kraken is none of the sources"),
    ("UPDATE inputs SET seq = seq + 1 WHERE kind = 'asked'", "two rows are at place"),
])
def test_a_damaged_record_is_refused_in_words(file: Path, tampering: str, told: str) -> None:
    with duckdb.connect(str(file)) as con:
        con.execute(tampering)
    done = replay(file, folder=file.parent)
    assert done.returncode == 65 and told in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_in_a_record_reaches_the_terminal(file: Path) -> None:
    with duckdb.connect(str(file)) as con:
        con.execute("UPDATE states SET instance = 'x' || chr(27) || '[31m' || chr(10) || 'y'")
        con.execute("UPDATE events SET reason = chr(27) || '[2J'")
    done = replay(file, folder=file.parent)
    assert done.returncode == 1 and "\x1b" not in done.stdout + done.stderr
    assert "`x [31m y`" in done.stderr


def test_a_record_without_states_says_so(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    with duckdb.connect(str(path)) as con:
        create_tables(con)
        assert set(TABLES) == {name for (name,) in con.execute(
            "SELECT table_name FROM duckdb_tables()").fetchall()}
    done = replay(path, folder=tmp_path)
    assert done.returncode == 1 and "this record holds no states" in done.stderr


def test_ctrl_c_is_told_as_such(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """DuckDB tells it as one of its errors."""
    def interrupted(*_: object) -> None:
        raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    monkeypatch.setattr(Tape, "_read", interrupted)
    assert main(["replay", str(file)]) == 130
    assert capsys.readouterr().err.endswith("interrupted\n")


@pytest.mark.parametrize("arguments, told", [
    (("--from", "yesterday"), "--from: must be a moment"),
    (("--from", "-1h", "--to", "-2h"), "--from: must be before --to"),
])
def test_a_wrong_moment_is_explained(
    tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = replay(*arguments, folder=tmp_path)
    assert done.returncode == 2 and told in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert replay(tmp_path / "none.duckdb", folder=tmp_path).returncode == 69
