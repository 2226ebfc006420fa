"""How many bytes the record takes for a million updates, in the DuckDB file and in Parquet, and
which column they are for.

What was measured of other forms of a column is printed beside it: nobody else keeps them.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import duckdb
import pytest

from bot.judging.memory import encoded
from bot.record.archive import export
from bot.record.recorder import Recorder
from tests.bench.conftest import Figure, spread
from tests.bench.market import BEGIN_MS, FIFTY, PAIR, THREE, TWO, Daemon
from tests.helpers import eventually

pytestmark = pytest.mark.bench

UPDATES = 1_000_000
SLICE = 10_000
TABLES = ("updates", "inputs", "served", "states")
RATES = (200.0, 2_000.0)

# Other forms in which a column could be kept: SQL over `updates`.
FORMS = {
    "received_mono": {
        "DOUBLE, rounded to us": "round(received_mono, 6)",
        "BIGINT us": "round(received_mono * 1e6)::BIGINT",
        "BIGINT ns": "round(received_mono * 1e9)::BIGINT",
        "DECIMAL(18,6)": "received_mono::DECIMAL(18,6)",
        "INTEGER us less received_at":
            "(round(received_mono * 1e6)::BIGINT - epoch_us(received_at)"
            " - (SELECT min(round(received_mono * 1e6)::BIGINT - epoch_us(received_at))"
            " FROM updates))::INTEGER",
    },
    "received_at": {"TIMESTAMP_MS": "received_at::TIMESTAMP_MS"},
    "event_at": {
        "INTEGER ms less received_at":
            "(epoch_ms(event_at) - epoch_ms(received_at))::INTEGER",
    },
    "volume": {"DECIMAL(18,8)": "volume::DECIMAL(18,8)"},
    "price": {"DECIMAL(18,8)": "price::DECIMAL(18,8)"},
}
PARQUET = {
    "as it is": "COMPRESSION zstd",
    "zstd 9": "COMPRESSION zstd, COMPRESSION_LEVEL 9",
    "PARQUET_VERSION V2": "COMPRESSION zstd, PARQUET_VERSION V2",
    "V2, zstd 9": "COMPRESSION zstd, COMPRESSION_LEVEL 9, PARQUET_VERSION V2",
}


class Kept(NamedTuple):
    """A record of so many updates a second. file: made by the recorder. con: the same."""

    rate: float
    file: Path
    con: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module", params=RATES)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
         ) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("sizes")
    file = folder / "analytics.duckdb"
    recorder = Recorder(file, "primary", commit_interval_s=0.05)
    recorder.start()
    assert recorder.wait_open(10)
    daemon = Daemon(recorder.keep, PAIR, TWO, request.param)

    def poll(symbol: str) -> None:
        recorder.record_served(daemon.aggregator.quote_on_record(symbol),
                               int(daemon.wall() * 1000))

    for _ in range(UPDATES // SLICE):
        daemon.run(SLICE, poll)
        eventually(lambda: recorder.pending < SLICE)
    recorder.stop()  # with a checkpoint
    assert recorder.join(30) and not recorder.dropped and not recorder.rejected
    with duckdb.connect(str(file)) as con:
        con.execute("SET threads = 2")
        yield Kept(request.param, file, con)


def stored(folder: Path, con: duckdb.DuckDBPyConnection, select: str) -> int:
    """Bytes of a file with nothing else in it."""
    sizes = []
    for number, rows in enumerate((f"FROM ({select}) LIMIT 0", select)):
        file = folder / f"{number}.duckdb"
        con.execute(f"ATTACH '{file}' AS other")
        con.execute(f"CREATE TABLE other.t AS {rows}")
        con.execute("DETACH other")
        sizes.append(file.stat().st_size)
        file.unlink()
    return sizes[1] - sizes[0]


def written(folder: Path, con: duckdb.DuckDBPyConnection, select: str, form: str) -> int:
    """Bytes of a Parquet file."""
    file = folder / "t.parquet"
    con.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet, {form})")
    size = file.stat().st_size
    file.unlink()
    return size


def mb(size: float) -> str:
    return f"{size / 1e6:.2f} MB"


def test_bytes_of_each_table(figure: Figure, kept: Kept, tmp_path: Path) -> None:
    of = f"{UPDATES / 1e6:g} M updates, {kept.rate:,.0f}/s"
    counts = {table: kept.con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
              for table in TABLES}
    hours = UPDATES / kept.rate / 3600
    ((free,),) = kept.con.execute(
        "SELECT free_blocks * block_size FROM pragma_database_size()").fetchall()
    figure(f"{of} ({hours:.2f} h): the file the recorder made",
           f"{mb(kept.file.stat().st_size)}, of which {mb(free)} are free blocks", "-")
    ((day,),) = kept.con.execute(f"SELECT make_timestamp({BEGIN_MS} * 1000)::DATE").fetchall()
    for table in TABLES:
        hot = stored(tmp_path, kept.con, f"FROM {table}")
        closed = export(kept.con, tmp_path / "archive", table, day)
        assert closed.rows == counts[table]
        cold = (tmp_path / "archive" / closed.file).stat().st_size
        figure(f"{of}: {table}, {counts[table]:,} rows",
               f"hot {mb(hot)}, cold {mb(cold)}; {hot / counts[table]:.1f} and "
               f"{cold / counts[table]:.1f} a row", "-")
    for name, form in PARQUET.items():
        began = time.perf_counter()
        size = written(tmp_path, kept.con, "FROM updates ORDER BY received_at", form)
        figure(f"{of}: updates in Parquet, {name}",
               f"{mb(size)}, {time.perf_counter() - began:.2f} s", "-")


def test_bytes_of_each_column(figure: Figure, kept: Kept, tmp_path: Path) -> None:
    of = f"{UPDATES / 1e6:g} M updates, {kept.rate:,.0f}/s"
    columns = [column for (column,) in kept.con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = 'updates'"
        " ORDER BY column_index").fetchall()]
    for column in columns:
        for name, sql in {"as it is": column, **FORMS.get(column, {})}.items():
            select = f"SELECT {sql} AS {column} FROM updates ORDER BY seq"
            hot = stored(tmp_path, kept.con, select)
            cold = [written(tmp_path, kept.con, select, PARQUET[form])
                    for form in ("as it is", "PARQUET_VERSION V2")]
            figure(f"{of}: {column}, {name}", f"hot {mb(hot)}, cold {mb(cold[0])}, "
                   f"V2 {mb(cold[1])}", "-")


@pytest.mark.parametrize("symbols, exchanges", [(PAIR, TWO), (FIFTY, THREE)])
def test_a_state(figure: Figure, symbols: tuple[str, ...], exchanges: tuple[str, ...]) -> None:
    daemon = Daemon(lambda note: None, symbols, exchanges)
    daemon.fill(310.0)
    took, turns, memory = [], [], daemon.memory
    for _ in range(50):
        began = time.perf_counter()
        data = encoded(memory)
        took.append(time.perf_counter() - began)
        began = time.perf_counter()
        daemon.note_state()
        turns.append(time.perf_counter() - began)
    of = f"a State of {len(symbols)} symbols of {len(exchanges)} exchanges"
    figure(of, f"{len(data):,} bytes, {len(data) * 144 / 1e6:.1f} MB a day in the file at most",
           "-")
    figure(f"  encoded in, with the turn held, {len(symbols)} symbols", spread(took), "-")
    figure(f"  noted in, {len(symbols)} symbols", spread(turns), "-")
    assert median(took) < 0.1
