"""`/metrics` of a server that works: what is counted, what is not told, and who may read it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lianpu.accounts.roles import Scope
from lianpu.api.worker_metrics import metrics_app
from lianpu.errors import SettingsError
from lianpu.settings import load_settings
from tests.api.calls import ended, enrol, search
from tests.api.conftest import OpenClient
from tests.api.logins import TOKEN, anonymous, create_user, log_in
from tests.api.metric_samples import Samples, scrape

pytestmark = pytest.mark.anyio
NAME = "Eileen Unmistakable"


async def test_R_OPS_2_every_stage_of_a_search_is_measured_by_pack(
    open_client: OpenClient, astronaut_photo: bytes
) -> None:
    async with open_client() as client:
        person = (await enrol(client, astronaut_photo, name=NAME)).json()["person"]["person_id"]
        before = await scrape(client)
        assert (await search(client, astronaut_photo)).json()["faces"][0]["matches"][0]["person_id"] == person
        await client.get(f"/api/v1/faces/{person}")
        after = await scrape(client)

    def more(name: str, **labels: str) -> float:
        return after.of(name, **labels) - before.of(name, **labels)

    for stage in ("detect", "landmarks", "align", "embed", "search"):
        labels = {"stage": stage, "pack": "dlib@1"}
        assert more("lianpu_stage_duration_seconds_count", **labels) == 1, stage
        assert more("lianpu_stage_duration_seconds_sum", **labels) > 0, stage
    assert more("lianpu_stage_duration_seconds_count", stage="decode") == 1
    for stage in ("detect", "embed", "search"):
        assert more("lianpu_stage_faces_total", stage=stage, pack="dlib@1") == 1
    assert more("lianpu_http_requests_total", route="/api/v1/search", method="POST", status="2xx") == 1
    assert more("lianpu_http_request_duration_seconds_count", route="/api/v1/search", status="2xx") == 1
    assert more("lianpu_http_requests_total", route="/api/v1/faces/{person_id}") == 1
    assert more("lianpu_http_request_body_bytes_total", route="/api/v1/search") > len(astronaut_photo)
    assert more("lianpu_inference_queue_calls_total", outcome="completed") >= 1
    assert after.of("lianpu_gallery_persons") == after.of("lianpu_gallery_images") == 1
    assert after.of("lianpu_index_embeddings", pack="dlib@1") == after.of("lianpu_gallery_embeddings") == 1
    # The scrape itself is under way.
    assert after.of("lianpu_http_requests_in_progress") == 1
    assert after.of("lianpu_reading_failed") == 0
    assert after.of("lianpu_process_resident_memory_bytes") > 0
    # No name, no id, no path.
    for private in (NAME, "Eileen", person, f"/faces/{person[:8]}", "photo.jpg"):
        assert private not in after.text


async def test_R_OPS_2_jobs_are_measured_by_kind_state_and_error(open_client: OpenClient) -> None:
    async with open_client() as client:
        good = await ended(client, await client.post("/api/v1/gallery/health", json={}))
        assert good["status"] == "completed"
        bad = await client.platform.jobs.submit("gallery.reembed", {"pack": "nowhere@1"})  # type: ignore[attr-defined]
        assert (await _ended(client, bad.id))["status"] == "failed"
        found = await scrape(client)
    assert found.of("lianpu_jobs", kind="gallery.health", state="completed") == 1
    assert found.of("lianpu_job_run_seconds_count", kind="gallery.health", status="completed") == 1
    assert found.of("lianpu_job_wait_seconds_count", kind="gallery.health") == 1
    assert found.of("lianpu_job_failures_total", kind="gallery.reembed") == 1
    assert found.of("lianpu_job_workers") == found.of("lianpu_job_workers_wanted") > 0
    assert found.of("lianpu_job_queue_depth") == 0


async def _ended(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    while True:
        job = (await client.get(f"/api/v1/jobs/{job_id}")).json()["job"]
        if job["finished_at"] is not None:
            return job
        await asyncio.sleep(0.02)


async def test_R_OPS_2_refused_logins_and_limits_are_counted_and_nobody_is_named(open_client: OpenClient) -> None:
    async with open_client(limits__per_client="3/day") as client, anonymous(client) as nobody:
        await create_user(client, "bob")
        for _ in range(6):
            form = {"grant_type": "password", "username": "bob", "password": "not the password"}
            await nobody.post(TOKEN, data=form)
        found = await scrape(client)
    assert found.of("lianpu_logins_refused_total", reason="failed") == 3
    assert found.of("lianpu_rate_limit_refusals_total", limit="client") == 3
    assert found.of("lianpu_http_requests_total", route="none", status="4xx") == 3
    assert "bob" not in found.text


async def test_R_OPS_2_metrics_need_the_scope_of_the_status(open_client: OpenClient) -> None:
    async with open_client() as client, anonymous(client) as nobody:
        await create_user(client, "bob")
        bob = await log_in(client, "bob")
        key = {"name": "prometheus", "scopes": [Scope.SYSTEM_READ.value]}
        secret = (await nobody.post("/api/v1/keys", json=key, headers=bob.headers)).json()["secret"]
        other = {"name": "other", "scopes": [Scope.IMAGES.value]}
        useless = (await nobody.post("/api/v1/keys", json=other, headers=bob.headers)).json()["secret"]
        statuses = [
            (await nobody.get("/metrics", headers=headers)).status_code
            for headers in (
                {},
                {"Authorization": "Bearer nonsense"},
                {"X-API-Key": useless},
                {"Authorization": f"Bearer {secret}"},
                bob.headers,
            )
        ]
        assert statuses == [401, 401, 403, 200, 200]
        assert (await nobody.get("/metrics", params={"token": secret})).status_code == 401


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ("", "10.0.0.7", 401),
        ("10.0.0.0/8", "10.0.0.7", 200),
        ("10.0.0.0/8", "::ffff:10.0.0.7", 200),
        ("10.0.0.0/8", "192.0.2.1", 401),
        ("10.0.0.0/8", "testclient", 401),
        ("fd00::/8", "fd00::1", 200),
        ("0.0.0.0/0, ::/0", "192.0.2.1", 200),
    ],
)
async def test_R_OPS_2_networks_that_the_operator_named_need_no_credential_for_metrics_alone(
    open_client: OpenClient, networks: str, address: str, status: int
) -> None:
    async with open_client(observability__metrics_networks=networks) as client:
        transport = httpx2.ASGITransport(client._transport.app, client=(address, 1))  # type: ignore[attr-defined]
        async with httpx2.AsyncClient(transport=transport, base_url=client.base_url) as caller:
            assert (await caller.get("/metrics")).status_code == status
            # A header does not move anybody into a network.
            forwarded = {"X-Forwarded-For": "10.0.0.7", "X-Real-IP": "10.0.0.7"}
            assert (await caller.get("/metrics", headers=forwarded)).status_code == status
            assert (await caller.get("/api/status")).status_code == 401
            # Who brings a credential is judged by it.
            assert (await caller.get("/metrics", headers={"X-API-Key": "nonsense"})).status_code == 401


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ("", "127.0.0.1", 200),
        ("", "::1", 200),
        ("", "10.0.0.7", 403),
        ("10.0.0.0/8", "10.0.0.7", 200),
        ("10.0.0.0/8", "::ffff:10.0.0.7", 200),
        ("10.0.0.0/8", "192.0.2.1", 403),
        ("0.0.0.0/0", "testclient", 403),
    ],
)
async def test_R_OPS_2_a_worker_tells_its_numbers_to_its_machine_and_to_the_networks_that_were_named(
    open_client: OpenClient, networks: str, address: str, status: int
) -> None:
    async with open_client(observability__metrics_networks=networks) as client:
        transport = httpx2.ASGITransport(metrics_app(client.platform), client=(address, 1))  # type: ignore[attr-defined]
        async with httpx2.AsyncClient(transport=transport, base_url="http://worker:8001") as caller:
            answer = await caller.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
            assert answer.status_code == status
            if status == 200:
                assert "lianpu_build_info" in Samples(answer.text).names
            else:
                assert answer.json()["code"] == "foreign_network"
            assert (await caller.get("/api/status")).status_code == 404


async def test_R_OPS_2_metrics_that_are_off_are_not_there(open_client: OpenClient) -> None:
    async with open_client(observability__metrics=False) as client:
        answer = await client.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (404, "metrics_off")
        # The console's charts are.
        assert (await client.get("/api/status/history")).status_code == 200


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("metrics_networks", "10.0.0.0/33", "is no IP address or network"),
        ("traces_endpoint", "ftp://collector", "is no address of an OTLP/HTTP collector"),
        ("traces_endpoint", "http://me:secret@collector:4318/v1/traces", "must not hold a user name or a password"),
        ("traces_sample_ratio", 1.5, "less than or equal to 1"),
        ("worker_metrics_port", 0, "greater than or equal to 1"),
    ],
)
def test_R_OPS_4_settings_of_observability_are_checked(tmp_path, key: str, value: Any, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        load_settings({f"observability.{key}": value}, environment={}, folder=tmp_path)


def test_R_OPS_4_a_port_for_metrics_that_are_off_is_refused(tmp_path: Path) -> None:
    given = {"observability.worker_metrics_port": 8001, "observability.metrics": False}
    with pytest.raises(SettingsError, match="and metrics is off"):
        load_settings(given, environment={}, folder=tmp_path)
