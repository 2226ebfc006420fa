"""Versions against their ranges; open files."""

import resource
from importlib import metadata

import pytest

from bot.doctor.machine import limits, parsed, versions, within
from bot.worker import Deadline
from tests.doctor.helpers import bad, only

SOON = Deadline(1.0)


@pytest.mark.parametrize("requirement, name, ranges", [
    ("websocket-client<2,>=1.9", "websocket-client", "<2,>=1.9"),
    ("kafka-python[crc32c]<4,>=3.0.12", "kafka-python", "<4,>=3.0.12"),
    ("flask (>=3.1,<4)", "flask", ">=3.1,<4"), ("duckdb", "duckdb", ""),
    ("x>=1; python_version > '3'", "x", ">=1")])
def test_a_requirement_is_read(requirement: str, name: str, ranges: str) -> None:
    assert parsed(requirement) == (name, ranges)


@pytest.mark.parametrize("version, fits", [
    ("3.0.12", True), ("3.1", True), ("3.99.1rc1", True), ("3.0.11", False), ("4", False),
    ("4.0.0", False), ("10.0", False), ("2", False)])
def test_a_version_is_within_its_range_or_not(version: str, fits: bool) -> None:
    assert within(version, "<4,>=3.0.12") is fits


def test_the_packages_of_this_environment_fit() -> None:
    assert only(versions(SOON)).level == "ok"


@pytest.mark.parametrize("found, level", [("99.0", "warn"), (None, "fail")])
def test_a_package_that_does_not_fit_or_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, found: str | None, level: str
) -> None:
    def version(name: str) -> str:
        if name == "msgspec":
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found
        return real(name)

    real = metadata.version
    monkeypatch.setattr(metadata, "version", version)
    finding = bad(versions(SOON))
    assert (finding.level, finding.subject) == (level, "msgspec")


@pytest.mark.parametrize("files, level", [(64, "fail"), (512, "warn"), (16384, "ok")])
def test_too_few_open_files_are_told(
    monkeypatch: pytest.MonkeyPatch, files: int, level: str
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (files, files))
    assert only(limits(SOON)).level == level
