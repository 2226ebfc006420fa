"""The verb `export`: a span of the record as a file of its own."""

import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import duckdb

from bot.config import load
from bot.errors import BotError, RecorderError, shown
from bot.moments import NEGATIVE, in_iso, span
from bot.record.drafts import settle
from bot.record.excerpt import (
    MOMENTS, SYMBOLS, Part, gaps, rows_of, write_record, write_rows)
from bot.record.files import Record, told
from bot.record.selects import select
from bot.symbols import parse_symbol
from bot.verbs.breaking import breakable
from bot.verbs.printing import as_csv
from bot.verbs.query import announce, broken
from bot.verbs.reaching import EX_UNREACHABLE, opened

EX_OK = 0
EX_NOTHING = 1
EX_WRONG = 2
EX_CANTCREAT = 73  # as in sysexits.h
SUFFIXES = (".csv", ".parquet", ".duckdb")
MOST_GAPS = 10
WHY = {"down": "the bot did not run", "lost": "it is not in the record any more",
       "unrecorded": "rows were refused, for too many waited",
       "before": "the record does not go back so far"}
DRAFT = re.compile(r"\.([^/]+)\.[0-9a-f]{32}(\.wal)?")  # nobody asked for that name
EPILOG = """\
examples:
  python -m bot export --from -1h --out last-hour.parquet
  python -m bot export --from 2026-11-21 --to 2026-11-22 --symbol BTC-USDT --out day.csv
  python -m bot export --from 2026-11-22T09:58:00Z --to 2026-11-22T10:05:00Z --out incident.duckdb
  python -m bot export --from -5m --out - | head

The suffix of the file decides. .csv, .parquet: rows of one table, by the moment in its first
column. .duckdb: a record of that span that anybody can query and replay.

Moments: ISO 8601 (UTC unless an offset is given), a date, epoch ms, now, or how long ago: -90s,
-5m, -1h, -2d. --from is included, --to is not.

exit codes: 0 written; 1 nothing to write, or it failed; 2 wrong arguments; 69 no record can be
reached; 73 the file is there already, or cannot be made; 78 bad settings; 130 interrupted
"""


