"""Packs over HTTP: the catalogue, pulling as a job, loading, unloading, removing."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tomli_w

from lianpu.packs.registry import EMBEDDED_PACKS
from tests.api.calls import ended, enrol, reembed, search
from tests.api.conftest import OpenClient
from tests.packs.nasty_server import Manners, NastyServer, nasty_server
from tests.packs.test_pull import NON_COMMERCIAL, file_of, zipped

pytestmark = pytest.mark.anyio
WEIGHTS = random.Random(2).randbytes(400_000)
Catalogued = Callable[..., None]


@pytest.fixture
def server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """A folder of the administrator's catalogues."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    return folder


@pytest.fixture
def catalogued(catalogue: Path) -> Catalogued:
    """Adds an entry; `restorer@1` with `WEIGHTS` unless fields say otherwise."""

    def add(file: dict[str, Any], **fields: Any) -> None:
        entry = {"name": "restorer", "version": "1", "family": "restore", "licence": NON_COMMERCIAL} | fields
        (catalogue / f"{entry['name']}.toml").write_text(tomli_w.dumps({"packs": [{**entry, "files": [file]}]}))

    return add


@pytest.fixture
async def kit_client(open_kit_client: OpenClient, catalogue: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_kit_client(packs__catalogue=[str(catalogue)], liveness__mode="observe") as one:
        yield one


async def pull(client: httpx2.AsyncClient, name: str = "restorer", **fields: Any) -> httpx2.Response:
    return await client.post("/api/v1/models/pull", json={"name": name, "accept_licence": True, **fields})


async def available(client: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/api/v1/models/available")
    assert answer.status_code == 200, answer.text
    return {f"{model['name']}@{model['version']}": model for model in answer.json()["models"]}


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert problem["request_id"]
    return problem


async def test_R_INF_5_pull_over_http_is_a_job_that_counts_bytes(
    kit_client: httpx2.AsyncClient, server: NastyServer, catalogued: Catalogued, home: Path
) -> None:
    catalogued(file_of("restorer.pth", WEIGHTS, server.serve("/w", WEIGHTS)))
    offered = (await available(kit_client))["restorer@1"]
    assert (offered["installed"], offered["installable"], offered["family"]) == (False, True, "restore")
    assert (offered["licence"], offered["size_bytes"]) == (NON_COMMERCIAL, len(WEIGHTS))
    assert offered["sources"] == offered["files"][0]["sources"] == [f"{server.address}/w"]
    assert (await available(kit_client))["buffalo_l@0.7"]["size_bytes"] == 288621354

    problem = refused(await pull(kit_client, accept_licence=False), 409, "pack_licence_not_accepted")
    assert (problem["licence"], problem["url"]) == (NON_COMMERCIAL["id"], NON_COMMERCIAL["url"])
    refused(await pull(kit_client, "nobody"), 404, "pack_not_found")
    assert server.asked == []

    job = await ended(kit_client, await pull(kit_client))
    assert job["status"] == "completed", job
    assert job["kind"] == "pack.pull"
    assert (job["progress"]["done"], job["progress"]["total"]) == (len(WEIGHTS), len(WEIGHTS))
    assert job["result"]["downloaded_bytes"] == len(WEIGHTS)
    assert (await available(kit_client))["restorer@1"]["installed"]
    assert (home / "packs" / "restorer@1" / "restorer.pth").read_bytes() == WEIGHTS
    again = await ended(kit_client, await pull(kit_client))
    assert again["result"]["downloaded_bytes"] == 0
    refused(await kit_client.post("/api/v1/models/load", json={"name": "restorer"}), 422, "pack_invalid")


async def test_R_INF_5_a_pull_can_be_cancelled_and_goes_on(
    kit_client: httpx2.AsyncClient, server: NastyServer, catalogued: Catalogued
) -> None:
    url = server.serve("/w", WEIGHTS, Manners(pause_s=0.002), Manners())
    catalogued(file_of("restorer.pth", WEIGHTS, url))
    started = await pull(kit_client)
    job_id = started.json()["job"]["job_id"]
    assert (await pull(kit_client)).json()["job"]["job_id"] == job_id
    while (await kit_client.get(f"/api/v1/jobs/{job_id}")).json()["job"]["progress"]["done"] == 0:
        await asyncio.sleep(0.02)
    await kit_client.post(f"/api/v1/jobs/{job_id}/cancel")
    assert (await ended(kit_client, started))["status"] == "cancelled"
    await kit_client.post(f"/api/v1/jobs/{job_id}/retry")
    job = await ended(kit_client, started)
    assert job["status"] == "completed"
    assert 0 < job["result"]["downloaded_bytes"] < len(WEIGHTS)
    assert server.ranges == [None, f"bytes={len(WEIGHTS) - job['result']['downloaded_bytes']}-"]


async def test_R_INF_5_a_pull_goes_on_after_a_restart(
    open_kit_client: OpenClient, server: NastyServer, catalogue: Path, catalogued: Catalogued
) -> None:
    url = server.serve("/w", WEIGHTS, Manners(pause_s=0.002), Manners())
    catalogued(file_of("restorer.pth", WEIGHTS, url))
    async with open_kit_client(packs__catalogue=[str(catalogue)]) as client:
        started = await pull(client)
        job_id = started.json()["job"]["job_id"]
        while (await client.get(f"/api/v1/jobs/{job_id}")).json()["job"]["progress"]["done"] == 0:
            await asyncio.sleep(0.02)
    async with open_kit_client(packs__catalogue=[str(catalogue)]) as client:
        job = await ended(client, started)
    assert job["status"] == "completed", job
    assert 0 < job["result"]["downloaded_bytes"] < len(WEIGHTS)
    assert server.ranges == [None, f"bytes={len(WEIGHTS) - job['result']['downloaded_bytes']}-"]


async def test_R_INF_5_a_pull_that_fails_says_why_and_leaves_nothing(
    kit_client: httpx2.AsyncClient, server: NastyServer, catalogued: Catalogued, home: Path
) -> None:
    catalogued(file_of("restorer.pth", b"wanted", server.serve("/w", b"served")))
    job = await ended(kit_client, await pull(kit_client))
    assert (job["status"], job["error"]["code"]) == ("failed", "pack_digest_mismatch")
    catalogued(file_of("restorer.pth", b"wanted", f"{server.address}/nothing"))
    job = await ended(kit_client, await pull(kit_client))
    assert (job["status"], job["error"]["code"]) == ("failed", "pack_download_failed")
    assert list((home / "cache" / "downloads").iterdir()) == []
    assert not (home / "packs" / "restorer@1").exists()


async def test_R_INF_5_another_pack_of_that_name_is_refused_before_the_job(
    kit_client: httpx2.AsyncClient, server: NastyServer, catalogued: Catalogued
) -> None:
    catalogued(file_of("kit.pth", WEIGHTS, server.serve("/w", WEIGHTS)), name="kit")
    refused(await pull(kit_client, "kit"), 409, "pack_exists")
    offered = (await available(kit_client))["kit@1"]
    assert (offered["installed"], offered["installable"]) == (False, False)
    assert "Another pack" in offered["detail"]
    assert server.asked == []


async def test_R_INF_5_a_catalogue_that_is_wrong_is_told(kit_client: httpx2.AsyncClient, catalogue: Path) -> None:
    (catalogue / "bad.toml").write_text("packs = 1")
    problem = refused(await kit_client.get("/api/v1/models/available"), 422, "pack_invalid")
    assert "bad.toml" in problem["detail"]


async def test_R_INF_5_packs_are_pulled_loaded_used_unloaded_and_removed(
    kit_client: httpx2.AsyncClient,
    server: NastyServer,
    catalogued: Catalogued,
    pair_of_packs: Path,
    lfw_people: dict[str, list[bytes]],
) -> None:
    archive = zipped(pair_of_packs / "insightface@1")
    file = file_of("insightface.zip", archive, server.serve("/insightface.zip", archive))
    catalogued(file, name="insightface", family="face")
    job = await ended(kit_client, await pull(kit_client, "insightface"))
    assert job["status"] == "completed", job

    loaded = await kit_client.post("/api/v1/models/load", json={"name": "insightface"})
    assert (loaded.status_code, loaded.json()["version"], loaded.json()["dimension"]) == (200, "1", 128)
    unloaded = await kit_client.post("/api/v1/models/unload", json={"name": "insightface@1"})
    assert (unloaded.status_code, unloaded.json()["was_loaded"]) == (200, True)
    unloaded = await kit_client.post("/api/v1/models/unload", json={"name": "insightface"})
    assert not unloaded.json()["was_loaded"]

    photo = next(iter(lfw_people.values()))[0]
    enrolled = await enrol(kit_client, photo, name="somebody")
    assert enrolled.status_code == 201, enrolled.text
    assert (await reembed(kit_client, "insightface"))["status"] == "completed"
    problem = refused(await kit_client.delete("/api/v1/models/insightface"), 409, "pack_in_use")
    assert problem["coverage"]["embedded"] == 1
    found = await search(kit_client, photo, pack="insightface")
    assert found.json()["faces"][0]["matches"][0]["name"] == "somebody", found.text

    removed = await kit_client.delete("/api/v1/models/insightface@1", params={"force": True})
    assert (removed.status_code, removed.json()["embeddings"]) == (200, 1), removed.text
    refused(await search(kit_client, photo, pack="insightface"), 404, "pack_not_found")
    refused(await kit_client.delete("/api/v1/models/insightface@1"), 404, "pack_not_found")
    # Its embeddings were kept: back again, it finds the person at once.
    assert (await ended(kit_client, await pull(kit_client, "insightface")))["status"] == "completed"
    found = await search(kit_client, photo, pack="insightface")
    assert found.json()["faces"][0]["matches"][0]["name"] == "somebody"


async def test_R_INF_5_packs_that_are_needed_are_neither_unloaded_nor_removed(
    kit_client: httpx2.AsyncClient, home: Path, pair_of_packs: Path
) -> None:
    refused(await kit_client.post("/api/v1/models/unload", json={"name": "kit"}), 409, "pack_in_use")
    for name in ("kit", "minifasnet", "dlib"):
        for force in (False, True):
            refused(await kit_client.delete(f"/api/v1/models/{name}", params={"force": force}), 409, "pack_in_use")
    for name in ("kit@1", "minifasnet@1"):
        assert (home / "packs" / name).is_dir()
    listed = (await kit_client.get("/api/v1/models")).json()["models"]
    assert [model["name"] for model in listed if model["is_embedded"]] == list(EMBEDDED_PACKS)
    shutil.copytree(pair_of_packs / "foamliu@1", home / "packs" / "foamliu@1")
    started = await kit_client.put("/api/v1/gallery/shadow", json={"pack": "foamliu", "sample_rate": 1.0})
    assert started.status_code == 200, started.text
    refused(await kit_client.delete("/api/v1/models/foamliu"), 409, "pack_in_use")
    await kit_client.delete("/api/v1/gallery/shadow")
    assert (await kit_client.delete("/api/v1/models/foamliu")).status_code == 200
    assert not (home / "packs" / "foamliu@1").exists()


async def test_R_INF_5_a_damaged_pack_can_be_removed(kit_client: httpx2.AsyncClient, home: Path) -> None:
    (home / "packs" / "broken@1").mkdir()
    assert (await kit_client.delete("/api/v1/models/broken")).status_code == 200
    assert not (home / "packs" / "broken@1").exists()
    for name in ("..@", "..@1", "@1"):
        assert (await kit_client.delete(f"/api/v1/models/{name}")).status_code == 404
