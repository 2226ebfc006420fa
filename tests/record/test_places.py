"""Every row has a place of its own in the order of the record, whatever was lost."""

from pathlib import Path

from tests.record.test_recorder import path, read, recording, update  # noqa: F401

SPAN = "SELECT min(seq), max(seq), count(DISTINCT seq) FROM updates"


def test_places_go_on_after_a_restart(path: Path) -> None:  # noqa: F811
    for run in (1, 2):
        with recording(path) as recorder:
            for _ in range(5):
                recorder.keep(update())
        assert read(path, SPAN) == [(1, 5 * run, 5 * run)]


def test_a_place_is_not_given_again_after_the_file_was_lost(path: Path) -> None:  # noqa: F811
    with recording(path) as recorder:
        for _ in range(5):
            recorder.keep(update())
    path.unlink()
    with recording(path) as recorder:
        recorder.keep(update())
    assert recorder.past.losses == 1
    assert [rule for (rule,) in read(path, "SELECT rule FROM incidents")] == ["lost"]
    ((first, _, count),) = read(path, SPAN)
    assert isinstance(first, int) and first > 5 and count == 1
