"""Faults of the disk under a process that records: real DuckDB, faults by LD_PRELOAD."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import eventually
from tests.record.test_recorder import numbers

ROOT = Path(__file__).parents[2]
SHIM = Path(__file__).parent / "shim.c"


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(SHIM), "-ldl"],
                       check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no C compiler is here")
    return library


class Fed:
    """told: the newest line of the process."""

    def __init__(self, path: Path, shim: Path) -> None:
        self.path, self.faults = path, path.with_suffix(".faults")
        self.throw("")
        self.told: dict[str, Any] = {"state": "", "put": 0}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.record.feeding", str(path)], cwd=ROOT, text=True,
            env=os.environ | {"LD_PRELOAD": str(shim), "FAULTS": str(self.faults)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told = json.loads(line)

    def throw(self, fault: str) -> None:
        draft = self.faults.with_suffix(".new")
        draft.write_text(fault)
        draft.replace(self.faults)

    def until(self, condition: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        def found() -> dict[str, Any] | None:
            told = self.told
            return told if condition(told) else None
        return eventually(found, 15, what)

    def more(self, rows: int) -> None:
        """Wait until so many more were handed over."""
        put = self.told["put"]
        self.until(lambda told: told["put"] >= put + rows, "the feed went on")

    def end(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(25) == 0
        self.close()
        return self.told

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


@contextmanager
def fed(path: Path, shim: Path) -> Iterator[Fed]:
    process = Fed(path, shim)
    try:
        process.until(lambda told: told.get("written", 0) > 100, "it records")
        yield process
    finally:
        if process.process.poll() is None:
            process.process.kill()
            process.process.wait()
            process.close()


@pytest.mark.parametrize("fault, words", [
    ("slow 0.8", "the disk is slow"),  # commits and checkpoints, each of several syncs
    ("fail 1", "fsync failed"),
    ("full 1", "disk full"),
])
def test_a_disk_with_faults_holds_nobody_up_and_heals_by_itself(
    tmp_path: Path, shim: Path, fault: str, words: str
) -> None:
    path = tmp_path / "analytics.duckdb"
    with fed(path, shim) as process:
        process.throw(fault)
        stuck = process.until(lambda told: words in told["state"], words)
        assert not stuck["active"]
        process.more(1_500)
        process.throw("")
        healed = process.until(
            lambda told: told["state"] == "recording" and told["waiting"] < 200, "recording again")
        assert healed["longest"] < 0.5 and healed["dropped"] == 0
        assert healed["last_commit_at"] > stuck["last_commit_at"]
        ended = process.end()
    assert (ended["ended"], ended["waiting"]) == (True, 0)
    assert numbers(path) == list(range(ended["put"]))