class Refused(BotError):
    """code: the exit code that says why."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Wish(NamedTuple):
    """out: None for stdout."""

    since: datetime
    until: datetime
    table: str
    symbol: str | None
    out: Path | None
    suffix: str


def add_arguments(parser: ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser._negative_number_matcher = NEGATIVE
    parser.add_argument("--from", dest="since", required=True, metavar="MOMENT")
    parser.add_argument("--to", dest="until", default="now", metavar="MOMENT",
                        help="default: now")
    parser.add_argument("--table", choices=MOMENTS, metavar="TABLE",
                        help=f"default: updates; there are {', '.join(MOMENTS)}")
    parser.add_argument("--symbol", help="only rows of this one, in any spelling")
    parser.add_argument("--out", required=True, metavar="FILE",
                        help="ends with .csv, .parquet or .duckdb; - is CSV to stdout")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: Namespace) -> int:
    """Raises: ConfigError."""
    config = load()
    try:
        wish = _wish(arguments, datetime.now(UTC).replace(tzinfo=None))
        with opened(config, wish.out and wish.out.parent) as record, breakable(record.con):
            announce(record)
            return _export(record, wish)
    except Refused as error:
        print(error, file=sys.stderr)
        return error.code
    except RecorderError as error:
        print(error, file=sys.stderr)
        return EX_UNREACHABLE
    except (duckdb.InterruptException, RuntimeError) as error:
        return broken(error)
    except duckdb.Error as error:
        words = DRAFT.sub(r"\1", told(error))
        print(f"nothing was written: {words}", file=sys.stderr)
        return EX_NOTHING
    except OSError as error:
        if arguments.out == "-":  # then it is about the output
            raise
        print(f"nothing was written: {error.strerror}: {arguments.out}", file=sys.stderr)
        return EX_CANTCREAT


def _wish(arguments: Namespace, now: datetime) -> Wish:
    """Raises: Refused, before anything is asked."""
    try:
        since, until = span(arguments.since, arguments.until, now)
    except ValueError as error:
        raise Refused(str(error), EX_WRONG) from error
    assert since and until, "one is required, the other has a default"
    out = None if arguments.out == "-" else Path(arguments.out).absolute()
    suffix = out.suffix if out else ".csv"
    if suffix not in SUFFIXES:
        raise Refused(f"--out: must end with one of {', '.join(SUFFIXES)}, got "
                      f"{shown(arguments.out)}", EX_WRONG)
    if out and not out.parent.is_dir():
        raise Refused(f"--out: there is no folder {out.parent}", EX_CANTCREAT)
    if out and out.exists() and not (arguments.force and out.is_file()):
        raise Refused(f"{out} is there already; --force replaces a file", EX_CANTCREAT)
    if suffix == ".duckdb" and (arguments.symbol or arguments.table):
        raise Refused("--symbol, --table: not for .duckdb, which is to be replayed: the judgement "
                      "of one symbol learns clocks and lags from all", EX_WRONG)
    table = arguments.table or "updates"
    return Wish(since, until, table, _symbol(table, arguments.symbol), out, suffix)


def _symbol(table: str, text: str | None) -> str | None:
    if text is None:
        return None
    if table not in SYMBOLS:
        raise Refused(f"--symbol: rows of {table} have none", EX_WRONG)
    try:
        return parse_symbol(text).name
    except ValueError as error:
        raise Refused(f"--symbol: {error}", EX_WRONG) from error


def _export(record: Record, wish: Wish) -> int:
    for gap in (found := gaps(record.con, wish.table, wish.since, wish.until))[:MOST_GAPS]:
        print(f"not recorded: {in_iso(gap.since)} to {in_iso(gap.until)}, {WHY[gap.rule]}",
              file=sys.stderr)
    if len(found) > MOST_GAPS:
        print(f"not recorded: {len(found) - MOST_GAPS} more times", file=sys.stderr)
    if wish.suffix == ".duckdb" and wish.out:
        with _draft(wish.out) as draft:
            part = _record(record, draft, wish)
    else:
        sql, part = rows_of(record.con, wish.table, wish.since, wish.until, wish.symbol)
        if part.since is None:
            print(f"nothing was written: there is no row of {wish.table}"
                  f"{f' of {wish.symbol}' if wish.symbol else ''} from {in_iso(wish.since)} to "
                  f"{in_iso(wish.until)}", file=sys.stderr)
            return EX_NOTHING
        if wish.out is None:
            as_csv(*select(record.con, sql), sys.stdout)
            sys.stdout.flush()
        else:
            with _draft(wish.out) as draft:
                write_rows(record.con, sql, draft, wish.suffix)
    _tell(wish, part)
    return EX_OK


def _record(record: Record, draft: Path, wish: Wish) -> Part:
    try:
        return write_record(record.con, draft, wish.since, wish.until)
    except RecorderError as error:
        raise Refused(f"nothing was written: {error}", EX_NOTHING) from error


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """A file that becomes `out` when it is finished, and is gone when that fails."""
    draft = out.with_name(f".{out.name}.{uuid4().hex}")
    try:
        yield draft
        settle(draft, out)
    finally:
        for left in (draft, draft.with_name(f"{draft.name}.wal")):
            left.unlink(missing_ok=True)


def _tell(wish: Wish, part: Part) -> None:
    rows = ", ".join(f"{count} of {table}" for table, count in part.rows.items() if count)
    if part.since is not None and part.until is not None:
        rows += f"; {in_iso(part.since)} to {in_iso(part.until)}"
    if wish.out is None:
        print(f"rows: {rows}", file=sys.stderr)
    else:
        print(f"{wish.out}: {wish.out.stat().st_size} bytes, rows: {rows}")
