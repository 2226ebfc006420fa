"""The dashboard for Grafana: it can be imported, and what it asks for is there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.metrics.catalogue import CATALOGUE
from tests.metrics.rules import DASHBOARD, run

DASH: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS = [panel for panel in DASH["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    one["expr"] for one in DASH["annotations"]["list"]]
# Grafana's variables, each as something that Prometheus reads
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$instance": ".+", "$symbol": ".+"}


def filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"groups": [{"name": "all", "rules": [
        {"record": f"panel:{number}", "expr": filled(expression)}
        for number, expression in enumerate(EXPRESSIONS)]}]}))
    assert f"{len(EXPRESSIONS)} rules found" in run("check", "rules", path)
    assert "$" not in "".join(map(filled, EXPRESSIONS))


def test_the_data_source_bots_and_symbols_are_variables() -> None:
    variables = {one["name"]: one for one in DASH["templating"]["list"]}
    assert list(variables) == ["datasource", "instance", "symbol"]
    assert variables["datasource"]["type"] == "datasource"
    places = [*PANELS, *(target for panel in PANELS for target in panel["targets"])]
    assert {place["datasource"]["uid"] for place in places} == {"${datasource}"}
    assert all("$instance" in expression for expression in EXPRESSIONS)


def test_the_top_row_tells_price_age_trust_tier_and_source() -> None:
    top = [panel["title"] for panel in PANELS if panel["gridPos"]["y"] == 1]
    assert top[:5] == ["Price served", "Age", "Status", "Served from", "Active source"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_every_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"] and panel["description"].endswith(".")
    assert all(target["legendFormat"] or target.get("format") == "table"
               for target in panel["targets"])


def test_no_panel_lies_on_another_one() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASH["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y)
                 for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASH["panels"]}) == len(DASH["panels"])


def test_every_metric_is_on_it() -> None:
    shown = set(re.findall(r"autonomous_bot_\w+", json.dumps(DASH)))
    missing = {metric.shown for metric in CATALOGUE
               if not {metric.shown, f"{metric.shown}_bucket"} & shown}
    # told by others: the status says whether it is trusted, up by fit, the limit is an alert's
    assert missing == {f"autonomous_bot_{name}" for name in (
        "price_trusted", "source_up", "max_source_latency_seconds",
        "recorder_last_commit_timestamp_seconds")}
