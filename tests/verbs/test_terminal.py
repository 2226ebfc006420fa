"""What a terminal can do, and text that fits it."""

import io

import pytest

from bot.verbs.terminal import RED, cut, has_colours, is_terminal, painted, size, wrapped


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out, term, no_color, moves, colours", [
    (Terminal(), "xterm", "", True, True), (Terminal(), "xterm", "1", True, False),
    (Terminal(), "dumb", "", False, False), (Terminal(), "", "", False, False),
    (io.StringIO(), "xterm", "", False, False)])
def test_colours_are_for_terminals_and_for_those_who_want_them(
    monkeypatch: pytest.MonkeyPatch, out: io.StringIO, term: str, no_color: str, moves: bool,
    colours: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("NO_COLOR", no_color)
    assert (is_terminal(out), has_colours(out)) == (moves, colours)


def test_text_is_cut_wrapped_and_painted() -> None:
    assert (cut("abcdef", 4), cut("abcd", 4), cut("abc", 0)) == ("abc…", "abcd", "…")
    assert painted("x", RED) == "\x1b[31mx\x1b[0m" and painted("x") == "x"
    assert wrapped("head ", "one two three four five six", 25) == [
        "head one two three four", "     five six"]
    assert wrapped("head ", "x" * 99, None) == ["head " + "x" * 99]
    assert wrapped("head ", "", 80) == ["head"]


def test_a_window_is_never_too_small_to_draw_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1")
    monkeypatch.setenv("LINES", "1")
    assert size() == (20, 4)
