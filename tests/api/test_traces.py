"""Traces of a server that works, as a collector gets them: from the request to stages, statements and jobs."""

import importlib.abc
import sys
from collections.abc import Callable

import pytest

from lianpu.api.app import create_app
from lianpu.errors import SettingsError
from lianpu.settings import Settings
from tests.api.calls import ended, enrol, search
from tests.api.conftest import OpenClient
from tests.api.trace_collector import TraceCollector, attributes, trace_collector

pytestmark = pytest.mark.anyio
NAME = "Eileen Unmistakable"
TRACED = {"observability__traces_sample_ratio": 1.0}


@pytest.fixture
def collector():
    with trace_collector() as one:
        yield one


async def test_R_OPS_2_a_search_is_one_trace_of_request_stages_and_statements(
    open_client: OpenClient, collector: TraceCollector, astronaut_photo: bytes
) -> None:
    async with open_client(observability__traces_endpoint=collector.endpoint, **TRACED) as client:
        person = (await enrol(client, astronaut_photo, name=NAME)).json()["person"]["person_id"]
        headers = {"X-Request-ID": "the-search"}
        await client.post("/api/v1/search", files={"image": ("photo.jpg", astronaut_photo)}, headers=headers)
        await client.get(f"/api/v1/faces/{person}")
    spans = collector.spans
    assert collector.services == {"lianpu"}
    (request,) = [span for span in spans if attributes(span).get("lianpu.request_id") == "the-search"]
    assert request.name == "POST /api/v1/search"
    assert attributes(request) == {
        "http.request.method": "POST",
        "http.route": "/api/v1/search",
        "http.response.status_code": 200,
        "lianpu.request_id": "the-search",
    }
    within = [span for span in spans if span.trace_id == request.trace_id and span is not request]
    names = [span.name for span in within]
    assert {"decode", "detect", "landmarks", "align", "embed", "search", "SELECT"} <= set(names)
    known = {span.span_id for span in spans if span.trace_id == request.trace_id}
    assert all(span.parent_span_id in known for span in within)
    statement = next(span for span in within if span.name == "SELECT")
    assert attributes(statement) == {"db.system.name": "sqlite", "db.operation.name": "SELECT"}
    # Neither names nor ids of persons, no address of anybody, no statement and no value.
    everything = b"".join(collector.bodies)
    for private in (NAME, "Eileen", person, "127.0.0.1", "photo.jpg", "FROM persons", "python-httpx"):
        assert private.encode() not in everything


async def test_R_OPS_2_a_job_goes_on_with_the_trace_of_its_request(
    open_client: OpenClient, collector: TraceCollector
) -> None:
    async with open_client(observability__traces_endpoint=collector.endpoint, **TRACED) as client:
        started = await client.post("/api/v1/gallery/health", json={}, headers={"X-Request-ID": "the-job"})
        job = await ended(client, started)
    spans = collector.spans
    (request,) = [span for span in spans if attributes(span).get("lianpu.request_id") == "the-job"]
    (run,) = [span for span in spans if span.name == "job gallery.health"]
    assert run.trace_id == request.trace_id
    assert run.parent_span_id == request.span_id
    assert attributes(run) == {"lianpu.job_id": job["job_id"], "lianpu.job_kind": "gallery.health"}
    assert any(span.parent_span_id == run.span_id and span.name == "SELECT" for span in spans)


async def test_R_OPS_2_by_default_nothing_is_traced_and_the_packages_are_not_loaded(
    settings_for: Callable[..., Settings], open_client: OpenClient, collector: TraceCollector, astronaut_photo: bytes
) -> None:
    assert settings_for().observability.traces_endpoint is None
    async with open_client() as client:
        await search(client, astronaut_photo)
        assert client.platform.instruments.tracing is None  # type: ignore[attr-defined]
    assert collector.bodies == []


async def test_R_OPS_2_a_sample_ratio_of_nothing_sends_nothing(
    open_client: OpenClient, collector: TraceCollector, astronaut_photo: bytes
) -> None:
    settings = {"observability__traces_sample_ratio": 0, "observability__traces_endpoint": collector.endpoint}
    async with open_client(**settings) as client:
        assert (await search(client, astronaut_photo)).status_code == 200
    assert collector.bodies == []


async def test_R_OPS_2_a_collector_that_is_away_costs_the_request_nothing(
    open_client: OpenClient, astronaut_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"observability__traces_endpoint": "http://127.0.0.1:9/v1/traces", **TRACED}
    async with open_client(**settings) as client:
        assert (await search(client, astronaut_photo)).status_code == 200
        assert (await client.get("/health/ready")).status_code == 200


async def test_R_OPS_2_traces_without_their_packages_do_not_start(
    settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    class NotInstalled(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.startswith("opentelemetry"):
                raise ModuleNotFoundError(name)

    for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NotInstalled(), *sys.meta_path])
    app = create_app(settings_for(observability__traces_endpoint="http://127.0.0.1:4318/v1/traces"))
    with pytest.raises(SettingsError, match=r"install lianpu\[telemetry\]"):
        async with app.router.lifespan_context(app):
            pass
