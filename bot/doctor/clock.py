"""The clock of this machine against those of the exchanges."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from bot.doctor.commands import BUS, Unasked, has_systemd, properties
from bot.doctor.finding import ClockReading, Finding, Report, fail, ok, skip, warn
from bot.doctor.rounds import Check
from bot.worker import Deadline

NAME = "clock"
SECONDS = 5.0
# Ages are measured by the monotonic clock, and streams are corrected by each one's offset. But all
# stamps that are told and recorded are this clock's, and from a minute on the REST ticker of tier 3
# is taken for old (bot.sources.rest).
OFF_S, WRONG_S = 1.0, 60.0
SET_IT = "timedatectl set-ntp true, or install chrony; in a virtual machine look at its host too"


def clock_checks() -> Iterator[Check]:
    yield Check(NAME, "NTP", ntp, SECONDS, BUS)


def ntp(deadline: Deadline) -> Report:
    """What the system says of itself."""
    if not has_systemd():
        return Report((skip(NAME, "NTP", "not known: no systemd here that could say whether the "
                            "clock is in step"),))
    try:
        return Report((ntp_state(properties(
            ["timedatectl", "show", "--property=NTP", "--property=NTPSynchronized"],
            "NTPSynchronized")),))
    except Unasked as error:
        return Report((warn(NAME, "NTP", f"could not be asked about: {error}", BUS),))


def ntp_state(told: Mapping[str, str]) -> Finding:
    """told: NTP and NTPSynchronized, yes or no."""
    if told["NTPSynchronized"] == "yes":
        return ok(NAME, "NTP", "the system says that its clock is in step")
    on = "is on, but the clock is not in step" if told.get("NTP") == "yes" else "is off"
    return warn(NAME, "NTP", on, SET_IT)


def compare_clocks(readings: Sequence[ClockReading]) -> tuple[Finding, ...]:
    """Two clocks that agree outvote a third, which may be ours."""
    best: dict[str, ClockReading] = {}
    for reading in readings:
        if reading.whose not in best or reading.within_s < best[reading.whose].within_s:
            best[reading.whose] = reading
    known = sorted(best.values(), key=lambda reading: reading.ahead_s)
    if not known:
        return (warn(NAME, "", "not compared: no exchange told its time", "see the lines `rest`"),)
    told = ", ".join(f"{_offset(one)} {one.whose}" for one in known)
    if any(later.ahead_s - earlier.ahead_s > later.within_s + earlier.within_s + OFF_S
           for earlier, later in pairwise(known)):
        return (warn(NAME, "", f"this machine is {told}: they contradict one another",
                     "compare with a clock you trust; somebody on the way may answer in their "
                     "place (see `tls`)"),)
    off = max(0.0, min(abs(one.ahead_s) - one.within_s for one in known))
    if off <= OFF_S:
        return (ok(NAME, "", f"this machine is {told}"),)
    agreed = "they agree, so it is this machine that is wrong" if len(known) > 1 else (
        "nobody else was reached who could tell which of the two is wrong")
    make = fail if off >= WRONG_S else warn
    return (make(NAME, "", f"this machine is {told}: {agreed}", SET_IT),)


def _offset(reading: ClockReading) -> str:
    side = "ahead of" if reading.ahead_s >= 0 else "behind"
    return f"{_span(abs(reading.ahead_s))} (+-{_span(reading.within_s)}) {side}"


def _span(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:,.0f} s"
