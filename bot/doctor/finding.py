"""What a check found: plain values."""

from collections.abc import Iterable
from typing import Literal

import msgspec

# skip: not looked at, or it cannot be from here; no fault, and no ok either.
Level = Literal["ok", "skip", "warn", "fail"]
# As Nagios counts.
EXIT_CODES: dict[Level, int] = {"ok": 0, "skip": 0, "warn": 1, "fail": 2}


class Finding(msgspec.Struct, frozen=True):
    """One line. subject: whom it is about; empty where the check says it all. remedy: what to do,
    for warn and fail.
    """

    check: str
    level: Level
    subject: str
    words: str
    remedy: str = ""


class ClockReading(msgspec.Struct, frozen=True):
    """How far this machine's clock is ahead of another one, give or take `within_s`."""

    whose: str
    ahead_s: float
    within_s: float


class PriceSeen(msgspec.Struct, frozen=True):
    """The newest price of a stream. at: monotonic s."""

    exchange: str
    symbol: str
    price: float
    at: float


class Report(msgspec.Struct, frozen=True):
    """What one check says, and what it saw that others draw conclusions from."""

    findings: tuple[Finding, ...] = ()
    clocks: tuple[ClockReading, ...] = ()
    prices: tuple[PriceSeen, ...] = ()


def ok(check: str, subject: str, words: str) -> Finding:
    return Finding(check, "ok", subject, words)


def skip(check: str, subject: str, words: str) -> Finding:
    return Finding(check, "skip", subject, words)


def warn(check: str, subject: str, words: str, remedy: str) -> Finding:
    return Finding(check, "warn", subject, words, remedy)


def fail(check: str, subject: str, words: str, remedy: str) -> Finding:
    return Finding(check, "fail", subject, words, remedy)


def softened(finding: Finding) -> Finding:
    """About what is only tried when something else fails: a failure is worth a warning."""
    if finding.level != "fail":
        return finding
    return msgspec.structs.replace(finding, level="warn")


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the worst; 0 for none."""
    return max((EXIT_CODES[finding.level] for finding in findings), default=0)


def listed(names: Iterable[str], most: int = 5) -> str:
    """Names for a line, the first of them if there are many."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more
