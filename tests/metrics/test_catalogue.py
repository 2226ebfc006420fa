"""The catalogue keeps to Prometheus' conventions, and docs/metrics.md tells all of it."""

import re
from typing import get_args

import msgspec
import pytest

from bot.broker.sorting import Counts
from bot.causes import ERROR_REASONS, LOSS_CAUSES, REST_RESULTS, RETURN, RULES
from bot.metrics.catalogue import CATALOGUE
from bot.metrics.parts import INCIDENT_RULES
from bot.metrics.prices import ALL_STATUSES, SERVED_BY
from bot.metrics.sheet import Metric
from bot.model import UpdateType
from tests.processes import ROOT

GUIDE = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")]
        for line in GUIDE.splitlines() if line.startswith("| ")]
WORDS = {row[0]: set(re.findall(r"`([\w-]+)`", row[1])) for row in ROWS if len(row) == 2}
KAFKA = {*(field.name for field in msgspec.structs.fields(Counts)), "skipped", "acknowledged",
         "dropped", "refused"}


def test_the_guide_tells_every_metric_as_it_is_and_no_other() -> None:
    told = [row for row in ROWS if row[0].startswith("`autonomous_bot_")]
    assert told == [[f"`{metric.shown}`", metric.kind, ", ".join(metric.labels), metric.about]
                    for metric in CATALOGUE]


@pytest.mark.parametrize("label, words", [
    ("`rule`", {*RULES, RETURN}), ("`rule` of incidents", {*INCIDENT_RULES} - {*RULES}),
    ("`reason`", {*ERROR_REASONS}), ("`cause`", {*LOSS_CAUSES}),
    ("`result` of REST", {*REST_RESULTS}), ("`result` of Kafka", KAFKA),
    ("`tier`", {*SERVED_BY}), ("`status`", {*ALL_STATUSES}), ("`type`", {*get_args(UpdateType)}),
])
def test_the_guide_tells_every_word_by_which_things_are_counted(
    label: str, words: set[str]
) -> None:
    assert WORDS[label] == words


def test_every_label_is_explained() -> None:
    explained = {name for label in WORDS for name in re.findall(r"`(\w+)`", label)}
    assert {label for metric in CATALOGUE for label in metric.labels} == explained


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: str(metric.name))
def test_names_end_in_a_base_unit_where_there_is_one(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*[a-z]", metric.name)
    assert not re.search(r"_(ms|millis|minutes|hours|percent|mb|kb|total|count|sum|bucket)(_|$)",
                         metric.name)
    assert metric.about.endswith(".") and "|" not in metric.about


def test_no_name_comes_twice() -> None:
    assert len({metric.shown for metric in CATALOGUE}) == len(CATALOGUE)
