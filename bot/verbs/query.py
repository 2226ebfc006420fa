"""The verb `query`: SQL to the record, whether the bot runs or not."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

import duckdb

from bot.config import load
from bot.ending import interrupted
from bot.errors import RecorderError
from bot.record.files import Record, told
from bot.record.selects import NoQuestion, select
from bot.verbs.breaking import breakable
from bot.verbs.printing import FORMS, MOST_LINES, aligned, as_csv, as_json, as_table
from bot.verbs.reaching import EX_UNREACHABLE, opened

EX_OK = 0
EX_WRONG = 1
EPILOG = """\
examples:
  python -m bot query
  python -m bot query "SELECT exchange, count(*), max(received_at) FROM updates GROUP BY ALL"
  python -m bot query --format csv "FROM served WHERE NOT trusted ORDER BY served_at" > bad.csv
  python -m bot query - < question.sql

Without SQL: the tables and what each column means. Moments are UTC. Tables hold closed days too. A
running bot is asked for a snapshot, which holds what was committed a moment ago.

exit codes: 0 answered; 1 a fault in the question; 69 no record can be reached; 78 bad settings;
130 interrupted
"""


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("sql", nargs="?", metavar="SQL", help="one question; - reads it from stdin")
    parser.add_argument("--format", choices=FORMS, default="table",
                        help=f"table (default; at most {MOST_LINES} rows), csv or json")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    sql = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    try:
        with opened(config) as record, breakable(record.con):
            announce(record)
            return EX_OK if sql is None and _explain(record) else _ask(
                record, sql or "", arguments.format)
    except NoQuestion as error:
        print(error, file=sys.stderr)
        return EX_WRONG
    except RecorderError as error:
        print(error, file=sys.stderr)
        return EX_UNREACHABLE
    except (duckdb.InterruptException, RuntimeError) as error:
        return broken(error)
    except duckdb.Error as error:
        print(told(error), file=sys.stderr)
        return EX_WRONG


def announce(record: Record) -> None:
    """Say what is asked, and what is not there that should be."""
    print(record.words, file=sys.stderr)
    if record.missing:
        first = record.missing[0]
        print(f"warning: {len(record.missing)} files of the archive cannot be read, their rows are "
              f"left out; the first: {first.file} {first.why}", file=sys.stderr)


def broken(error: BaseException) -> int:
    """After Ctrl-C, as DuckDB tells of it. Returns: the exit code. Raises: `error`, if it is
    another.
    """
    if isinstance(error, RuntimeError) and "interrupted" not in str(error):
        raise error
    return interrupted()


def _ask(record: Record, sql: str, form: str) -> int:
    columns, chunks = select(record.con, sql)
    if form == "csv":
        as_csv(columns, chunks, sys.stdout)
    elif form == "json":
        as_json(columns, chunks, sys.stdout)
    elif as_table(columns, chunks, sys.stdout):
        print(f"there are more than {MOST_LINES} rows, and these are the first; --format csv or "
              "json gives all, LIMIT fewer", file=sys.stderr)
    sys.stdout.flush()
    return EX_OK


def _explain(record: Record) -> bool:
    """Print every table with its columns and what they mean."""
    print("\n".join(_tables(record.con)))
    sys.stdout.flush()
    return True


def _tables(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    columns: dict[str, list[list[str]]] = {}
    for table, *words in con.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns()"
            " WHERE database_name = 'memory' AND NOT internal ORDER BY column_index").fetchall():
        columns.setdefault(table, []).append([f"  {words[0]}", *words[1:]])
    for table, meaning in con.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE database_name = 'memory'"
            " AND NOT internal ORDER BY view_oid").fetchall():
        yield from (f"{table}: {meaning}", *aligned(columns[table]), "")
