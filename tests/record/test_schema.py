import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from bot.errors import RecorderError
from bot.record.schema import TABLES, create_tables
from tests.record.old_files import VERSIONS, leave_file
from tests.record.test_recorder import read, recording, update

PAGE = Path(__file__).parents[2] / "docs" / "data.md"

Shape = list[tuple[str, str, str]]


def shape(path: Path) -> Shape:
    return [(str(table), str(column), str(kind)) for table, column, kind in read(
        path, "SELECT table_name, column_name, data_type FROM duckdb_columns()"
              " WHERE NOT internal AND schema_name = 'main' ORDER BY 1, column_index")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "analytics.duckdb"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_an_earlier_version_becomes_the_same_as_a_new_one(
    path: Path, tmp_path: Path, version: int
) -> None:
    leave_file(path, version)
    with duckdb.connect(str(tmp_path / "new.duckdb")) as new:
        create_tables(new)
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(update(7))
    assert shape(path) == shape(tmp_path / "new.duckdb")
    assert read(path, "SELECT price, volume, event_id FROM updates") == [
        (50000.5, 0.1, None), (50_000.1, 7.0, None)]
    assert read(path, "SELECT trusted, status FROM served") == [(True, None)]
    assert read(path, "SELECT kind FROM events") == [("start",)]
    assert read(path, "SELECT schema_version FROM openings ORDER BY opened_at") == [
        (version,), (3,)]


def test_a_file_of_a_later_version_is_left_alone_and_named(path: Path, tmp_path: Path) -> None:
    with recording(path):
        pass
    with duckdb.connect(str(path)) as con:
        con.execute("ALTER TABLE updates ADD COLUMN mood VARCHAR")
        with pytest.raises(RecorderError, match="newer version of this program: its table 'upd"):
            create_tables(con)
    assert ("updates", "mood", "VARCHAR") in shape(path)


def test_a_foreign_table_is_left_alone_and_named(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "foreign.duckdb")) as con:
        con.execute("CREATE TABLE served (dish VARCHAR)")
        with pytest.raises(RecorderError, match="a table 'served' that is not this program's"):
            create_tables(con)
        con.rollback()
        assert con.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("served",)]


def test_the_page_tells_every_column_with_its_type_in_the_same_words() -> None:
    tables = PAGE.read_text().partition("## Tables")[2].partition("## The Parquet files")[0]
    sections = dict(re.findall(r"### `(\w+)`\n\n(.*?)(?=\n##)", tables, re.DOTALL))
    for table, (meaning, columns) in TABLES.items():
        assert sections[table].lower().startswith(meaning.lower())
        rows = re.findall(r"^\| `(\w+)` \| ([A-Z]+) \| (.*) \|$", sections[table], re.MULTILINE)
        assert rows == [(name, kind, comment) for name, (kind, comment) in columns.items()]


def test_the_file_tells_it_too(path: Path) -> None:
    with recording(path):
        pass
    told = read(path, "SELECT table_name, column_name, comment FROM duckdb_columns() "
                      "WHERE NOT internal")
    assert set(told) == {(table, name, comment) for table, (_, columns) in TABLES.items()
                         for name, (_, comment) in columns.items()}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_kill_in_the_middle_of_the_change_leaves_the_earlier_version(
    path: Path, version: int
) -> None:
    leave_file(path, version)
    before = shape(path)
    code = ("import duckdb, os, sys; sys.path.insert(0, sys.argv[2])\n"
            "from bot.record import schema\n"
            "honest, turns = schema._complete, []\n"
            "def complete(*arguments):\n"
            "    honest(*arguments)\n"
            "    turns.append(1)\n"
            "    if len(turns) == 6: os.kill(os.getpid(), 9)\n"
            "schema._complete = complete\n"
            "schema.create_tables(duckdb.connect(sys.argv[1]))\n")
    root = str(Path(__file__).parents[2])
    assert subprocess.run([sys.executable, "-c", code, str(path), root]).returncode == -9
    assert shape(path) == before
    with recording(path) as recorder:
        assert recorder.wait_open(5)
        recorder.keep(update(7))
    assert read(path, "SELECT price FROM updates") == [(50000.5,), (50_000.1,)]
