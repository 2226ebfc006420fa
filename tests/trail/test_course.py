from bot.trail.course import Change, Course, Kind


def change(serial: int, kind: Kind = "state", source: str | None = "okx", word: str = "fit"
           ) -> Change:
    return Change(serial, float(serial), kind, source, word, "", "")


def course(*changes: Change, most: int = 10) -> Course:
    made = Course(most)
    for one in changes:
        made.add(one)
    return made


def serials(found: Course, after: int = 0) -> list[int]:
    return [one.serial for one in found.after(after)]


def test_tells_what_came_after_an_earlier_answer() -> None:
    known = course(change(1), change(2), change(5))
    assert (serials(known), serials(known, 2), serials(known, 5)) == ([1, 2, 5], [5], [])


def test_of_what_is_forgotten_the_last_state_of_each_lane_stays() -> None:
    known = course(
        change(1, source="okx", word="down"), change(2, source="binance"), change(3, "active"),
        change(4, source="okx"), change(5, "served", None), change(6, source="binance"))
    known.forget(6.0)
    assert serials(known) == [2, 3, 4, 5, 6]


def test_a_connection_is_a_moment_and_no_state() -> None:
    known = course(change(1, "connection"), change(2))
    known.forget(9.0)
    assert serials(known) == [2]


def test_the_oldest_give_way_and_it_says_from_when_on_it_is_whole() -> None:
    known = course(*(change(serial, "connection") for serial in range(1, 13)))
    assert serials(known) == list(range(3, 13))
    assert known.whole_since == 2.0


def test_the_newest_of_a_kind_is_found_also_when_it_is_long_ago() -> None:
    known = course(change(1, "active", "okx"), change(2, "active", "binance"), change(3))
    assert (found := known.newest("active")) and found.source == "binance"
    known.forget(9.0)
    assert (found := known.newest("active")) and found.source == "binance"
    assert known.newest("served") is None
