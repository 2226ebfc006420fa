"""What a scrape brought, read with the library's own parser."""

from collections.abc import Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

from bot.metrics.sheet import PREFIX
from tests.processes import Daemon

Labels = Mapping[str, str]


class Scrape:
    """The samples of one answer."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self._samples = [sample for family in self.families for sample in family.samples]

    def each(self, name: str, **labels: str) -> Iterator[tuple[Labels, float]]:
        """name: without the prefix. labels: that a sample must have, among others."""
        for sample in self._samples:
            if sample.name == PREFIX + name and labels.items() <= sample.labels.items():
                yield sample.labels, sample.value

    def total(self, name: str, **labels: str) -> float:
        return sum(value for _, value in self.each(name, **labels))

    def value(self, name: str, **labels: str) -> float:
        ((_, value),) = self.each(name, **labels)
        return value

    @property
    def names(self) -> set[str]:
        """Of samples, with the prefix."""
        return {sample.name for sample in self._samples}


def scrape(bot: Daemon) -> Scrape:
    answer = bot.get("/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape(answer.text)
