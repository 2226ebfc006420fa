"""Whose an archive is: two records in one folder would take each other's files for their own."""

from pathlib import Path

from bot.errors import RecorderError

NAME = ".owner"


def own(folder: Path, database: Path, files: list[str]) -> None:
    """See to it that the folder is there and this database's. files: what must be in it.

    An owner that is not there any more was moved, and this is it. Raises: RecorderError with what
    to do, OSError.
    """
    note, ours = folder / NAME, str(database.absolute())
    try:
        owner = note.read_text().strip()
    except FileNotFoundError:
        if files and not any((folder / file).exists() for file in files):
            raise RecorderError(
                f"{folder} is not what it was, {len(files)} files are missing: mount it; if they "
                f"are lost for good, create an empty file {note}") from None
        owner = ""
    if owner == ours:
        return
    if owner and Path(owner).exists():
        raise RecorderError(f"{folder} is the archive of {owner}: set ARCHIVE_DIR to a folder of "
                            "its own")
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{ours}\n")
