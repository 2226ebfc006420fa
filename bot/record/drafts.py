"""Files that come into being under another name: whoever sees one sees all of it."""

import os
from pathlib import Path


def settle(draft: Path, target: Path) -> None:
    """Give a finished file its name, in place of what had it; whoever has that open keeps it.

    Raises: OSError.
    """
    sync(draft)
    draft.replace(target)
    sync(target.parent)


def snapshot_of(path: Path) -> Path:
    """Where the copy of the DuckDB file `path` for other processes is."""
    return path.with_name(f"{path.name}.snapshot") / "record.duckdb"


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
