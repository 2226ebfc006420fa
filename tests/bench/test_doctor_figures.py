"""How long `doctor` takes: with everything well, and with everything down."""

import os
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from bot.sandbox.server import Sandbox
from tests.bench.conftest import Figure
from tests.doctor.abyss import HANGING, abyss
from tests.processes import ROOT, free_port

pytestmark = pytest.mark.bench
PROMISED_S = 20.0
WELL_S = 10.0


def took_s(folder: Path, settings: dict[str, str], program: list[str]) -> tuple[float, int]:
    clean = {name: value for name, value in os.environ.items() if "PROXY" not in name.upper()}
    begun = monotonic()
    done = subprocess.run(
        [sys.executable, *program, "doctor"], cwd=folder, capture_output=True, timeout=60,
        env=clean | {"PYTHONPATH": str(ROOT), "API_PORT": str(free_port())} | settings)
    return monotonic() - begun, done.returncode


def test_doctor_with_everything_down(tmp_path: Path, figure: Figure) -> None:
    with abyss() as settings:
        seconds, code = took_s(tmp_path, dict(settings), ["-c", HANGING])
    figure("doctor, everything down", f"{seconds:.1f} s", f"< {PROMISED_S:g} s")
    assert code == 2 and seconds < PROMISED_S


def test_doctor_with_everything_well(tmp_path: Path, figure: Figure) -> None:
    with Sandbox(rate=50) as sandbox:
        settings = sandbox.environment() | {"ENABLE_WEBSOCKET_FEEDS": "true"}
        seconds, code = took_s(tmp_path, settings, ["-m", "bot"])
    figure("doctor, everything well", f"{seconds:.1f} s", "-")
    assert code in (0, 1) and seconds < WELL_S
