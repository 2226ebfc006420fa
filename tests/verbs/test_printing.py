import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal

from bot.verbs.printing import MOST_LINES, as_csv, as_json, as_table

AT = datetime(2026, 11, 22, 9, 30, 0, 250_000)
COLUMNS = ("at", "price", "known", "text", "blob", "list", "day", "sum")
ROW = (AT, 50_000.1, True, 'a,"b"\n', b"\x01\xff", [AT, {"x": None}], date(2026, 1, 2),
       Decimal("1.5"))
NONE = (None,) * 8


def test_a_table_is_aligned_and_stays_on_its_lines() -> None:
    out = io.StringIO()
    assert not as_table(("a", "text"), [[(None, "x\ty\x1b[31m\n"), (12345, "z" * 300)]], out)
    assert out.getvalue().splitlines() == [
        "a      text", "-      x y [31m", f"12345  {'z' * 200}…"]


def test_a_table_ends_where_nobody_would_read_on() -> None:
    out = io.StringIO()
    assert as_table(("i",), ([(number,)] for number in range(MOST_LINES + 5)), out)
    assert len(out.getvalue().splitlines()) == MOST_LINES + 1


def test_csv_is_read_as_it_was_meant() -> None:
    out = io.StringIO(newline="")
    assert as_csv(COLUMNS, [[ROW], [NONE]], out) == 2
    names, row, none = csv.reader(io.StringIO(out.getvalue(), newline=""))
    assert tuple(names) == COLUMNS and none == [""] * 8
    assert row == ["2026-11-22T09:30:00.250000Z", "50000.1", "true", 'a,"b"\n', "01ff",
                   '["2026-11-22T09:30:00.250000Z", {"x": null}]', "2026-01-02", "1.5"]


def test_json_is_a_list_with_an_object_on_each_line() -> None:
    out = io.StringIO()
    as_json(COLUMNS, [[ROW], [NONE]], out)
    row, none = json.loads(out.getvalue())
    assert list(row.values()) == [
        "2026-11-22T09:30:00.250000Z", 50_000.1, True, 'a,"b"\n', "01ff",
        ["2026-11-22T09:30:00.250000Z", {"x": None}], "2026-01-02", 1.5]
    assert set(none.values()) == {None} and len(out.getvalue().splitlines()) == 4


def test_numbers_that_json_has_no_form_for_are_unknown_to_it() -> None:
    out = io.StringIO()
    as_json(("x", "y"), [[(float("nan"), float("inf"))]], out)
    assert json.loads(out.getvalue()) == [{"x": None, "y": None}]
    out = io.StringIO()
    as_json(("x",), [], out)
    assert json.loads(out.getvalue()) == []
