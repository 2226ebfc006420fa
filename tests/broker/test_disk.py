"""A disk that cannot be mounted: a reason to skip, but not where Kafka is required."""

from pathlib import Path

import pytest

from tests.broker.disk import Disk


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    mount = tmp_path / "programs" / "mount"
    mount.parent.mkdir()
    mount.write_text("#!/bin/sh\necho only root may >&2\nexit 1\n")
    mount.chmod(0o755)
    monkeypatch.setenv("PATH", str(mount.parent))
    return Disk(tmp_path / "disk", 1)


@pytest.mark.parametrize("required, outcome", [
    ("", pytest.skip.Exception), ("0", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_where_mounting_is_refused_the_test_is_skipped_unless_kafka_is_required(
    refused: Disk, monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("BOT_REQUIRE_KAFKA", required)
    with pytest.raises(outcome, match="right to mount: only root may"):
        refused.mount()
    refused.unmount()
