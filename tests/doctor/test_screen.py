"""Lines for people, with and without a terminal."""

import io
import os

import pytest

from bot.doctor.finding import fail, ok, skip, warn
from bot.doctor.screen import CLEAR, Screen, counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_pipe_gets_plain_lines_however_long_and_no_progress() -> None:
    out, aside = io.StringIO(), io.StringIO()
    screen = Screen(out, aside)
    screen.progress(["dns x"], 1.0)
    screen.tell(warn("dns", "x.example", "w" * 100, "r" * 100))
    screen.tell(ok("tls", "", "fine"))
    assert out.getvalue().splitlines() == [
        f"warn  dns       x.example: {'w' * 100}", f"{'':16}-> {'r' * 100}",
        "ok    tls       fine"]
    assert aside.getvalue() == ""


def test_a_terminal_gets_colours_and_lines_that_fit() -> None:
    out = Terminal()
    Screen(out, io.StringIO()).tell(fail("rest", "okx", "many words " * 20, "a remedy " * 20))
    text = out.getvalue()
    assert text.startswith("\x1b[31mfail\x1b[0m  rest      okx: many words")
    assert all(len(line.replace("\x1b[31m", "").replace("\x1b[0m", "")) <= 60
               for line in text.splitlines())


def test_who_wants_no_colours_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Screen(out, io.StringIO()).tell(ok("rest", "okx", "fine"))
    assert "\x1b" not in out.getvalue()


def test_progress_is_one_line_that_gives_way_to_findings() -> None:
    out, aside = Terminal(), Terminal()
    screen = Screen(out, aside)
    screen.progress([f"stream of exchange {number}" for number in range(9)], 3.2)
    assert aside.getvalue().startswith(f"{CLEAR}3 s, waiting for stream of exchange 0, ")
    assert "\n" not in aside.getvalue() and len(aside.getvalue()) - len(CLEAR) <= 59
    screen.tell(ok("rest", "okx", "fine"))
    assert aside.getvalue().endswith(CLEAR)


def test_without_a_place_for_findings_there_still_is_progress() -> None:
    aside = Terminal()
    screen = Screen(None, aside)
    screen.progress(["dns"], 1.0)
    screen.tell(ok("dns", "", "fine"))
    screen.summary([], 1.0)
    assert aside.getvalue() == f"{CLEAR}1 s, waiting for dns{CLEAR}"


def test_a_terminal_that_cannot_move_its_cursor_gets_no_progress(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    aside = Terminal()
    Screen(io.StringIO(), aside).progress(["dns"], 1.0)
    assert aside.getvalue() == ""


def test_what_others_say_moves_no_cursor() -> None:
    out = io.StringIO()
    Screen(out, io.StringIO()).tell(ok("tls", "h", "by \x1b[2Jnobody\n"))
    assert "\x1b" not in out.getvalue() and out.getvalue().count("\n") == 1


def test_the_end_counts_what_was_found() -> None:
    found = [ok("a", "", ""), fail("b", "", "", "r"), *[warn("c", "", "", "r")] * 2]
    assert counted(found) == "1 failure, 2 warnings, 1 ok"
    assert counted([ok("a", "", ""), skip("b", "", "")]) == (
        "0 failures, 0 warnings, 1 ok, 1 skipped")
    out = io.StringIO()
    Screen(out, io.StringIO()).summary(found, 2.34)
    assert out.getvalue() == f"1 failure, 2 warnings, 1 ok in 2.3 s{os.linesep}"
