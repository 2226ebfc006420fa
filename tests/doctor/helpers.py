"""Settings for practice exchanges, and what a check said."""

from bot.config import Config
from bot.doctor.finding import Finding, Report
from bot.doctor.place import Place
from bot.exchanges import ALL
from bot.sandbox.server import Sandbox
from tests.test_config import loaded


def config(sandbox: Sandbox | None = None, /, **names: str) -> Config:
    there = sandbox.environment() if sandbox else {}
    return loaded(there | {"ENABLE_WEBSOCKET_FEEDS": "true"} | names)


def place(exchange: str, url: str, first: bool = True, suffix: str = "WS_URL") -> Place:
    return Place(ALL[exchange], url, f"{exchange.upper()}_{suffix}", first)


def levels(report: Report) -> list[str]:
    return [finding.level for finding in report.findings]


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


def bad(report: Report) -> Finding:
    """The one that is not ok."""
    (finding,) = [finding for finding in report.findings if finding.level != "ok"]
    assert finding.remedy, finding
    return finding
