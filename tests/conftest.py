"""What holds for every test."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

STRAGGLE_S = 3.0


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A thread that a test started and that outlives it fails the test."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + STRAGGLE_S
    # not by joining them: one that is only being started cannot be joined
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    assert not left, f"threads outlive the test: {', '.join(thread.name for thread in left)}"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Certificate and key of localhost."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key
