"""What lines tell beside their text, and that every line does."""

import ast
import logging
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

import bot
from bot.logs.facts import NAMES, Event, Facts, facts, facts_of
from bot.logs.told import told

ROOT = Path(bot.__file__).parent
LOUD = ("info", "warning", "error", "exception", "critical", "log")
# other programs, whose lines go to a terminal
ELSEWHERE = ("sandbox", "verbs")


def loud_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call that may write a line of INFO or above: where, and the call."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name) and node.func.value.id == "log"
                    and node.func.attr in LOUD):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


@cache
def literals() -> set[str]:
    """Every text that stands in the code, but in facts.py itself."""
    return {node.value for path in ROOT.rglob("*.py") if path.name != "facts.py"
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def record(extra: dict[str, object] | None) -> logging.LogRecord:
    return logging.getLogger("x").makeRecord("x", 20, "f.py", 1, "hello", (), None, extra=extra)


CALLS = dict(loud_calls())


@pytest.mark.parametrize("where", CALLS)
def test_every_line_of_the_program_tells_its_event(where: str) -> None:
    extra = next((word.value for word in CALLS[where].keywords if word.arg == "extra"), None)
    assert isinstance(extra, ast.Call) and isinstance(extra.func, ast.Name), where
    assert extra.func.id in ("facts", "told"), where


@pytest.mark.parametrize("event", get_args(Event))
def test_every_event_is_told_somewhere(event: str) -> None:
    assert event in literals()


def test_the_document_tells_every_event_with_the_levels_at_which_it_is_told() -> None:
    """The table of docs/logs.md, whose first two columns can be held to the code."""
    document = (ROOT.parent / "docs/logs.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| ([a-z, ]+) \|", document, re.MULTILINE)
    assert [event for event, _ in rows] == list(get_args(Event)), "in the same order"
    assert {level for _, levels in rows for level in levels.split(", ")} <= {
        "info", "warning", "error"}


def test_the_document_tells_every_field() -> None:
    document = (ROOT.parent / "docs/logs.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| `([A-Z_]+)` \|", document, re.MULTILINE)
    names = [NAMES.get(field.name, field.name) for field in fields(Facts)]
    assert rows == [(name, name.upper()) for name in names]


def test_what_is_not_known_is_left_out_and_changes_have_short_names() -> None:
    extra = facts("source_switch", source="okx", symbol="BTCUSDT", reason="lost",
                  duration_ms=12.6, previous="binance", current="okx")
    assert facts_of(record(extra)) == {
        "event": "source_switch", "source": "okx", "symbol": "BTCUSDT", "reason": "lost",
        "duration_ms": 13, "from": "binance", "to": "okx"}
    assert facts_of(record(facts("stopped"))) == {"event": "stopped"}


def test_a_line_of_a_library_has_none() -> None:
    assert facts_of(record(None)) == {}
    assert facts_of(record({"facts": {"event": "of somebody else"}})) == {}


def test_of_an_unknown_event_nothing_is_told() -> None:
    with pytest.raises(TypeError, match="nothing is known of a str"):
        told("x")
