"""What a scrape is written on."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family

from bot.metrics.buckets import Buckets
from bot.metrics.sheet import Metric, Sheet
from tests.metrics.scraping import Scrape

AGE = Metric("gauge", "age_seconds", "Age.", ("symbol",))
SEEN = Metric("counter", "seen", "Seen.", ("source", "reason"))
LAG = Metric("histogram", "lag_seconds", "Lag.", ("source",))
STATE = Metric("gauge", "state", "State.", ("symbol", "state"))


def written(sheet: Sheet) -> str:
    class Once:
        def collect(self) -> list[Family]:
            return list(sheet.families([AGE, SEEN, LAG, STATE]))

    registry = CollectorRegistry()
    registry.register(Once())
    return generate_latest(registry).decode()


def test_each_kind_is_told_in_the_form_that_prometheus_reads() -> None:
    sheet = Sheet()
    sheet.put_each(SEEN, [("parse", 3), ("stamp", 0)], "okx")
    sheet.put(AGE, 0.5, "BTCUSDT")
    buckets = Buckets((0.1, 1.0))
    for value in (0.05, 0.5, 5.0):
        buckets.observe(value)
    sheet.put_buckets(LAG, buckets, "okx")
    text = written(sheet)
    assert "# HELP autonomous_bot_age_seconds Age.\n# TYPE autonomous_bot_age_seconds gauge" in text
    assert text.index("age_seconds") < text.index("seen_total"), "in the order that was asked for"
    found = Scrape(text)
    assert found.value("seen_total", source="okx", reason="parse") == 3
    assert found.value("lag_seconds_bucket", source="okx", le="1.0") == 2
    assert found.value("lag_seconds_bucket", le="+Inf") == found.value("lag_seconds_count") == 3
    assert found.value("lag_seconds_sum") == pytest.approx(5.55)


def test_what_is_not_known_is_left_out() -> None:
    sheet = Sheet()
    sheet.put(AGE, None, "BTCUSDT")
    assert written(sheet) == ""


def test_one_of_several_words_is_one_and_the_others_are_zero() -> None:
    sheet = Sheet()
    sheet.put_one_of(STATE, ("good", "bad"), "bad", "BTCUSDT")
    assert {labels["state"]: value for labels, value in Scrape(written(sheet)).each("state")} == {
        "good": 0, "bad": 1}


def test_values_of_labels_are_escaped() -> None:
    sheet = Sheet()
    sheet.put(AGE, 1, 'a"b\\c\nd')
    assert [labels["symbol"] for labels, _ in Scrape(written(sheet)).each("age_seconds")] == [
        'a"b\\c\nd']


def test_the_shown_name_is_the_one_that_is_asked_for() -> None:
    assert (SEEN.shown, AGE.shown) == ("autonomous_bot_seen_total", "autonomous_bot_age_seconds")
