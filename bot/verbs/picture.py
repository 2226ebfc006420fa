"""What `status` shows: all of it, or with --watch what fits a window. Pure."""

from datetime import datetime
from typing import NamedTuple

from bot.verbs.looking import Look
from bot.verbs.tables import Json, Table, price_table
from bot.verbs.terminal import BOLD, DIM, RED, YELLOW, cut, painted, wrapped

LINES_OF_A_STORY = 2
FEWEST_PRICES = 3
NOBODY = ("Is it running (systemctl status autonomous-bot), and with these settings (python -m bot "
          "check)?")


class Silence(NamedTuple):
    """There has been no answer for so long, and why."""

    seconds: float
    why: str


class Line(NamedTuple):
    text: str
    colour: str = ""


def picture(
    seen: Look | None, silence: Silence | None, where: str, every_s: float, now: datetime,
    columns: int | None = None, rows: int | None = None, colours: bool = False,
) -> list[str]:
    """At most `rows` lines of at most `columns` characters; None for as many as there are. While
    there is no answer the old figures are dimmed. now: UTC.
    """
    first = seen.headline if seen else "no answer yet"
    lines = [Line(f"{first}  {now:%H:%M:%S} UTC  ({where}, every {every_s:g} s)", BOLD)]
    lines += _body(seen, _stories(seen, columns, LINES_OF_A_STORY), columns, rows) if seen else [
        Line(line) for line in wrapped("", NOBODY, columns)]
    if silence is not None:
        old = "; the figures below are from before" if seen else ""
        said = f"NO ANSWER for {silence.seconds:.0f} s: {silence.why}{old}"
        lines = [Line(said, RED), *(Line(line.text, DIM) for line in lines)]
    lines = _fitted(lines, rows)
    return [_shown(line, columns, colours) for line in lines]


def page(seen: Look, width: int | None = None, colours: bool = False) -> list[str]:
    """All of it, however much that is. width: at which stories are wrapped."""
    lines = [Line(seen.headline, BOLD), *_body(seen, _stories(seen, width))]
    return [_shown(line, None, colours) for line in lines]


def _body(
    seen: Look, stories: list[Line], columns: int | None = None, rows: int | None = None
) -> list[Line]:
    """What is most important first."""
    blocks = [_prices(seen.prices, columns, rows)]
    if seen.sources is not None:
        blocks.append(_block(seen.sources, columns))
    blocks.append(stories)
    blocks += [_block(table, columns) for table in seen.parts]
    return [line for block in blocks for line in (Line(""), *block)]


def _prices(prices: list[Json], columns: int | None, rows: int | None) -> list[Line]:
    """At most half of the window: of many those that are not trusted go first."""
    most = len(prices) if rows is None else max(FEWEST_PRICES, rows // 2 - 3)
    if len(prices) <= most:
        return _block(price_table(prices), columns)
    ordered = sorted(prices, key=lambda price: bool(price.get("trusted")))
    bad = sum(not price.get("trusted") for price in ordered[most:])
    return [*_block(price_table(ordered[:most]), columns),
            Line(f"and {len(prices) - most} more, {bad or 'none'} of them without a trusted price",
                 RED if bad else DIM)]


def _block(table: Table, columns: int | None) -> list[Line]:
    lines = table.lines(columns)
    return [Line(text, colour) for text, colour in zip(lines, table.colours, strict=True)]


def _stories(seen: Look, columns: int | None, most: int | None = None) -> list[Line]:
    """most: lines that each may have, and one of advice; None: as many as it takes."""
    lines = [Line("LAST INCIDENTS (UTC)" if seen.stories else "NO INCIDENTS", DIM)]
    for story in seen.stories:
        told = wrapped(story.head, story.text, columns)
        if most is not None and len(told) > most:
            told = [*told[:most - 1], told[most - 1] + " …"]
        lines += [Line(line, YELLOW if story.advice else "") for line in told]
        if story.advice:
            arrow = f"{'':<{len(story.head)}}-> "
            advice = wrapped(arrow, story.advice, columns if most is None else None)
            lines += [Line(line) for line in advice]
    return lines


def _fitted(lines: list[Line], rows: int | None) -> list[Line]:
    """What is most important stands first, so the end is cut off; empty lines go before that."""
    if rows is None or len(lines) <= rows:
        return lines
    lines = [line for line in lines if line.text]
    if len(lines) <= rows:
        return lines
    left_out = len(lines) - rows + 1
    return [*lines[:rows - 1], Line(f"({left_out} more lines; the window is too low)", DIM)]


def _shown(line: Line, columns: int | None, colours: bool) -> str:
    text = line.text if columns is None else cut(line.text, columns)
    return painted(text, line.colour) if colours and line.colour else text
