"""Imports go only to a lower layer; the numbers are here, and the imports are read from the code.

A new module fails the test until it has its number. Modules of `bot.web` and `bot.sandbox` share
the number of their package: within it they may import each other, but never in a circle.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bot

ROOT = Path(bot.__file__).parent

LAYERS = {
    "bot": 0,
    "bot.errors": 0,
    "bot.model": 0,
    "bot.symbols": 0,
    "bot.backoff": 0,
    "bot.conflicts": 0,
    "bot.events": 0,
    "bot.incidents": 0,
    "bot.drill": 0,
    "bot.folding": 0,
    "bot.frames": 0,
    "bot.pacing": 0,
    "bot.moments": 1,
    "bot.phrases": 1,
    "bot.pings": 0,
    "bot.sources": 0,
    "bot.systemd": 0,
    "bot.agreement": 0,
    "bot.clocks": 0,
    "bot.fitness": 0,
    "bot.line": 0,
    "bot.wording": 0,
    "bot.worker": 0,
    "bot.breaking": 1,
    "bot.complaints": 1,
    "bot.connection": 1,
    "bot.exchanges.base": 1,
    "bot.handover": 1,
    "bot.logs": 1,
    "bot.health": 1,
    "bot.decisions": 1,
    "bot.journal": 1,
    "bot.lag": 1,
    "bot.planning": 1,
    "bot.readers": 1,
    "bot.sources.base": 1,
    "bot.sources.mock": 1,
    "bot.store": 1,
    "bot.subscriptions": 1,
    "bot.tally": 1,
    "bot.watchdog": 1,
    "bot.witness": 1,
    "bot.doubts": 1,
    "bot.trial": 1,
    "bot.book": 2,
    "bot.gap": 1,
    "bot.chain": 2,
    "bot.judge": 2,
    "bot.dial": 2,
    "bot.exchanges.binance": 2,
    "bot.exchanges.okx": 2,
    "bot.intake": 2,
    "bot.record": 3,
    "bot.resolution": 3,
    "bot.sight": 3,
    "bot.sandbox": 2,
    "bot.session": 2,
    "bot.exchanges": 3,
    "bot.hosts": 3,
    "bot.ledger": 3,
    "bot.config": 4,
    "bot.recording": 5,
    "bot.rehearsal": 4,
    "bot.announcer": 4,
    "bot.explanation": 4,
    "bot.desk": 5,
    "bot.feed": 5,
    "bot.poller": 3,
    "bot.sources.rest": 4,
    "bot.succession": 4,
    "bot.memory": 6,
    "bot.player": 8,
    "bot.replay": 9,
    "bot.replaying": 10,
    "bot.court": 7,
    "bot.aggregator": 8,
    "bot.broker": 6,
    "bot.calling": 5,
    "bot.commands": 6,
    "bot.web": 5,
    "bot.drilling": 7,
    "bot.exporting": 8,
    "bot.printing": 2,
    "bot.querying": 7,
    "bot.reaching": 6,
    "bot.opinions": 9,
    "bot.summary": 9,
    "bot.reporter": 9,
    "bot.sources.stream": 9,
    "bot.tiers": 10,
    "bot.window": 9,
    "bot.app": 11,
    "bot.__main__": 12,
}
# packages with one number for all their modules
WHOLE = ("bot.broker", "bot.record", "bot.sandbox", "bot.web")
FORBIDDEN = {"asyncio", "numpy", "pandas"}


def module_name(path: Path) -> str:
    parts = ("bot", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(path): ast.parse(path.read_text()) for path in sorted(ROOT.rglob("*.py"))}


def place(module: str) -> str:
    """The entry of LAYERS for a module."""
    return next((package for package in WHOLE if module.startswith(f"{package}.")), module)


def imported(module: str) -> Iterator[str]:
    """Every module named in an import anywhere in `module`, functions and TYPE_CHECKING too."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, f"{module}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in TREES else node.module


def ours(module: str) -> set[str]:
    return {name for name in imported(module) if name == "bot" or name.startswith("bot.")}


def test_every_module_has_its_number_and_every_number_its_module() -> None:
    assert {place(module) for module in TREES} == set(LAYERS)


@pytest.mark.parametrize("module", TREES)
def test_imports_go_only_to_a_lower_layer(module: str) -> None:
    here = place(module)
    for name in ours(module):
        there = place(name)
        within = here == there and here in WHOLE
        assert within or LAYERS[there] < LAYERS[here], f"{module} imports {name}"


@pytest.mark.parametrize("module", [
    "bot.breaking", "bot.commands", "bot.drilling", "bot.exporting", "bot.player", "bot.querying",
    "bot.reaching", "bot.replay", "bot.record.files", "bot.record.tape"])
def test_a_daemon_loads_no_other_verb(module: str) -> None:
    """However far one follows the imports."""
    known, further = set[str](), {"bot.app"}
    while further:
        known |= further
        further = {name for one in further for name in ours(one)} - known
    assert module not in known


def test_no_import_goes_in_a_circle() -> None:
    list(TopologicalSorter({module: ours(module) for module in TREES}).static_order())


@pytest.mark.parametrize("module", TREES)
def test_no_module_uses_what_the_program_does_without(module: str) -> None:
    assert not {name.split(".")[0] for name in imported(module)} & FORBIDDEN


@pytest.mark.parametrize("module", TREES)
def test_nothing_sleeps_where_it_could_wait_for_the_stop(module: str) -> None:
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            assert "sleep" not in {alias.name for alias in node.names}
        if isinstance(node, ast.Attribute) and node.attr == "sleep":
            assert not (isinstance(node.value, ast.Name) and node.value.id == "time")


@pytest.mark.parametrize("dependency", ["kafka", "websocket", "websockets", "requests", "flask",
                                        "duckdb", "dotenv", "waitress", "msgspec"])
def test_no_module_hides_a_dependency_behind_its_name(dependency: str) -> None:
    assert dependency not in {module.rpartition(".")[2] for module in TREES}
