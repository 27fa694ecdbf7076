"""Reads metrics as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

from tests.http import get_url

Series = dict[str, dict[frozenset[tuple[str, str]], float]]


class Scrape:
    """One scrape of an endpoint."""

    def __init__(self, address: str) -> None:
        self.answer = get_url(f"{address}/metrics")
        self.text = self.answer.text
        self._samples = [sample for family in text_string_to_metric_families(self.text) for sample in family.samples]

    @property
    def names(self) -> set[str]:
        """The names of Flaghoist's metrics, from their TYPE lines."""
        return {line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE flaghoist_")}

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of the only series with these labels, or nothing if there is none."""
        values = [each.value for each in self._samples if each.name == name and labels.items() <= each.labels.items()]
        assert len(values) < 2, f"{name} {labels}: {len(values)} series"
        return values[0] if values else None

    def labels(self, name: str, label: str) -> set[str]:
        """Return every value of a label."""
        return {each.labels[label] for each in self._samples if each.name == name}
