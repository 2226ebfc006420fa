"""The parameters of a question to the record: read strictly, refused with what would do."""

import base64
import binascii
import re
from datetime import datetime, timedelta

from flask import abort

from bot.errors import shown
from bot.exchanges import ALL
from bot.moments import in_ms, moment
from bot.record.analyst import Answer
from bot.record.asked import MOST_ROWS, SERVED, Asked, Question, widened
from bot.record.bars import WIDTHS
from bot.web.history import one_of, parameters, symbol

MIMETYPES = {"json": "application/json", "csv": "text/csv",
             "parquet": "application/vnd.apache.parquet"}
FORMATS = tuple(MIMETYPES)
TYPES = ("trade", "ticker", "orderbook")
DEFAULT = timedelta(hours=1)
PAGE = 1_000
MS = timedelta(milliseconds=1)  # a cursor names the beginning of one
CURSOR = re.compile(r"(\d{1,14})\.(\d{1,9})")


def read(
    name: str, question: Question, symbols: tuple[str, ...], now: datetime
) -> tuple[Asked, str]:
    """What is asked by the request at hand, and the format of the answer. now: naive, UTC.

    Refuses the request when a parameter is unknown, missing, impossible or asks for too much.
    """
    given = parameters("from", "to", *question.names, "format")
    for needed in question.required:
        if needed not in given:
            abort(400, f"{needed}: must be given; {name} takes {', '.join(question.names)}")
    until = _moment("to", given["to"]) if "to" in given else now
    since = _moment("from", given["from"]) if "from" in given else until - DEFAULT
    if since >= until:
        abort(422, f"from: must be before to, got {since}Z and {until}Z")
    exchanges = (SERVED, *ALL) if name == "candles" else tuple(ALL)
    interval = one_of("interval", given.get("interval"), WIDTHS)
    asked = Asked(
        since, until, now, symbol(given.get("symbol"), symbols),
        one_of("exchange", given.get("exchange"), exchanges), _several(given.get("exchanges")),
        interval or ("1s" if name == "spread" else "1m"), one_of("type", given.get("type"), TYPES),
        _limit(given.get("limit")) if question.paged else MOST_ROWS, _after(given.get("cursor")))
    asked = widened(asked, question.grid(asked))
    if asked.after and not asked.since - MS < asked.after[0] < asked.until:
        abort(422, f"cursor: is of {asked.after[0]}Z, which is not in from..to; ask for the next "
                   "page with the same from and to")
    most = question.most(asked)
    if asked.until - asked.since > most:
        abort(422, f"from..to: {name} tells of at most {_long(most)} at once, got "
                   f"{_long(asked.until - asked.since)}; ask in parts")
    return asked, one_of("format", given.get("format"), FORMATS) or "json"


def page_after(asked: Asked, found: Answer) -> str | None:
    """The cursor of the page after this one; None after the last.

    It names the last millisecond that was given, and how many of its rows were.
    """
    if not found.more:
        return None
    last = found.rows[-1][0]
    of_last = sum(row[0] == last for row in found.rows)
    if asked.after is not None and in_ms(asked.after[0]) == last:
        of_last += asked.after[1]
    return base64.urlsafe_b64encode(f"{last}.{of_last}".encode()).decode().rstrip("=")


def _after(text: str | None) -> tuple[datetime, int] | None:
    """Where a page begins. What is no cursor is no better than one of another question: 422."""
    if text is None:
        return None
    try:
        told = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        told = ""
    match = CURSOR.fullmatch(told)
    at = moment(match[1]) if match else None
    if match is None or at is None:
        abort(422, f"cursor: must be `next` of the page before, got {shown(text)}")
    return at, int(match[2])


def _moment(name: str, text: str) -> datetime:
    found = moment(text)
    if found is None:
        abort(400, f"{name}: must be a moment from 2000 to 2099 as epoch ms or ISO 8601 in UTC, "
                   f"got {shown(text)}; write {name}=2026-11-22T09:30:00Z")
    return found


def _several(text: str | None) -> tuple[str, ...]:
    """Two or more of the exchanges; none given stands for all."""
    if text is None:
        return ()
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        one_of("exchanges", name, ALL)
    if len(names) < 2:
        abort(400, f"exchanges: must be two or more, got {shown(text)}; "
                   "write exchanges=binance,okx")
    return names


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= MOST_ROWS):
        abort(400, f"limit: must be a whole number from 1 to {MOST_ROWS}, got {shown(text)}; "
                   f"write limit={PAGE}")
    return int(text)


def _long(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 86_400:g} days" if seconds >= 172_800 else f"{seconds / 3600:.4g} hours"
