"""What is around the program: settings file, README, unit file, Makefile, dependencies."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dotenv
import pytest

import bot
from bot.app import STOP_S
from bot.config import SETTINGS, load
from bot.sandbox.control import explained
from bot.sandbox.faults import FAULTS
from bot.setting import Setting

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / ".env.example"
UNIT = ROOT / "systemd" / "autonomous-bot.service"
# the one value of the example that is not the default: a bot one starts is to have prices
ON_IN_THE_EXAMPLE = {"ENABLE_WEBSOCKET_FEEDS": "true"}
TARGETS = {"api", "help", "run", "test", "demo", "lint", "bench", "chaos", "kafka", "clean"}


def in_setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def requirements(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def unit_settings() -> list[tuple[str, str]]:
    """(key, value) in order; a key of a unit file may stand there several times."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#[")
    return [(key, value) for key, _, value in pairs]


def unit_value(key: str) -> str:
    (value,) = [value for name, value in unit_settings() if name == key]
    return value


def analyze(unit: Path, verb: str, *options: str) -> "subprocess.CompletedProcess[str]":
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", verb, *options, str(unit)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists, without which `verify` complains of just that."""
    text = UNIT.read_text(encoding="utf-8")
    program = unit_value("ExecStart").split()[0]
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(program, sys.executable), encoding="utf-8")
    return copy


# ---- .env.example and documents against bot.config

def test_the_example_holds_every_setting_and_its_default() -> None:
    defaults = {name: row.default for name, row in SETTINGS.items()}
    assert dotenv.dotenv_values(EXAMPLE, interpolate=False) == defaults | ON_IN_THE_EXAMPLE


def test_the_example_is_read_the_same_by_systemd_which_knows_no_comment_after_a_value() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    values = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in values if not re.fullmatch(r"[A-Z_]+=[^\s'\"#\\$]*", line)] == []
    assert len(values) == len(SETTINGS), "a setting stands there twice"


def test_the_example_can_be_loaded_as_it_stands() -> None:
    assert load({}, EXAMPLE).enable_websocket_feeds


def row_of_the_page(row: Setting) -> str:
    default = f"`{row.default}`" if row.default else "unset"
    meaning = row.help.replace("|", r"\|")
    return f"| `{row.name}` | {default} | {meaning} |"


def table_in(page: str, head: str) -> list[str]:
    lines = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    start = lines.index(head) + 2
    return lines[start:lines.index("", start)]


def test_the_table_of_settings_says_what_the_program_says() -> None:
    table = table_in("settings.md", "| setting | default | meaning |")
    expected = [row_of_the_page(row) for row in SETTINGS.values()]
    assert table == expected, "the table should be:\n" + "\n".join(expected)


def test_the_table_of_faults_says_what_the_sandbox_says() -> None:
    table = table_in("rehearsing.md", "| fault | what the exchange does |")
    expected = [f"| `{name}` | {explained(name)} |" for name in FAULTS]
    assert table == expected, "the table should be:\n" + "\n".join(expected)


# ---- the unit file

def test_systemd_has_no_complaint_about_the_unit(unit: Path) -> None:
    verified = analyze(unit, "verify")
    # an unknown key or a bad value is only a line of output, and no failure
    assert (verified.stdout, verified.returncode) == ("", 0)


def test_the_check_of_the_unit_sees_a_key_that_systemd_does_not_know(unit: Path) -> None:
    unit.write_text(unit.read_text(encoding="utf-8").replace("Restart=", "Restarts="))
    assert "Restarts" in analyze(unit, "verify").stdout


def test_the_unit_is_a_service_that_reports_and_is_watched() -> None:
    assert unit_value("Type") == "notify"
    assert unit_value("NotifyAccess") == "main"
    # the main loop reports once a second; less than 30 s kills a machine that was only paused
    assert int(unit_value("WatchdogSec")) >= 30
    assert unit_value("ExecStart").endswith("/python -X faulthandler -m bot")


def test_the_unit_is_restarted_but_not_with_bad_settings() -> None:
    assert unit_value("Restart") == "always"
    assert unit_value("RestartPreventExitStatus") == "78"
    attempts_s = int(unit_value("StartLimitBurst")) * int(unit_value("RestartSec"))
    assert attempts_s < int(unit_value("StartLimitIntervalSec")), "the limit is never reached"


def test_the_unit_gives_the_bot_more_time_to_stop_than_it_needs() -> None:
    assert int(unit_value("TimeoutStopSec")) >= 2 * STOP_S


def test_the_unit_writes_only_into_its_own_folders() -> None:
    name = UNIT.stem
    assert (unit_value("StateDirectory"), unit_value("LogsDirectory")) == (name, name)
    assert unit_value("WorkingDirectory") == f"/var/lib/{name}"
    environment = dict(value.split("=", 1) for key, value in unit_settings()
                       if key == "Environment")
    assert environment["DUCKDB_PATH"].startswith(f"/var/lib/{name}/")
    assert environment["LOG_DIR"] == f"/var/log/{name}"


@pytest.mark.parametrize("line", [
    "NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "ProtectHome=yes",
])
def test_the_unit_keeps_its_modest_fences(line: str) -> None:
    assert tuple(line.split("=")) in unit_settings()


def test_the_program_of_the_unit_can_be_told_to_start_so(tmp_path: Path) -> None:
    """The options of ExecStart, in a folder that holds nothing, reach the command line."""
    options = unit_value("ExecStart").split()[1:]
    answer = subprocess.run([sys.executable, *options, "--version"], cwd=tmp_path, text=True,
                            capture_output=True, timeout=60, env={"PYTHONPATH": str(ROOT)})
    assert answer.stdout == f"autonomous-bot {bot.__version__}\n"


# ---- Makefile

def make(*arguments: str) -> str:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    return subprocess.run(["make", "--no-print-directory", *arguments], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, check=True, timeout=60).stdout


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert set(phony.split()) == TARGETS
    assert set(re.findall(r"^  make ([a-z]+)\t\S", make(), re.MULTILINE)) == TARGETS


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_target_can_be_made(target: str) -> None:
    make("--dry-run", target)


def test_make_run_puts_the_bot_in_the_place_of_the_shell() -> None:
    """So that a signal for make's child is one for the bot."""
    assert make("--dry-run", "run").splitlines()[-1] == "exec .venv/bin/python -m bot"


# ---- the package

def test_the_version_is_written_in_one_place() -> None:
    assert in_setup_cfg()["metadata"]["version"] == "attr: bot.__version__"
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert bot.__version__ not in pyproject
    assert f"## [{bot.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_ends_before_a_version_that_may_break() -> None:
    parser = in_setup_cfg()
    groups = [parser["options"]["install_requires"],
              *parser["options.extras_require"].values()]
    named = [line for group in groups for line in requirements(group)]
    assert named
    pattern = r"[\w.-]+(\[\w+\])?>=[\w.]+,<[\w.]+"
    assert [line for line in named if not re.fullmatch(pattern, line)] == []


def test_every_file_of_the_page_is_installed_with_the_package() -> None:
    package = Path(bot.__file__).parent / "web"
    patterns = in_setup_cfg()["options.package_data"]["bot.web"].split(",")
    installed = {path for pattern in patterns for path in package.glob(pattern.strip())}
    assert {path for path in (package / "static").rglob("*") if path.is_file()} <= installed
