"""What `status --watch` shows, as lines that fit a window."""

import re
from datetime import UTC, datetime

import pytest

from bot.verbs.looking import Look
from bot.verbs.picture import Silence, page, picture
from tests.verbs.told import incident, leg, no_price, price, seen

NOW = datetime(2026, 11, 22, 17, 26, 1, tzinfo=UTC)
WHERE = "http://127.0.0.1:3001"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def drawn(look: Look | None, silence: Silence | None = None, columns: int | None = None,
          rows: int | None = None, colours: bool = False) -> list[str]:
    return picture(look, silence, WHERE, 1.0, NOW, columns, rows, colours)


def test_the_most_important_stands_first() -> None:
    text = "\n".join(drawn(seen()))
    places = [text.index(word) for word in (
        "demo: healthy", "SYMBOL", "SOURCE", "LAST INCIDENTS", "SERVES", "KAFKA", "RECORD")]
    assert places == sorted(places)
    assert "17:26:01 UTC  (http://127.0.0.1:3001, every 1 s)" in text
    assert "binance was not fit for BTCUSDT for 10.4 s" in text


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120, 300])
@pytest.mark.parametrize("rows", [4, 10, 24, 100])
def test_it_fits_the_window(columns: int, rows: int) -> None:
    look = seen(prices=[price(f"A{number}USDT") for number in range(30)],
                incidents=[incident(closedAt=None)] * 5)
    for silence in (None, Silence(3.0, "Connection refused")):
        lines = drawn(look, silence, columns, rows, colours=True)
        assert len(lines) <= rows
        assert max(len(COLOUR.sub("", line)) for line in lines) <= columns


def test_many_symbols_leave_room_for_the_rest_and_bad_ones_go_first() -> None:
    prices = [price(f"A{number}USDT") for number in range(30)]
    prices[25] = price("BADUSDT", status="disputed", trusted=False)
    lines = drawn(seen(prices=prices), rows=24)
    text = "\n".join(lines)
    assert "SOURCE" in text and "LAST INCIDENTS" in text
    at = next(number for number, line in enumerate(lines) if line.startswith("SYMBOL"))
    assert lines[at + 1].startswith("BADUSDT")
    assert "and 21 more, none of them without a trusted price" in text
    everything = [price(f"A{number}USDT", trusted=False, status="stale") for number in range(30)]
    assert "and 21 more, 21 of them without" in "\n".join(drawn(seen(prices=everything), rows=24))
    assert "A29USDT" in "\n".join(drawn(seen(prices=everything)))


def test_a_window_that_is_too_low_says_how_much_is_missing() -> None:
    lines = drawn(seen(), rows=8)
    assert len(lines) == 8 and re.search(r"\(\d+ more lines; the window is too low\)", lines[-1])
    assert drawn(seen(), rows=8)[0].startswith("demo: healthy")


def test_empty_lines_go_before_others_do() -> None:
    everything = drawn(seen())
    full = [line for line in everything if line]
    assert drawn(seen(), rows=len(full)) == full
    assert drawn(seen(), rows=len(everything)) == everything


def test_old_figures_are_dimmed_and_said_to_be_old() -> None:
    first, *others = drawn(seen(), Silence(3.2, "Connection refused"), colours=True)
    assert first == ("\x1b[31mNO ANSWER for 3 s: Connection refused; the figures below are from "
                     "before\x1b[0m")
    assert all(line.startswith("\x1b[2m") for line in others if line)
    assert any("BTCUSDT" in line for line in others)


def test_without_any_answer_it_says_what_to_look_at() -> None:
    lines = drawn(None, Silence(3.2, "Connection refused"), columns=60)
    assert lines[0] == "NO ANSWER for 3 s: Connection refused"
    assert "Is it running" in lines[2] and len(lines) >= 4, "wrapped"
    assert drawn(None)[0].startswith("no answer yet")


def test_without_colours_there_are_words() -> None:
    look = seen(prices=[price(status="disputed", trusted=False), no_price("ETHUSDT")],
                explained={"BTCUSDT": {"legs": [
                    leg("okx", "disagreement", "disagrees; put away for 10 s")]}})
    text = "\n".join(drawn(look))
    assert "\x1b" not in text
    assert "disputed" in text and "none" in text and "put away" in text


def test_a_long_story_is_cut_and_its_advice_stays() -> None:
    look = seen(incidents=[incident(closedAt=None, cause="c " * 300)])
    lines = drawn(look, columns=80)
    at = next(number for number, line in enumerate(lines) if line.startswith("11-22"))
    assert lines[at + 1].endswith("…") and lines[at + 2].strip().startswith("-> ")


def test_with_feeds_off_there_is_a_picture_too() -> None:
    look = seen(health={"error": "WebSocket not enabled"}, kafka=[], record={"enabled": False},
                incidents=[], explained={})
    text = "\n".join(drawn(look))
    assert "feeds: WebSocket not enabled" in text and "NO INCIDENTS" in text
    assert "SOURCE" not in text and "RECORD" not in text


def test_a_single_look_shows_the_same_and_in_the_same_order() -> None:
    look = seen()
    head, *body = page(look)
    assert head == look.headline and body == drawn(look)[1:]


def test_a_single_look_leaves_nothing_out() -> None:
    prices = [price(f"A{number}USDT") for number in range(30)]
    look = seen(prices=prices, incidents=[incident(closedAt=None)] * 5)
    lines = page(look, width=60)
    text = " ".join(" ".join(lines).split())
    assert all(f"A{number}USDT" in text for number in range(30)) and "+-" in text
    assert "…" not in text and "more lines" not in text
    story = look.stories[0]
    assert text.count(" ".join(story.text.split())) == 5 and text.count(story.advice) == 5
    told = lines[lines.index("LAST INCIDENTS (UTC)"):]
    assert max(map(len, told[:told.index("")])) <= 60, "stories are wrapped"
    assert COLOUR.search("".join(page(look, colours=True))) and not COLOUR.search(text)
