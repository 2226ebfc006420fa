"""The rules of docs/grafana/alerts.yml, and Prometheus' own tool to try them with.

The file is read line by line: it is ours, in one form, and the rest of YAML is promtool's affair.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.processes import ROOT

ALERTS = ROOT / "docs/grafana/alerts.yml"
DASHBOARD = ROOT / "docs/grafana/dashboard.json"
# ours, and what the library tells of the process
NAMES = re.compile(r"\b(?:autonomous_bot|process|python)_\w+")
EVERY_S = 60
TARGET = {"job": "autonomous-bot", "instance": "bot:3001"}

Series = Mapping[str, str]  # with labels -> values in promtool's notation


def series(name: str, **labels: str) -> str:
    """Of the bot that Prometheus knows as TARGET; always spelt the same."""
    told = ", ".join(f'{key}="{value}"' for key, value in sorted({**TARGET, **labels}.items()))
    return f"{name}{{{told}}}"


class Rule(NamedTuple):
    name: str
    text: str

    @property
    def runbook(self) -> str:
        return self.field("runbook_url").partition("#")[2]

    def field(self, name: str) -> str:
        """Its first line."""
        found = re.search(rf"^ +{name}: (.*)$", self.text, re.MULTILINE)
        assert found, f"{self.name} has no {name}"
        return found[1].strip()


def rules() -> list[Rule]:
    parts = re.split(r"^ +- alert: ", ALERTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [Rule(part.partition("\n")[0], part) for part in parts[1:]]


def promtool() -> str:
    """Its path. Skips the test without it, or fails it where it is required."""
    found = shutil.which("promtool")
    if found is None:
        lack = "no promtool: install the package prometheus"
        if os.environ.get("BOT_REQUIRE_PROMTOOL") == "1":
            pytest.fail(lack)
        pytest.skip(lack)
    return found


def run(*words: str | Path) -> str:
    """What promtool writes; it must be content."""
    done = subprocess.run([promtool(), *map(str, words)], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unit_test(series: Series, minutes: int, **tests: Sequence[Any]) -> dict[str, Any]:
    """One test in the form of promtool. tests: as `promql_expr_test`."""
    return {"interval": f"{EVERY_S}s", "input_series": [
        {"series": name, "values": values} for name, values in series.items()],
        **{kind: [{"eval_time": f"{minutes}m", **one} for one in found]
           for kind, found in tests.items()}}


def firing(series: Series, minutes: int, alerts: Sequence[str]) -> dict[str, Any]:
    """That exactly these alerts fire after so many minutes."""
    return unit_test(series, minutes, promql_expr_test=[{
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]}])


def try_out(folder: Path, *tests: dict[str, Any]) -> None:
    path = folder / "tests.json"  # JSON is YAML
    path.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "30s",
                                "tests": tests}))
    run("test", "rules", path)
