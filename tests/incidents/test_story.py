"""Incidents in words: what was, for how long, what the bot did, what to do."""

import msgspec
import pytest

from bot.incidents.incident import DOWN, LOST, UNRECORDED, Incident
from bot.incidents.story import (
    ADVICE, advice, duty, headline, is_drill, lasted, sentence, story,
)
from bot.model import Quote

SOURCE_RULES = ("connection", "data", "silence", "frozen", "late", "latency", "clock",
                "disagreement")
PRICE_RULES = ("disputed", "stale", "synthetic", "none")


def incident(**fields: object) -> Incident:
    whole: dict[str, object] = {
        "id": "primary-1", "source": "binance", "symbol": "BTCUSDT", "cause": "no data for 5001 ms",
        "rule": "silence", "opened_at": 1000.0, "instance": "primary"}
    return Incident(**whole | fields)  # type: ignore[arg-type]


def test_a_source_that_another_one_stood_in_for() -> None:
    told = story(incident(closed_at=1010.4, duration_ms=10_436.9, detected_after_ms=5000.2,
                          switched_after_ms=0.1, blackout_ms=1.2, price_step_bps=9.462))
    assert told == (
        "binance was not fit for BTCUSDT for 10.4 s: no data for 5001 ms. Noticed 5.0 s after its "
        "last good price. Another source took over 0 ms later, at a price +9.46 bps away. Without "
        "a trusted price: 1 ms.")


def test_one_that_goes_on_and_cost_nothing() -> None:
    told = story(incident(duration_ms=65_000.0, switched_after_ms=3.0, blackout_ms=0.0))
    assert told == (
        "binance is not fit for BTCUSDT for 1 min 5 s so far: no data for 5001 ms. Another source "
        "took over 3 ms later. There was a trusted price all the time.")


@pytest.mark.parametrize("fields, words", [
    ({"source": None, "rule": "stale", "cause": "all silent"}, "BTCUSDT has no trusted price"),
    ({"source": None, "rule": "stale", "closed_at": 1.0}, "BTCUSDT had no trusted price"),
    ({"source": None, "symbol": None, "rule": DOWN, "closed_at": 1.0}, "The bot did not run"),
    ({"source": None, "symbol": None, "rule": UNRECORDED}, "Rows are not recorded"),
    ({"source": None, "symbol": None, "rule": UNRECORDED, "closed_at": 1.0},
     "Rows were not recorded"),
    ({"source": None, "symbol": None, "rule": LOST, "closed_at": 1.0},
     "Rows of the record are lost"),
])
def test_every_subject_has_its_headline(fields: dict[str, object], words: str) -> None:
    assert headline(incident(**fields)) == words


def test_a_cause_that_says_no_more_than_the_rule_is_not_repeated() -> None:
    told = story(incident(source=None, symbol=None, rule=DOWN, cause=DOWN, closed_at=1012.0,
                          duration_ms=12_000.0))
    assert told == "The bot did not run for 12.0 s."


@pytest.mark.parametrize("rule", [*SOURCE_RULES, *PRICE_RULES, DOWN, UNRECORDED, LOST])
def test_every_rule_has_its_advice(rule: str) -> None:
    assert ADVICE[rule] == advice(rule)


def test_a_rule_that_nobody_knows_sends_to_the_log() -> None:
    assert "journalctl" in advice("of tomorrow")[0]


def test_a_drill_is_known_by_its_cause() -> None:
    assert is_drill(incident(cause="drill: cut for 5 s")) and not is_drill(incident())


@pytest.mark.parametrize("ms, words", [
    (0.0, "0 ms"), (999.4, "999 ms"), (999.6, "1.0 s"), (59_940, "59.9 s"), (59_960, "1 min 0 s"),
    (3_599_600, "1 h 0 min"), (11_520_000, "3 h 12 min"), (187_200_000, "2 d 4 h")])
def test_durations_are_told_to_what_one_can_grasp(ms: float, words: str) -> None:
    assert lasted(ms) == words


def test_incidents_that_differ_in_their_symbols_are_one_sentence() -> None:
    many = tuple(f"C{number}USDT" for number in range(15))
    assert sentence("okx", many, "silence", False) == (
        "okx is not fit for C0USDT, C1USDT, C2USDT and 12 more")
    assert sentence(None, ("A", "B"), "stale", False) == "A and B have no trusted price"
    assert sentence(None, ("A", "B", "C"), "stale", True) == "A, B and C had no trusted price"


@pytest.mark.parametrize("rule", ["tier", "kafka", "record", "disk"])
def test_what_is_no_incident_of_the_ledger_has_its_advice_too(rule: str) -> None:
    assert "journalctl" not in advice(rule)[0]


# ---- what to do now

SURE = Quote(symbol="BTCUSDT", price=1.0, source="websocket", received_at=0, age_s=0.0,
             trusted=True, reason="", status="trusted")
UNSURE = msgspec.structs.replace(SURE, trusted=False, status="disputed")


def test_while_all_is_well_there_is_nothing_to_do() -> None:
    assert duty([], SURE) == ("none", "Nothing to do.", "")


@pytest.mark.parametrize("quote", [None, UNSURE])
def test_without_a_trusted_price_before_it_is_an_incident_one_waits(quote: Quote | None) -> None:
    assert duty([], quote)[:2] == (
        "warning", "Wait some seconds: there is no trusted price yet.")


def test_of_several_incidents_the_worst_says_what_to_do() -> None:
    source, bot = incident(), incident(source=None, symbol=None, rule=UNRECORDED)
    price = incident(source=None, rule="disputed")
    assert duty([source, bot, price], UNSURE) == (
        "critical", advice("disputed")[0], "docs/runbook.md#no-trusted-price")
    assert duty([source, bot], SURE) == ("warning", advice(UNRECORDED)[0], "docs/runbook.md#record")
    assert duty([source], SURE) == (
        "warning", advice("silence")[0], "docs/runbook.md#source-silent")


def test_in_a_drill_there_is_nothing_to_do() -> None:
    _, words, _ = duty([incident(cause="drill: cut for 10 s")], SURE)
    assert words.startswith("Nothing: this is a drill. In earnest: ")


def test_a_drill_hides_nothing_that_is_in_earnest() -> None:
    drill = incident(source=None, rule="stale", cause="drill: cut for 10 s")
    assert duty([drill, incident()], SURE)[1] == advice("silence")[0]


@pytest.mark.parametrize("rule", ["connection", "silence", "tier"])
def test_nobody_is_told_to_do_nothing_while_nothing_serves(rule: str) -> None:
    words, section = advice(rule, is_served=False)
    assert advice(rule)[0].startswith("Nothing, while") and not words.startswith("Nothing")
    assert "network of this machine first" in words and section == "no-trusted-price"


@pytest.mark.parametrize("quote", [None, UNSURE])
def test_of_a_source_alone_the_advice_is_that_of_an_outage(quote: Quote | None) -> None:
    """Before a price was ever trusted its loss is no incident."""
    assert duty([incident(rule="connection")], quote)[1:] == (
        advice("connection", is_served=False)[0], "docs/runbook.md#no-trusted-price")
