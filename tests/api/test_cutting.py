from tests.api.cutting import Cut


def test_long_lists_are_cut_and_it_is_said_how_long_they_were() -> None:
    cut = Cut({"rows": [1, 2, 3], "samples": {"at": [1, 2, 3, 4], "price": [1, 2, 3, 4]},
               "words": list("abcdefgh")}, "application/json")
    assert cut.body == {"rows": [1, 2], "samples": {"at": [1, 2, 3], "price": [1, 2, 3]},
                        "words": list("abcdefgh")}
    assert cut.note == "2 of 3 `rows`; 3 of 4 `at`, `price`"


def test_of_text_the_first_lines_are_left() -> None:
    cut = Cut("a,b\r\n1,2\r\n3,4\r\n5,6\r\n", "text/csv")
    assert (cut.body, cut.note) == ("a,b\r\n1,2\r\n3,4\r\n", "3 of 4 lines")


def test_of_metrics_the_bots_own_are_shown() -> None:
    cut = Cut("# HELP process_x X.\n# HELP autonomous_bot_y Y.\nautonomous_bot_y 1\n",
              "text/plain")
    assert cut.body == "# HELP autonomous_bot_y Y.\nautonomous_bot_y 1\n"
    assert cut.note == "2 of 3 lines"


def test_what_is_short_is_left_alone() -> None:
    cut = Cut({"rows": [1], "price": 1.5}, "application/json")
    assert (cut.body, cut.note) == ({"rows": [1], "price": 1.5}, "")
