"""What all tests of the log have in common."""

import pytest


@pytest.fixture(autouse=True)
def not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest does not keep what is logged: two of them at work cannot hand on a lone surrogate."""
    monkeypatch.setattr("_pytest.logging.LogCaptureHandler.emit", lambda self, record: None)
