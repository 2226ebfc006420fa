"""All checks at the same time, each on a thread that it may hang for as long as it likes."""

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bot.doctor.finding import Finding, Report, fail, softened
from bot.errors import named
from bot.worker import Deadline, Detached


QUICK_S = 5.0  # for what can hardly hang
OWN_FAULT = "a fault of this program: report it"


class Check(NamedTuple):
    """look: called once, on a thread of its own, with its time; what it raises is a fault of this
    program. seconds: after so long it is not waited for any more, and that is a failure. remedy:
    for that. shown: whether its findings are printed; else only what it saw counts. spare: whether
    it is about an address that is tried only when the one before it fails: that failing is worth a
    warning.
    """

    name: str
    about: str
    look: Callable[[Deadline], Report]
    seconds: float
    remedy: str
    shown: bool = True
    spare: bool = False


class _Running:
    def __init__(self, check: Check, stirred: threading.Event) -> None:
        self.check = check
        self.deadline = Deadline(check.seconds)
        self._stirred = stirred
        self.call = Detached(f"doctor-{check.name}-{check.about}", self._look)

    def _look(self) -> Report:
        try:
            return self.check.look(self.deadline)
        finally:
            self._stirred.set()

    def report(self) -> Report | None:
        """What it found; None while it may go on."""
        if self.call.ended:
            failure = self.call.failure
            return self.call.result() if failure is None else self._failed(
                f"the check itself failed: {named(failure)}",
                f"{OWN_FAULT}, with this line")
        if self.deadline.passed:
            return self._failed(f"no end within {self.check.seconds:g} s", self.check.remedy)
        return None

    def _failed(self, words: str, remedy: str) -> Report:
        return Report((fail(self.check.name, self.check.about, words, remedy),))


class Round:
    """Begins with its construction. reports: of the checks that have ended, or had their time.
    Thread: the one that made it.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self.reports: list[Report] = []
        self._stirred = threading.Event()
        self._running = [_Running(check, self._stirred) for check in checks]

    @property
    def waiting(self) -> list[str]:
        """Which checks still go on."""
        return [f"{run.check.name} {run.check.about}".strip() for run in self._running]

    def poll(self, wait_s: float) -> list[Finding]:
        """What was found since the last call, after at most `wait_s`."""
        self._stirred.wait(wait_s)
        self._stirred.clear()
        found: list[Finding] = []
        for run in list(self._running):
            report = run.report()
            if report is None:
                continue
            self._running.remove(run)
            self.reports.append(report)
            for finding in report.findings if run.check.shown else ():
                found.append(softened(finding) if run.check.spare else finding)
        return found
