"""What a server's `/metrics` says, taken apart."""

import httpx2
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]


class Samples:
    """One scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def of(self, name: str, **labels: str) -> float:
        """The sum of all that have at least these labels; 0: there is none."""
        wanted = frozenset(labels.items())
        return sum(value for (sample, has), value in self.values.items() if sample == name and wanted <= has)

    @property
    def names(self) -> set[str]:
        """Of everything that can be asked for in PromQL."""
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
        return {name + suffix for name, family in self.families.items() for suffix in suffixes.get(family.type, ("",))}


async def scrape(client: httpx2.AsyncClient) -> Samples:
    """Anew, whatever was read a moment ago."""
    client.platform.instruments.metrics._taken_at = float("-inf")  # type: ignore[attr-defined]
    answer = await client.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Samples(answer.text)
