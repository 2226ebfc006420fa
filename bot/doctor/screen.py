"""Findings for people: lines as they come, and on a terminal what is still waited for."""

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from bot.doctor.finding import Finding, Level, listed
from bot.verbs.printing import printable
from bot.verbs.terminal import (
    DIM, GREEN, RED, YELLOW, cut, has_colours, is_terminal, painted, size, wrapped)

COLOURS: dict[Level, str] = {"ok": GREEN, "skip": DIM, "warn": YELLOW, "fail": RED}
CHECK_WIDTH = 9
CLEAR = "\r\x1b[K"


class Screen:
    """out: where findings go; None: nowhere. aside: where progress is shown, if it is a terminal.
    """

    def __init__(self, out: TextIO | None, aside: TextIO) -> None:
        self._out, self._aside = out, aside
        self._colours = out is not None and has_colours(out)
        self._wraps = out is not None and out.isatty()
        self._moves = is_terminal(aside)
        self._drawn = False

    def tell(self, finding: Finding) -> None:
        self._write("".join(f"{line}\n" for line in self._lines(finding)))

    def progress(self, waiting: Sequence[str], elapsed_s: float) -> None:
        """One line below all others, drawn anew."""
        if self._moves:
            width = size()[0] - 1
            self._aside.write(CLEAR + cut(f"{elapsed_s:.0f} s, waiting for {listed(waiting, 20)}",
                                          width))
            self._aside.flush()
            self._drawn = True

    def clear(self) -> None:
        if self._drawn:
            self._aside.write(CLEAR)
            self._aside.flush()
            self._drawn = False

    def summary(self, findings: Sequence[Finding], seconds: float) -> None:
        self._write(f"{counted(findings)} in {seconds:.1f} s\n")

    def _write(self, text: str) -> None:
        self.clear()
        if self._out is not None:
            self._out.write(text)
            self._out.flush()

    def _lines(self, finding: Finding) -> list[str]:
        width = shutil.get_terminal_size().columns if self._wraps else None
        head = f"{finding.level:<4}  {finding.check:<{CHECK_WIDTH}} "
        text = f"{finding.subject}: {finding.words}" if finding.subject else finding.words
        lines = wrapped(head, printable(text), width)
        if finding.remedy:
            lines += wrapped(f"{'':<{len(head)}}-> ", printable(finding.remedy), width)
        if self._colours:
            level = painted(finding.level, COLOURS[finding.level])
            lines[0] = level + lines[0][len(finding.level):]
        return lines


def counted(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.level for finding in findings)
    names: dict[Level, tuple[str, str]] = {
        "fail": ("failure", "failures"), "warn": ("warning", "warnings"), "ok": ("ok", "ok"),
        "skip": ("skipped", "skipped")}
    return ", ".join(f"{counts[level]} {names[level][counts[level] != 1]}" for level in names
                     if level != "skip" or counts[level])
