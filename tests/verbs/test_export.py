"""The verb `export`: what is in the files, and what is told when it is not what one might think."""

import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bot.__main__ import main
from bot.record.archivist import Archivist
from bot.record.files import opened_file
from bot.record.schema import create_tables
from tests.doctor.disks import read_only_disk
from tests.helpers import eventually
from tests.record.test_recorder import recording

BEGIN = datetime(2026, 11, 20, 23, 50)
Export = Callable[..., tuple[int, str, str]]


def fill(path: Path) -> None:
    """Twenty minutes around midnight: an update of each symbol a second, a state every 5 minutes,
    in the order of their seq; one gap; two incidents that are older than all."""
    with duckdb.connect(str(path)) as con:
        create_tables(con)
        con.execute(f"""CREATE TEMP TABLE noted AS
            SELECT i AS seq, i % 4 AS turn,
                TIMESTAMP '{BEGIN}' + i // 4 * INTERVAL 1 SECOND AS moment
            FROM range(4800) t(i)""")
        con.execute("INSERT INTO openings VALUES (?, 'primary', 3, '0.1', 1000), "
                    "(?, 'other', 3, '0.1', 1000)", [BEGIN, BEGIN])
        con.execute("""INSERT INTO states BY NAME SELECT moment AS taken_at, 0 AS mono,
            '{}' AS settings, 'primary' AS instance, 'abc'::BLOB AS memory, seq
            FROM noted WHERE seq % 1200 = 600""")
        con.execute("""INSERT INTO updates BY NAME SELECT moment AS received_at, 'okx' AS exchange,
            ['BTCUSDT', 'ETHUSDT'][1 + turn] AS symbol, 'trade' AS type, 50000 + seq AS price, seq
            FROM noted WHERE turn < 2 AND seq % 1200 <> 600""")
        con.execute("""INSERT INTO inputs BY NAME SELECT moment AS noted_at, 'look' AS kind, seq
            FROM noted WHERE turn = 2""")
        con.execute("""INSERT INTO samples BY NAME SELECT moment AS sampled_at, 'okx' AS source, seq
            FROM noted WHERE turn = 3 AND seq <> 2411""")
        con.execute("""INSERT INTO incidents BY NAME SELECT moment AS opened_at, 'gap' AS id,
            1 AS revision, 'down' AS rule, moment + INTERVAL 30 SECOND AS closed_at, seq
            FROM noted WHERE seq = 2411""")
        con.execute("INSERT INTO incidents BY NAME SELECT ? AS opened_at, 'long' AS id, "
                    "1 AS revision, 'silence' AS rule, 0 AS seq", [BEGIN - timedelta(days=9)])
        con.execute("INSERT INTO incidents BY NAME SELECT ? AS opened_at, 'old' AS id, ? AS "
                    "closed_at, 1 AS revision, 'silence' AS rule, 0 AS seq",
                    [BEGIN - timedelta(days=9), BEGIN - timedelta(days=8)])
        con.execute("UPDATE progress SET batch = 7, seq = 4799")


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a record of which the first ten minutes are in the archive."""
    path = tmp_path_factory.mktemp("exporting") / "data" / "analytics.duckdb"
    path.parent.mkdir()
    fill(path)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        archivist = Archivist(recorder, 9999, now=lambda: BEGIN + timedelta(minutes=21))
        archivist.start()
        eventually(lambda: archivist.looks)
        archivist.stop()
        assert archivist.join(5)
    assert list(path.parent.rglob("updates/*/updates.parquet"))
    return path.parent.parent


@pytest.fixture
def export(
    record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Export:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUCKDB_PATH", str(record / "data/analytics.duckdb"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["bot", "export", *words])
        try:
            code = main(sys.argv[1:])
        except SystemExit as error:
            code = int(error.code or 0)
        told = capsys.readouterr()
        assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []
        return code, told.out, told.err

    return run


def rows(sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        return con.execute(sql).fetchall()


def test_a_span_is_written_as_parquet_with_hot_and_archived_rows(
    export: Export, tmp_path: Path
) -> None:
    code, out, err = export("--from", "2026-11-20T23:59:50Z", "--to", "2026-11-21T00:00:10Z",
                            "--out", "a.parquet")
    assert code == 0 and "asked the file" in err
    assert rows("SELECT count(*), min(received_at), max(received_at) FROM 'a.parquet'") == [
        (40, datetime(2026, 11, 20, 23, 59, 50), datetime(2026, 11, 21, 0, 0, 9))]
    assert rows("SELECT DISTINCT compression FROM parquet_metadata('a.parquet')") == [("ZSTD",)]
    assert rows("SELECT list(seq) = list_sort(list(seq)) FROM 'a.parquet'") == [(True,)]
    size = (tmp_path / "a.parquet").stat().st_size
    assert out == (f"{tmp_path}/a.parquet: {size} bytes, rows: 40 of updates; "
                   "2026-11-20T23:59:50.000000Z to 2026-11-21T00:00:09.000000Z\n")


def test_one_table_or_symbol_as_csv_in_a_file_or_to_stdout(export: Export, tmp_path: Path) -> None:
    span = "--from", "2026-11-21", "--to", "2026-11-21T00:00:05Z"
    assert export(*span, "--symbol", "eth-usdt", "--out", "a.csv")[0] == 0
    code, out, err = export(*span, "--symbol", "ETHUSDT", "--out", "-")
    assert code == 0 and "rows: 5 of updates" in err
    assert out.splitlines() == (tmp_path / "a.csv").read_text().splitlines()
    assert out.splitlines()[1].startswith("2026-11-21T00:00:00.000000Z,,okx,ETHUSDT,trade,")
    assert export(*span, "--table", "inputs", "--out", "b.csv")[0] == 0
    assert len((tmp_path / "b.csv").read_text().splitlines()) == 6


def test_times_without_a_bot_are_told(export: Export) -> None:
    err = export("--from", "2026-11-21", "--to", "2026-11-22", "--out", "a.csv")[2]
    assert "not recorded: 2026-11-21T00:00:" in err and "the bot did not run" in err
    assert "not recorded" not in export("--from", "2026-11-20T23:50Z", "--to", "2026-11-21",
                                        "--out", "b.csv")[2]


@pytest.mark.parametrize("rule, why", [
    ("down", "the bot did not run"), ("lost", "it is not in the record any more"),
    ("unrecorded", "rows were refused, for too many waited"), ("silence", None)])
def test_whatever_keeps_rows_from_the_record_is_told(
    export: Export, record: Path, rule: str, why: str | None
) -> None:
    with duckdb.connect(str(record / "data/analytics.duckdb")) as con:
        con.execute("UPDATE incidents SET rule = ? WHERE id = 'gap'", [rule])
    err = export("--from", "2026-11-21", "--to", "2026-11-22", "--out", "a.csv")[2]
    with duckdb.connect(str(record / "data/analytics.duckdb")) as con:
        con.execute("UPDATE incidents SET rule = 'down' WHERE id = 'gap'")
    assert (why in err) if why else "not recorded" not in err


def test_nothing_is_no_file(export: Export, tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet", "-"):
        code, out, err = export("--from", "2026-11-01", "--to", "2026-11-02", "--out", name)
        assert (code, out) == (1, "") and "there is no row of updates from 2026-11-01T00" in err
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_is_replaced_only_when_that_is_wished(
    export: Export, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("mine")
    words = "--from", "2026-11-20", "--to", "2026-11-22", "--out", "a.csv"
    code, _, err = export(*words)
    assert code == 73 and "a.csv is there already; --force" in err
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert export(*words, "--force")[0] == 0
    assert (tmp_path / "a.csv").read_text().startswith("received_at,")


@pytest.mark.parametrize("words, code, told", [
    (["--from", "soon"], 2, "--from: must be a moment from 2000 to 2099, got 'soon'"),
    (["--from", "now", "--to", "-1h"], 2, "--from: must be before --to"),
    (["--from", "-1h", "--out", "a.xlsx"], 2, "must end with one of .csv, .parquet, .duckdb"),
    (["--from", "-1h", "--out", "no/such/a.csv"], 73, "there is no folder"),
    (["--from", "-1h", "--table", "samples", "--symbol", "BTCUSDT"], 2, "samples have none"),
    (["--from", "-1h", "--symbol", "?"], 2, "--symbol: "),
    (["--from", "-1h", "--table", "nonsense"], 2, "invalid choice: 'nonsense'"),
    (["--from", "-1h", "--symbol", "BTCUSDT", "--out", "a.duckdb"], 2, "learns clocks and lags"),
    ([], 2, "required: --from"),
])
def test_what_cannot_be_is_refused_before_anything_is_asked(
    export: Export, words: list[str], code: int, told: str
) -> None:
    found, out, err = export(*words, *([] if "--out" in words else ["--out", "a.csv"]))
    assert (found, out) == (code, "") and told in err and "asked" not in err


def excerpt(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with opened_file(folder / "a.duckdb") as record:
        return record.con.execute(sql).fetchall()


def test_a_record_of_a_span_begins_with_a_state_and_has_no_hole(
    export: Export, tmp_path: Path
) -> None:
    code, out, err = export("--from", "2026-11-20T23:59:00Z", "--to", "2026-11-21T00:06:00Z",
                            "--out", "a.duckdb")
    assert code == 0, err
    assert "2026-11-20T23:57:30.000000Z to 2026-11-21T00:05:59.000000Z" in out
    assert "3 of openings" not in out and " of inputs" in out
    every = " UNION ALL ".join(f"SELECT seq FROM {table}" for table in (
        "updates", "inputs", "states", "samples", "incidents"))
    last = 3839 - 1  # the last of an update, an input or a state before the end
    assert excerpt(tmp_path, f"SELECT min(seq), max(seq), count(*) FROM ({every}) WHERE seq > 0"
                   ) == [(1800, last, last - 1800 + 1)]
    assert excerpt(tmp_path, "SELECT id FROM incidents ORDER BY id") == [("gap",), ("long",)]
    assert excerpt(tmp_path, "SELECT DISTINCT instance FROM openings") == [("primary",)]
    assert excerpt(tmp_path, "SELECT memory::VARCHAR, instance FROM states ORDER BY seq LIMIT 1"
                   ) == [("abc", "primary")]
    assert excerpt(tmp_path, "SELECT count(*) FROM record.main.days") == [(0,)]
    with recording(tmp_path / "a.duckdb") as recorder:  # it is a record like any other
        assert recorder.wait_open(5)


def test_where_no_state_is_before_the_span_the_first_one_in_it_is_the_beginning(
    export: Export
) -> None:
    code, out, _ = export("--from", "2026-11-20", "--to", "2026-11-20T23:55Z", "--out", "a.duckdb")
    assert code == 0 and "2026-11-20T23:52:30.000000Z to 2026-11-20T23:54:59.000000Z" in out


def test_what_cannot_be_replayed_is_told_with_the_earliest_that_can(
    export: Export, tmp_path: Path
) -> None:
    code, _, err = export("--from", "2026-11-20", "--to", "2026-11-20T23:52Z", "--out", "a.duckdb")
    assert code == 1
    assert "the earliest that can is from 2026-11-20T23:52:30.000000Z on" in err
    assert os.listdir(tmp_path) == []


def test_a_disk_that_refuses_leaves_nothing(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "a.csv")

    monkeypatch.setattr("bot.verbs.export.settle", full)
    code, _, err = export("--from", "2026-11-20", "--to", "2026-11-22", "--out", "a.csv")
    assert code == 73 and "nothing was written: No space left on device: a.csv" in err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.duckdb"])
def test_a_folder_that_cannot_be_written_is_told_with_the_name_that_was_asked_for(
    export: Export, tmp_path: Path, name: str
) -> None:
    with read_only_disk(tmp_path / "disk") as disk:
        code, _, err = export("--from", "2026-11-20", "--to", "2026-11-22", "--out",
                              str(disk / name))
    line = err.splitlines()[-1]
    assert code in (1, 73) and line.startswith("nothing was written: ")
    assert "Read-only file system" in line and str(disk / name) in line and f".{name}." not in line


def test_what_is_before_the_record_is_told(export: Export) -> None:
    def told(table: str, since: str, until: str = "2026-11-21") -> str:
        return export("--table", table, "--from", since, "--to", until, "--out", "-")[2]

    words = (": 2026-11-20T10:00:00.000000Z to 2026-11-20T23:50:00.000000Z, "
             "the record does not go back so far")
    assert words in told("updates", "2026-11-20T10:00")
    assert "go back" in told("updates", "2026-11-01", "2026-11-02")
    assert "go back" not in told("updates", "2026-11-20T23:50Z")
