"""Which source was left, and by which rule."""

import pytest

from bot.causes import RULES
from bot.events import FailoverFailed, SourceJudged, SourceSwitched
from bot.metrics.switches import Switches


class Told:
    """Switches that a test tells of events, as the watchdog does."""

    def __init__(self) -> None:
        self.switches = Switches(["BTCUSDT"], ["binance", "okx"])

    def judged(self, source: str, rule: str | None) -> None:
        self.switches.listeners["source_judged"](
            SourceJudged(source, "BTCUSDT", rule and "words", rule or "silence", None, 0.0, 0.0))

    def switched(self, previous: str | None, current: str, blackout_ms: float = 0.0) -> None:
        self.switches.listeners["source_switch"](
            SourceSwitched("BTCUSDT", previous, current, 0.0, "why", None, blackout_ms))

    def failed(self, previous: str) -> None:
        self.switches.listeners["failover_failed"](FailoverFailed("BTCUSDT", previous, 0.0, "why"))

    @property
    def counted(self) -> dict[tuple[str, str], int]:
        return {(source, rule): count
                for (_, source, rule), count in self.switches.count.items() if count}


@pytest.mark.parametrize("rule", RULES)
def test_a_switch_is_counted_by_the_rule_of_the_source_that_was_left(rule: str) -> None:
    told = Told()
    told.judged("binance", rule)
    told.switched("binance", "okx")
    assert told.counted == {("binance", rule): 1}


def test_a_return_to_the_primary_has_no_rule() -> None:
    told = Told()
    told.judged("binance", "silence")
    told.switched("binance", "okx")
    told.judged("binance", None)
    told.switched("okx", "binance")
    assert told.counted == {("binance", "silence"): 1, ("okx", "return"): 1}


def test_after_a_time_without_any_the_one_that_was_left_counts_for_why_it_was() -> None:
    told = Told()
    told.judged("okx", "late")
    told.failed("okx")
    told.judged("okx", None)
    told.switched(None, "binance", 2_500.0)
    assert told.counted == {("okx", "late"): 1}
    assert told.switches.failed == {"BTCUSDT": 1}
    blackouts = told.switches.blackouts["BTCUSDT"]
    assert (blackouts.count, blackouts.sum) == (1, 2.5)


def test_every_combination_is_there_from_the_start() -> None:
    """Else the first switch of its kind would be no increase."""
    assert len(Told().switches.count) == 2 * (len(RULES) + 1)
