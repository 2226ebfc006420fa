"""Imports go only to a lower layer; the numbers are here, and the imports are read from the code.

A new module fails the test until it has its place, in a line below those of all that it imports.
The modules of some packages share the place of their package: within it they may import each other,
but never in a circle.
"""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import bot

ROOT = Path(bot.__file__).parent

LAYERS = {module: number for number, modules in enumerate((
    "bot bot.backoff bot.causes bot.conflicts bot.doctor bot.doctor.finding bot.doctor.processes "
    "bot.drills bot.ending bot.feeds bot.feeds.drill bot.feeds.frames bot.feeds.line "
    "bot.feeds.pacing bot.feeds.pings bot.folding bot.incidents bot.incidents.incident "
    "bot.incidents.rehearsed bot.judging bot.judging.agreement bot.judging.clocks bot.limits "
    "bot.logs bot.logs.facts bot.logs.flood bot.metrics bot.metrics.buckets bot.model bot.sources "
    "bot.symbols bot.systemd bot.trail bot.trail.course bot.verbs bot.verbs.terminal bot.wording",
    "bot.drills.witness bot.errors bot.events bot.feeds.handover bot.feeds.planning "
    "bot.feeds.subscriptions bot.health bot.incidents.gap bot.incidents.story "
    "bot.incidents.tally bot.judging.fitness bot.judging.journal bot.logs.lines "
    "bot.metrics.sheet bot.phrases bot.readers bot.store bot.worker",
    "bot.alerts bot.doctor.commands bot.doctor.rounds bot.exchanges.base bot.feeds.connection "
    "bot.feeds.lag bot.feeds.tally bot.incidents.book bot.judging.decisions bot.judging.doubts "
    "bot.judging.trial bot.judging.watchdog bot.logs.journald bot.logs.told "
    "bot.metrics.catalogue bot.metrics.switches bot.moments bot.sandbox bot.sources.base "
    "bot.sources.mock bot.trail.samples bot.verbs.breaking",
    "bot.chain bot.doctor.clock bot.doctor.machine bot.doctor.prices bot.doctor.trouble "
    "bot.doctor.unit bot.exchanges.binance bot.exchanges.okx bot.feeds.complaints "
    "bot.feeds.dial bot.feeds.intake bot.feeds.notices bot.feeds.session bot.incidents.ledger "
    "bot.judging.judge bot.logs.sinks bot.record bot.sources.budget bot.verbs.printing",
    "bot.doctor.folders bot.doctor.screen bot.drills.rehearsal bot.exchanges bot.feeds.hosts "
    "bot.judging.resolution bot.judging.sight bot.logs.writer bot.sources.poller "
    "bot.trail.trail bot.verbs.tables",
    "bot.feeds.succession bot.judging.announcer bot.judging.explanation bot.setting "
    "bot.sources.rest",
    "bot.config bot.feeds.feed bot.judging.desk bot.web",
    "bot.alerting bot.broker bot.doctor.log_folder bot.doctor.place bot.doctor.settings "
    "bot.judging.memory bot.recording bot.reporter bot.verbs.calling",
    "bot.doctor.alerts bot.doctor.brokers bot.doctor.certificates bot.doctor.heard "
    "bot.doctor.names bot.doctor.port bot.doctor.proxies bot.doctor.record bot.doctor.rest "
    "bot.judging.court bot.judging.player bot.metrics.parts bot.verbs.alert_test "
    "bot.verbs.check bot.verbs.drill bot.verbs.looking bot.verbs.price bot.verbs.reaching",
    "bot.aggregator bot.doctor.streams bot.verbs.picture bot.verbs.query bot.verbs.replaying",
    "bot.doctor.plan bot.metrics.prices bot.sources.opinions bot.sources.stream bot.summary "
    "bot.verbs.export bot.verbs.replay bot.verbs.watching",
    "bot.sources.tiers bot.verbs.doctor bot.verbs.status",
    "bot.parts",
    "bot.metrics.daemon bot.window",
    "bot.app",
    "bot.__main__",
)) for module in modules.split()}
# packages with one number for all their modules
WHOLE = ("bot.alerts", "bot.broker", "bot.record", "bot.sandbox", "bot.web")
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
    "bot.judging.player", "bot.record.files", "bot.record.tape",
    *(module for module in TREES if module.startswith(("bot.verbs", "bot.doctor")))])
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
