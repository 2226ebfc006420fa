"""Whoever is sent to the runbook finds the section."""

import re

import pytest

from bot.causes import RULES
from bot.incidents.story import ADVICE, ADVICE_BESIDE, GUIDE, advice
from bot.metrics.parts import INCIDENT_RULES
from tests.metrics.rules import Rule, rules
from tests.processes import ROOT

TEXT = (ROOT / GUIDE).read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", TEXT, flags=re.M)[1:]}
PARTS = ("- **You see**", "- **It means**", "- **The bot**", "- **Check**", "- **Do**", "- **Wake ")


def anchor(heading: str) -> str:
    """As GitHub and Grafana make it."""
    return heading.lower().replace(" ", "-")


ANCHORS = {anchor(heading): heading for heading in SECTIONS}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule.name))
def test_every_alert_leads_to_a_section_that_names_it(rule: Rule) -> None:
    assert f"`{rule.name}`" in SECTIONS[ANCHORS[rule.runbook]]


@pytest.mark.parametrize("rule", [*ADVICE, *ADVICE_BESIDE, "a rule that nobody knows"])
def test_every_incident_leads_to_a_section(rule: str) -> None:
    assert advice(rule)[1] in ANCHORS


@pytest.mark.parametrize("rule", ADVICE)
def test_the_section_names_the_rule_of_the_incident(rule: str) -> None:
    assert f"`{rule}`" in SECTIONS[ANCHORS[advice(rule)[1]]]


def test_there_is_advice_for_every_rule() -> None:
    assert {*RULES} < {*INCIDENT_RULES} == {*ADVICE}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_what_there_is_to_know(section: str) -> None:
    places = [SECTIONS[section].find(part) for part in PARTS]
    assert -1 not in places and places == sorted(places)


@pytest.mark.parametrize("section", ["tiers", "kafka", "record", "log", "restart"])
def test_what_others_lead_to_is_there(section: str) -> None:
    assert section in ANCHORS


def test_no_section_is_led_to_by_nobody() -> None:
    led_to = {rule.runbook for rule in rules()} | {where for _, where in ADVICE.values()}
    assert set(ANCHORS) == led_to


def test_links_within_lead_somewhere() -> None:
    assert set(re.findall(r"\]\(#([a-z-]+)\)", TEXT)) <= set(ANCHORS)
