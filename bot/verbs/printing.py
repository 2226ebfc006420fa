"""Rows as text: a table for people, CSV and JSON for programs."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import TextIO

from bot.moments import in_iso

MOST_LINES = 1_000
MOST_CELL = 200
PLAN = ("explain_key", "explain_value")  # of EXPLAIN, drawn over several lines
FORMS = ("table", "csv", "json")

Row = Sequence[object]


def aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows]


def printable(text: str) -> str:
    """Without what would move the cursor or colour the screen."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def as_table(columns: Sequence[str], chunks: Iterable[Sequence[Row]], out: TextIO) -> bool:
    """What is unknown is a dash. Returns: whether there are rows that were not printed."""
    rows = list(islice(chain.from_iterable(chunks), MOST_LINES + 1))
    if tuple(columns) == PLAN:
        out.write("".join(f"{row[1]}\n" for row in rows))
        return False
    cells = [[_cell(value) for value in row] for row in rows[:MOST_LINES]]
    if columns:
        out.write("\n".join(aligned([list(columns), *cells])) + "\n")
    return len(rows) > MOST_LINES


def as_csv(columns: Sequence[str], chunks: Iterable[Sequence[Row]], out: TextIO) -> int:
    """RFC 4180, with the names as first line; what is unknown is empty. Returns: how many rows."""
    writer = csv.writer(out)
    writer.writerow(columns)
    count = 0
    for chunk in chunks:
        writer.writerows([_field(value) for value in row] for row in chunk)
        count += len(chunk)
    return count


def as_json(columns: Sequence[str], chunks: Iterable[Sequence[Row]], out: TextIO) -> None:
    """A list of objects, each on a line of its own."""
    out.write("[")
    for number, line in enumerate(_objects(columns, chunks)):
        out.write((",\n" if number else "\n") + line)
    out.write("\n]\n")


def _objects(columns: Sequence[str], chunks: Iterable[Sequence[Row]]) -> Iterator[str]:
    for row in chain.from_iterable(chunks):
        yield json.dumps({name: _plain(value) for name, value in zip(columns, row, strict=True)},
                         ensure_ascii=False)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = str(_field(value))
    shown = printable(text[:MOST_CELL])
    return shown if len(text) <= MOST_CELL else shown + "…"


def _field(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False)
    return value if isinstance(value, float) else _plain(value)


def _plain(value: object) -> object:
    """As JSON can hold it; numbers that it has no form for are unknown to it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return in_iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _plain(float(value))
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value)
