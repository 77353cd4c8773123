"""Dashboard and alert rules ask for what a server that works really has, in PromQL that is well-formed."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from tests.api.calls import ended, enrol, search
from tests.api.conftest import OpenClient
from tests.api.metric_samples import scrape

REPOSITORY = Path(__file__).parents[2]
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "lianpu.json"
ALERTS = REPOSITORY / "deploy" / "prometheus" / "lianpu-alerts.yml"
DOCUMENT = REPOSITORY / "docs" / "observability.md"
OF_PROMETHEUS = {"up"}
"""Made by Prometheus itself."""


def panels() -> list[dict[str, Any]]:
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the expression as Grafana would send it."""
    for panel in panels():
        for target in panel.get("targets", ()):
            text = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "3h").replace("$instance", ".*")
            yield panel["title"], text
    for rule in rules():
        yield rule["alert"], rule["expr"]


def selectors(expression: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Names and the labels that they are asked for with."""
    found: list[Any] = []

    def look(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)
        return True

    promql_parser.walk(expression, look)
    for node in found:
        yield node.name, {matcher.name: matcher.value for matcher in node.matchers.matchers}


def grouped_by(text: str) -> set[str]:
    return {label.strip() for labels in re.findall(r"\bby \(([^)]*)\)", text) for label in labels.split(",")}


@pytest.mark.anyio
async def test_R_OPS_2_all_that_dashboard_and_alerts_ask_for_is_there_with_its_labels(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_client() as client:
        await enrol(client, astronaut_photo, name="Eileen")
        await search(client, astronaut_photo)
        await ended(client, await client.post("/api/v1/gallery/health", json={}))
        found = await scrape(client)
    labels: dict[str, set[str]] = {}
    for name, has in found.values:
        labels.setdefault(name, set()).update(label for label, _ in has)
    checked = 0
    for where, text in expressions():
        for name, matched in selectors(promql_parser.parse(text)):
            assert name in found.names | OF_PROMETHEUS, f"{where}: no server has {name}"
            asked = (matched.keys() | grouped_by(text)) - {"instance", "job", "le"}
            # What has not happened yet has a name, and no series to look at.
            if name in labels and len(list(selectors(promql_parser.parse(text)))) == 1:
                assert asked <= labels[name], f"{where}: {name} has no {asked - labels[name]}"
                checked += 1
    assert checked > 30


@pytest.mark.parametrize(("where", "text"), list(expressions()))
def test_R_OPS_2_every_expression_is_promql(where: str, text: str) -> None:
    promql_parser.parse(text)


@pytest.mark.parametrize("text", ["sum(rate(x)", "nosuch(x[5m])", "rate(x)", "sum by (a (x)", "x +"])
def test_R_OPS_2_what_is_no_promql_is_seen(text: str) -> None:
    with pytest.raises(ValueError):
        promql_parser.parse(text)


def test_R_OPS_2_rates_are_of_counters_and_quantiles_of_buckets() -> None:
    for where, text in expressions():
        for name in re.findall(r"(?:rate|increase)\((\w+)", text):
            assert name.endswith(("_total", "_bucket", "_sum", "_count")), f"{where}: {name} is no counter"
        if "histogram_quantile" in text:
            assert "_bucket" in text, where
            assert "le" in grouped_by(text), where


def test_R_OPS_2_the_dashboard_is_one_that_grafana_takes() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert dashboard["uid"] == "lianpu"
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for first, second in itertools.pairwise(places):
        is_beside = first["y"] == second["y"] and second["x"] == first["x"] + first["w"]
        assert is_beside or second["y"] == first["y"] + first["h"]
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]
            assert [target["refId"] for target in panel["targets"]] == list("ABCDEFG"[: len(panel["targets"])])


def test_R_OPS_2_every_alert_is_described_and_explained() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in document, f"docs/observability.md does not say what {rule['alert']} means"


@pytest.mark.anyio
async def test_R_OPS_2_every_metric_is_documented_and_none_is_that_is_not_there(open_client: OpenClient) -> None:
    async with open_client() as client:
        found = await scrape(client)
    there = {name + ("_total" if family.type == "counter" else "") for name, family in found.families.items()}
    table = re.findall(r"^\| `(lianpu_\w+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == there
    for family in found.families.values():
        assert family.documentation
        assert re.fullmatch(r"lianpu_[a-z_]+", family.name)
