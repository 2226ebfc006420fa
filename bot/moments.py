"""Moments as people write them, naive and UTC as the columns of the record are."""

import re
from datetime import UTC, datetime, timedelta

from bot.errors import shown

EPOCH = datetime(1970, 1, 1)
FIRST, LAST = datetime(2000, 1, 1), datetime(2100, 1, 1)
AGO = re.compile(r"-(\d{1,9})([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NEGATIVE = re.compile(r"-\d+[a-z]?")  # what argparse must not take for an option, such as -1h
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def moment(text: str) -> datetime | None:
    """Epoch ms, or ISO 8601, also a date alone; without a zone it is UTC.

    Returns: None for what is no moment, or none from 2000 to 2099.
    """
    try:
        found = _of_ms(text) if _is_ms(text) else _of_iso(text)
    except (ValueError, OverflowError):
        return None
    return found if FIRST <= found < LAST else None


def moment_or_ago(text: str, now: datetime) -> datetime | None:
    """The same, or `now`, or how long before it: -90s, -5m, -1h, -2d."""
    if text == "now":
        return now
    if match := AGO.fullmatch(text):
        try:
            found = now - timedelta(**{UNITS[match[2]]: int(match[1])})
        except OverflowError:
            return None
        return found if found >= FIRST else None
    return moment(text)


def span(
    since: str | None, until: str | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """What --from and --to mean; None where there is none. Raises: ValueError, for people."""
    begin, end = _argument("--from", since, now), _argument("--to", until, now)
    if begin and end and begin >= end:
        raise ValueError(f"--from: must be before --to, got {in_iso(begin)} and {in_iso(end)}")
    return begin, end


def _argument(name: str, text: str | None, now: datetime) -> datetime | None:
    found = None if text is None else moment_or_ago(text, now)
    if text is not None and found is None:
        raise ValueError(
            f"{name}: must be a moment from 2000 to 2099, got {shown(text)}; write "
            f"{name} 2026-11-22T09:30:00Z, {name} 2026-11-22, epoch ms or {name} -1h")
    return found


def in_iso(at: datetime) -> str:
    """at: naive, UTC."""
    return at.strftime(FORM)


def in_ms(at: datetime) -> int:
    return round((at - EPOCH).total_seconds() * 1000)


def _is_ms(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) > 8


def _of_ms(text: str) -> datetime:
    if len(text) > 14:
        raise ValueError
    return EPOCH + timedelta(milliseconds=int(text))


def _of_iso(text: str) -> datetime:
    if not text.isascii() or text.isdigit():
        raise ValueError
    found = datetime.fromisoformat(text)
    zoned = found if found.tzinfo else found.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).replace(tzinfo=None)
