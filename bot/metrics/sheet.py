"""A metric as it is defined, and the sheet that a scrape is written on."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec
from prometheus_client.core import (
    CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily,
)
from prometheus_client.core import Metric as Family

from bot.metrics.buckets import Buckets

PREFIX = "autonomous_bot_"

Kind = Literal["gauge", "counter", "histogram"]


class Metric(msgspec.Struct, frozen=True):
    """name: without the prefix, and of a counter without `_total`. about: its help text."""

    kind: Kind
    name: str
    about: str
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """As Prometheus knows it; of a histogram without `_bucket`, `_sum` and `_count`."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"

    def family(self) -> Family:
        types = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily,
                 "histogram": HistogramMetricFamily}
        family: Family = types[self.kind](PREFIX + self.name, self.about, labels=self.labels)
        return family


class Sheet:
    """The values of one scrape. What has no value at the moment is left out."""

    def __init__(self) -> None:
        self._families: dict[Metric, Family] = {}

    def put(self, metric: Metric, value: float | None, *labels: str) -> None:
        if value is not None:
            assert metric.kind != "histogram"
            self._family(metric).add_metric(labels, value)  # type: ignore[attr-defined]

    def put_each(
        self, metric: Metric, values: Iterable[tuple[str, float]], *labels: str
    ) -> None:
        """values: by the last label."""
        for label, value in values:
            self.put(metric, value, *labels, label)

    def put_one_of(
        self, metric: Metric, words: Iterable[str], word: str, *labels: str
    ) -> None:
        """1 for the word that holds of all that there are, which are the last label; else 0."""
        self.put_each(metric, ((each, each == word) for each in words), *labels)

    def put_buckets(self, metric: Metric, buckets: Buckets, *labels: str) -> None:
        assert metric.kind == "histogram"
        self._family(metric).add_metric(  # type: ignore[attr-defined]
            labels, buckets.cumulative, buckets.sum)

    def families(self, order: Iterable[Metric]) -> Iterator[Family]:
        """Those of which there is a value, in that order."""
        return (self._families[metric] for metric in order if metric in self._families)

    def _family(self, metric: Metric) -> Family:
        if metric not in self._families:
            self._families[metric] = metric.family()
        return self._families[metric]
