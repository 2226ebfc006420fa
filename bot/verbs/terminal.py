"""A terminal: how wide it is, whether it has colours, and text that fits it."""

import os
import shutil
import textwrap
from typing import TextIO

RED, GREEN, YELLOW, DIM, BOLD = "31", "32", "33", "2", "1"
NARROWEST = 20


def is_terminal(out: TextIO) -> bool:
    """Whether it can move its cursor."""
    return out.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def has_colours(out: TextIO) -> bool:
    """Unless somebody said no (no-color.org)."""
    return is_terminal(out) and not os.environ.get("NO_COLOR")


def painted(text: str, *codes: str) -> str:
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes and text else text


def size() -> tuple[int, int]:
    """Columns and lines."""
    found = shutil.get_terminal_size()
    return max(NARROWEST, found.columns), max(4, found.lines)


def cut(text: str, width: int) -> str:
    """At most `width` characters."""
    return text if len(text) <= width else text[:max(0, width - 1)] + "…"


def wrapped(head: str, text: str, width: int | None) -> list[str]:
    """head and text on lines of at most `width`, those after the first as far in as the text
    begins; None: on one line, however long.
    """
    indent = " " * len(head)
    if width is None or width < len(head) + NARROWEST:
        return [head + text]
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=indent,
                         break_on_hyphens=False) or [head.rstrip()]
