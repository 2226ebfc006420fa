"""Python, its packages, and what the system allows this process."""

import platform
import re
import resource
from collections.abc import Iterator
from importlib import metadata

from bot.doctor.finding import Finding, Report, fail, ok, warn
from bot.doctor.rounds import OWN_FAULT, QUICK_S, Check
from bot.worker import Deadline

VERSIONS, LIMITS = "versions", "limits"
PACKAGE = "autonomous-bot"
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?\s*\(?([<>=0-9.,\s]*)\)?$")
FEW_FILES, TOO_FEW_FILES = 1024, 128


def machine_checks() -> Iterator[Check]:
    yield Check(VERSIONS, "", versions, QUICK_S, OWN_FAULT)
    yield Check(LIMITS, "", limits, QUICK_S, OWN_FAULT)


def versions(deadline: Deadline) -> Report:
    try:
        requirements = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return Report((warn(
            VERSIONS, "", f"Python {platform.python_version()}; {PACKAGE} is not installed here, "
            f"so nobody knows which packages it wants",
            "run `make run` once, or `pip install -e .` in a virtual environment"),))
    wanted = [text for text in requirements if "extra ==" not in text]
    found = tuple(_strays(wanted))
    return Report(found or (ok(VERSIONS, "", f"Python {platform.python_version()}, and "
                               f"{len(wanted)} packages within their ranges"),))


def _strays(requirements: list[str]) -> Iterator[Finding]:
    for text in requirements:
        name, ranges = parsed(text)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield fail(VERSIONS, name, "is not installed", "pip install -e . (or `make run`)")
            continue
        if not within(version, ranges):
            yield warn(VERSIONS, name, f"is {version}, and was tried with {ranges} only",
                       f"pip install '{name}{ranges}'")


def parsed(requirement: str) -> tuple[str, str]:
    """`kafka-python[crc32c]<4,>=3.0.12` -> name and ranges."""
    match = REQUIREMENT.match(requirement.partition(";")[0].strip())
    return (match[1], match[2].strip()) if match else (requirement, "")


def within(version: str, ranges: str) -> bool:
    """For ranges of >= and <, which are all that setup.cfg has."""
    for part in filter(None, ranges.split(",")):
        sign, bound = part.strip()[:-len(part.strip().lstrip("<>="))], part.strip().lstrip("<>=")
        if sign == ">=" and _number(version) < _number(bound):
            return False
        if sign == "<" and _number(version) >= _number(bound):
            return False
    return True


def _number(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    parts = [int(part) for part in match[0].split(".")] if match else []
    while parts and not parts[-1]:
        parts.pop()  # 4.0 is 4
    return tuple(parts)


def limits(deadline: Deadline) -> Report:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    words = f"{files} open files; half of them, at most 1000, are for clients of the API"
    remedy = "ulimit -n 16384 before the start, or LimitNOFILE=16384 in the unit"
    if files < TOO_FEW_FILES:
        return Report((fail(LIMITS, "", words, remedy),))
    if files < FEW_FILES:
        return Report((warn(LIMITS, "", words, remedy),))
    return Report((ok(LIMITS, "", words),))
